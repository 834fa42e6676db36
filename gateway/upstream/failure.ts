import { GatewayError } from '../errors.ts'
import { readWireError } from '../wire/vllm.ts'
import type { WireError } from '../wire/vllm.ts'
import type { UpstreamResponse } from './connection.ts'
import { readExcess } from './excess.ts'
import { plainWords, readableWords, wordsAboutEngine } from './said.ts'
import { readShortBody } from './short-body.ts'

/** An error body is a sentence; a server that sends more is not read further. In bytes. */
const MAX_ERROR_BODY_BYTES = 64 * 1024

/** What clients heed of `Retry-After`, in seconds. */
const MAX_RETRY_AFTER_SECONDS = 60

/** What an upstream answered instead of a page, as far as callers may read it. */
interface Refusal {
  readonly status: number
  /** As it was said; only numbers and fixed words are taken from it. */
  readonly message: string
  /** What callers may read of it. */
  readonly said: string
  readonly retryAfter: number | undefined
  readonly cause: Error
}

/** Reads an upstream's answer that is no 200 and returns what to throw for it. Ends the body. */
export async function responseFailure(url: string, response: UpstreamResponse): Promise<GatewayError> {
  // A body that breaks off takes nothing from what the status already said.
  const { text } = await readShortBody(response, MAX_ERROR_BODY_BYTES)
  const { status } = response
  const error = readWireError(parseJson(text))
  const said = error === null ? plainWords(text) : readableWords(error.message)
  const cause = new Error(`${url} answered ${status}: ${said || '(nothing)'}`)
  return statusFailure({
    status,
    message: error?.message ?? '',
    said,
    retryAfter: retryAfterSeconds(response),
    cause,
  })
}

/**
 * Returns what to throw for an error inside an answer that began with 200. Once the engine has begun with the page, its
 * words may be the page's.
 */
export function eventFailure(url: string, { message, type, code }: WireError, hasBegun: boolean): GatewayError {
  const said = hasBegun ? wordsAboutEngine(message) : readableWords(message)
  const kind = hasBegun ? '' : (type ?? '')
  const cause = new Error(
    `${url} failed inside its answer (${[code ?? 'no code', kind].join(' ').trim()}): ${said || `${message.length} characters`}`,
  )
  // Inside an answer that began well, a number that is no HTTP error says nothing.
  const status = code !== null && code >= 400 && code < 600 ? code : 500
  return statusFailure({ status, message, said, retryAfter: undefined, cause })
}

/** Returns what to throw for a web page with status 200: a login form, or the error of a server in between. */
export function webPageAnswer(url: string): GatewayError {
  return new GatewayError(
    'engine_error',
    'A web page came instead of an answer: something else than an OCR engine is there, or before it. Its operator must look at GATEWAY_UPSTREAM_URLS.',
    { cause: new Error(`${url} answered with a web page`) },
  )
}

/** Returns what to throw for a status: which of them another try can mend is vLLM's habit, not HTTP's. */
function statusFailure(refusal: Refusal): GatewayError {
  const { status, said, retryAfter, cause } = refusal
  const unavailable = (message: string) =>
    new GatewayError('engine_unavailable', message.trim(), { cause, retryAfterSeconds: retryAfter })
  if (status === 401 || status === 403) return keyRefused(cause)
  if (status === 404) return unavailable(`The OCR engine does not serve this model now. ${said}`)
  if (status === 413) return bodyRefused(cause)
  if (status === 429 || status === 502 || status === 503) {
    return unavailable(`The OCR engine cannot take this page now (${status}). Try again in a few seconds. ${said}`)
  }
  if (status === 408 || status === 504) {
    return new GatewayError('engine_timeout', `The OCR engine gave up waiting (${status}). Try again.`, { cause })
  }
  // 501 is vLLM's word for an image that it cannot read; every other 4xx and it stay true however often they are asked.
  return status >= 500 && status !== 501 ? engineFailed(refusal) : pageRefused(refusal)
}

/** Returns what to throw when an upstream does not accept the gateway's own key. */
export function keyRefused(cause: Error): GatewayError {
  const message = "The OCR engine refused the gateway's key. Its operator must set GATEWAY_UPSTREAM_API_KEY."
  return new GatewayError('engine_error', message, { cause, retry: false })
}

/** vLLM takes bodies of any size; nginx takes a megabyte unless it is told otherwise. */
function bodyRefused(cause: Error): GatewayError {
  const message =
    'A server before the OCR engine refused this page image for its bytes (413). Its operator must raise the limit for request bodies there: in nginx, client_max_body_size.'
  return new GatewayError('engine_error', message, { cause, retry: false, kind: 'too_many_bytes' })
}

/**
 * Two processes of vLLM each keep images by their hash, and may forget them at different times: the same image then
 * fails again, and another one does not.
 */
const IMAGE_FORGOTTEN = /expected a cached item for mm_hash/i

function engineFailed({ message, said, cause }: Refusal): GatewayError {
  return new GatewayError('engine_error', withWords('The OCR engine failed on this page. Try again.', said), {
    cause,
    kind: IMAGE_FORGOTTEN.test(message) ? 'image_forgotten' : undefined,
  })
}

function pageRefused({ message, said, cause }: Refusal): GatewayError {
  const { kind, tokenShare } = readExcess(message) ?? {}
  return new GatewayError('engine_error', withWords('The OCR engine refused this page, and would again.', said), {
    cause,
    retry: false,
    kind,
    tokenShare,
  })
}

function withWords(message: string, said: string): string {
  return said === '' ? message : `${message} It said: ${said}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function retryAfterSeconds({ headers }: UpstreamResponse): number | undefined {
  const seconds = Number(headers['retry-after'] ?? NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(Math.ceil(seconds), MAX_RETRY_AFTER_SECONDS) : undefined
}
