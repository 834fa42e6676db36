import { setTimeout as delay } from 'node:timers/promises'
import OpenAI, { APIConnectionTimeoutError, APIError } from 'openai'
import type { ChatCompletionContentPart } from 'openai/resources'
import { chatChunk } from '../../../gateway/wire/openai/chat-completion.ts'
import type { OcrObject } from '../../../gateway/wire/openai/ocr-object.ts'
import { askWhole, beginningPage, type Answer } from '../read-answer.ts'
import type { Job } from './plan.ts'

/** How a request ended for its client, and what it had read by then. */
export interface Outcome {
  readonly kind: 'answered' | 'refused' | 'failed in its stream' | 'left' | 'timed out' | 'broken' | 'overdue'
  readonly answer: Pick<Answer, 'content' | 'finishReason' | 'ocr'> | null
  /** Of a stream: what came, whole or not, and the pages that it announced. */
  readonly content: string
  readonly announced: readonly number[] | null
  /** The gateway's error code; of a broken connection its message. */
  readonly code: string | null
  readonly status: number | null
  readonly seconds: number
  /** The longest time without a byte, the headers' included. */
  readonly silentSeconds: number
}

/** What a request may take. */
export interface Limits {
  /** After so long the client is tired of it, and the test as well. */
  readonly seconds: number
}

/** Asks as a job says and tells how it ended; never throws. */
export async function askAs(
  job: Job,
  url: string,
  parts: readonly ChatCompletionContentPart[],
  { seconds }: Limits,
): Promise<Outcome> {
  const silence = watchSilence()
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0, fetch: silence.fetch })
  const leave = new AbortController()
  const overdue = AbortSignal.timeout(seconds * 1000)
  const seen: Seen = { content: '', announced: job.stream ? [] : null }
  const startedAt = performance.now()
  const question = {
    parts,
    ocr: { on_page_error: job.onPageError, on_deadline: 'partial' },
    signal: AbortSignal.any([leave.signal, overdue]),
    // Said with the request: of the client as a whole, the gateway is told nothing.
    ...(job.timeoutSeconds === null ? {} : { timeoutMs: job.timeoutSeconds * 1000 }),
  }
  let ending: Pick<Outcome, 'kind' | 'answer' | 'code' | 'status'>
  try {
    if (job.leaves !== null && 'afterMilliseconds' in job.leaves) leaveLater(job.leaves.afterMilliseconds, leave)
    const answer = job.stream ? await readStream(client, question, seen, job, leave) : await askWhole(client, question)
    ending = { kind: 'answered', answer, code: null, status: 200 }
  } catch (error) {
    ending = { answer: null, ...describe(error, leave.signal, overdue) }
  }
  leave.abort()
  const took = (performance.now() - startedAt) / 1000
  return { ...ending, ...seen, seconds: took, silentSeconds: silence.longestSeconds() }
}

function leaveLater(milliseconds: number, leave: AbortController): void {
  void delay(milliseconds, undefined, { signal: leave.signal }).then(
    () => leave.abort(),
    () => {},
  )
}

interface Seen {
  content: string
  readonly announced: number[] | null
}

interface Question {
  readonly parts: readonly ChatCompletionContentPart[]
  readonly ocr: object
  readonly signal: AbortSignal
}

async function readStream(
  client: OpenAI,
  { parts, ocr, signal }: Question,
  seen: Seen,
  { leaves }: Job,
  leave: AbortController,
): Promise<Outcome['answer']> {
  const messages = [{ role: 'user' as const, content: [...parts] }]
  const body = { model: 'default', stream: true as const, messages, ocr }
  const stream = await client.chat.completions.create(body, { signal })
  let finishReason: string | null = null
  let last: OcrObject | null = null
  for await (const event of stream) {
    const chunk = chatChunk.parse(event)
    const page = beginningPage(chunk)
    seen.content += chunk.choices[0]?.delta.content ?? ''
    finishReason = chunk.choices[0]?.finish_reason ?? finishReason
    if (page !== null) seen.announced?.push(page)
    if (chunk.ocr !== undefined && 'pages' in chunk.ocr) last = chunk.ocr
    if (leaves !== null && 'afterPages' in leaves && (seen.announced?.length ?? 0) >= leaves.afterPages) leave.abort()
  }
  // The official client ends a stream that is left as if it were over.
  signal.throwIfAborted()
  if (last === null) throw new Error('the stream ended without a ledger')
  return { content: seen.content, finishReason, ocr: last }
}

function describe(error: unknown, left: AbortSignal, overdue: AbortSignal): Pick<Outcome, 'kind' | 'code' | 'status'> {
  const none = { code: null, status: null }
  if (left.aborted) return { kind: 'left', ...none }
  if (overdue.aborted) return { kind: 'overdue', ...none }
  if (error instanceof APIConnectionTimeoutError) return { kind: 'timed out', ...none }
  if (error instanceof APIError && error.code != null) {
    const { code, status } = error as { code: string; status: number | undefined }
    return { kind: status === undefined ? 'failed in its stream' : 'refused', code, status: status ?? null }
  }
  return { kind: 'broken', code: String(error), status: null }
}

/** Wraps fetch so that the longest time without a byte is known, keep-alive comments counted. */
function watchSilence() {
  let longest = 0
  let lastByte = performance.now()
  const heard = () => {
    longest = Math.max(longest, performance.now() - lastByte)
    lastByte = performance.now()
  }
  return {
    longestSeconds: () => longest / 1000,
    fetch: async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      lastByte = performance.now()
      const response = await fetch(input, init)
      heard()
      const body = response.body?.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(bytes, controller) {
            heard()
            controller.enqueue(bytes)
          },
        }),
      )
      return new Response(body ?? null, response)
    },
  }
}
