import { GatewayError } from '../errors.ts'
import type { Span } from '../telemetry/span.ts'
import type { ForwardedResponse } from '../upstream/forward.ts'
import type { Upstreams } from '../upstream/upstreams.ts'
import { tokensOf } from '../usage/said-tokens.ts'
import { NO_USAGE, type BatchUsage } from './batch.ts'
import type { ForwardedQuestion } from './line-question.ts'

/** What an upstream has answered to a line. */
export interface ForwardedAnswer {
  readonly status: number
  readonly body: unknown
  readonly usage: BatchUsage
}

/** Longer answers of a chat are none. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/** What says that the same request may be answered later. */
const PASSING = new Set([408, 429, 502, 503, 504])

/** Who asks, and how. */
interface LineForwarding {
  readonly id: string
  readonly key: string
  readonly forward: Upstreams['forward']
  readonly span: Span | undefined
}

/**
 * Has a line answered by its model's upstream, when no page of somebody who waits is before it. Throws what forwarding throws,
 * `engine_unavailable` for an answer that says so, and `engine_error` for one that is no JSON, or too long.
 */
export async function forwardLine(
  { path, model, body }: ForwardedQuestion,
  { id, key, forward, span }: LineForwarding,
  signal: AbortSignal,
): Promise<ForwardedAnswer> {
  const headers = { accept: 'application/json', 'x-request-id': id, ...span?.headers }
  const turn = { lane: 'batch', key, request: id } as const
  const response = await forward({ method: 'POST', path, headers, body, model, turn }, signal)
  const bytes = await whole(response, signal)
  const { status } = response
  if (PASSING.has(status)) throw notNow(model, status)
  const parsed = parse(bytes, model)
  return { status, body: parsed, usage: usageOf(parsed) }
}

async function whole({ body }: ForwardedResponse, signal: AbortSignal): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  const leave = (): void => void body.destroy()
  signal.addEventListener('abort', leave, { once: true })
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      length += piece.length
      if (length > MAX_ANSWER_BYTES) throw tooLong()
      pieces.push(piece)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof GatewayError ? error : brokenOff(error)
  } finally {
    signal.removeEventListener('abort', leave)
    body.destroy()
  }
  signal.throwIfAborted()
  return Buffer.concat(pieces, length)
}

function parse(bytes: Buffer, model: string): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    throw new GatewayError('engine_error', `The upstream of ${model} has answered with what is no JSON.`)
  }
}

function usageOf(answer: unknown): BatchUsage {
  const { usage } = Object(answer) as { readonly usage?: unknown }
  const tokens = tokensOf(usage)
  if (tokens === null) return NO_USAGE
  const { promptTokens: inputTokens, cachedTokens, completionTokens: outputTokens } = tokens
  return { inputTokens, cachedTokens, outputTokens }
}

const notNow = (model: string, status: number): GatewayError =>
  new GatewayError('engine_unavailable', `The upstream of ${model} answers ${status}. The request is sent again later.`)

const tooLong = (): GatewayError =>
  new GatewayError('engine_error', `The upstream's answer is longer than ${MAX_ANSWER_BYTES} bytes. Ask for less.`)

const brokenOff = (cause: unknown): GatewayError =>
  new GatewayError('engine_unavailable', "The upstream's answer broke off. The request is sent again later.", { cause })
