import type { BatchEndpoint } from '../batch/batch.ts'
import { GatewayError } from '../errors.ts'
import { batchLine, batchRequest } from '../wire/openai/batch.ts'
import { check } from './check.ts'

/** What a client wants of a batch. */
export interface BatchWishes {
  readonly inputFileId: string
  readonly endpoint: BatchEndpoint
  /** As the client has written it. */
  readonly completionWindow: string
  readonly windowSeconds: number
  readonly metadata: Readonly<Record<string, string>> | null
  /** How long the output is to be kept, in seconds; null: as long as any file. */
  readonly outputSeconds: number | null
}

/** Reads the body of `POST /v1/batches`. Throws `invalid_value`. */
export function readBatchWishes(body: unknown): BatchWishes {
  const { input_file_id, endpoint, completion_window, metadata, output_expires_after } = check(batchRequest, body, '')
  return {
    inputFileId: input_file_id,
    endpoint,
    completionWindow: completion_window,
    windowSeconds: secondsOf(completion_window),
    metadata: metadata ?? null,
    outputSeconds: output_expires_after?.seconds ?? null,
  }
}

const HOUR = 3600
const MAX_HOURS = 14 * 24

function secondsOf(window: string): number {
  const [, count, unit] = /^(\d{1,4})(h|d)$/.exec(window) ?? []
  const hours = Number(count) * (unit === 'd' ? 24 : 1)
  if (hours >= 1 && hours <= MAX_HOURS) return hours * HOUR
  throw new GatewayError(
    'invalid_value',
    'completion_window: expected hours or days, like "24h", "72h" or "3d": 1h to 14d.',
    { param: 'completion_window' },
  )
}

/** One request of a batch, as far as it is known before it is run. */
export interface LineHead {
  readonly customId: string
  /** Null where the body names none that could be looked for. */
  readonly model: string | null
}

/** Returns the `custom_id` of a line, whatever else is wrong with it; null: it has none. */
export function customIdOf(outline: unknown): string | null {
  const { custom_id } = Object(outline) as { readonly custom_id?: unknown }
  return batchLine.shape.custom_id.safeParse(custom_id).data ?? null
}

/** Reads a line of a batch. Throws `invalid_value`, naming the field at fault. */
export function readBatchLine(outline: unknown, endpoint: BatchEndpoint): LineHead {
  if (typeof outline !== 'object' || outline === null || Array.isArray(outline)) throw noLine(endpoint)
  const { custom_id, url, body } = check(batchLine, outline, '')
  if (url !== endpoint) throw invalid('url', `expected ${JSON.stringify(endpoint)}, the endpoint of the batch`)
  if (body['stream'] === true) throw invalid('body.stream', 'a line of a batch is answered whole; leave it out')
  if (body['background'] === true) throw invalid('body.background', 'a batch is in the background itself; leave it out')
  const { model } = body
  return { customId: custom_id, model: typeof model === 'string' ? model : null }
}

function noLine(endpoint: BatchEndpoint): GatewayError {
  return new GatewayError(
    'invalid_value',
    `The line is no object. Expected {"custom_id": "1", "method": "POST", "url": ${JSON.stringify(endpoint)}, "body": {…}}.`,
  )
}

function invalid(param: string, problem: string): GatewayError {
  return new GatewayError('invalid_value', `${param}: ${problem}.`, { param })
}

/** Which batches are asked for. */
export interface BatchListQuery {
  readonly after: string | null
  readonly limit: number
}

const MAX_LIMIT = 100
const DEFAULT_LIMIT = 20

/** Reads the query of `GET /v1/batches`. Throws `invalid_value`. */
export function readBatchList(query: URLSearchParams): BatchListQuery {
  const after = query.get('after')?.trim() || null
  const text = query.get('limit')?.trim() || String(DEFAULT_LIMIT)
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : NaN
  if (!(limit >= 1 && limit <= MAX_LIMIT)) throw invalid('limit', `expected a number, 1 to ${MAX_LIMIT}`)
  return { after, limit }
}
