import { GatewayError } from '../errors.ts'
import { readWireError } from '../wire/vllm.ts'
import type { WireError } from '../wire/vllm.ts'
import type { UpstreamResponse } from './connection.ts'

/** The most characters of an upstream's own words that a caller is shown. */
const MAX_MESSAGE_CHARACTERS = 300

/** An error body is a sentence; a server that sends more is not read further. In bytes. */
const MAX_ERROR_BODY_BYTES = 64 * 1024

/** What clients heed of `Retry-After`, in seconds. */
const MAX_RETRY_AFTER_SECONDS = 60

/** Reads an upstream's answer that is no 200 and returns what to throw for it. Ends the body. */
export async function responseFailure(url: string, response: UpstreamResponse): Promise<GatewayError> {
  const text = await readErrorBody(response)
  const said = shorten(readWireError(parseJson(text))?.message ?? text)
  const cause = new Error(`${url} answered ${response.status}: ${said}`)
  return statusFailure(response.status, said, retryAfterSeconds(response), cause)
}

/** Returns what to throw for an error event inside a stream that began with 200. */
export function eventFailure(url: string, error: WireError): GatewayError {
  const said = shorten(error.message)
  const cause = new Error(`${url} failed inside its stream (${error.code ?? 'no code'}): ${said}`)
  return error.code === null ? engineFailed(said, true, cause) : statusFailure(error.code, said, undefined, cause)
}

/** Returns what to throw for a status: which of them another try can mend is vLLM's habit, not HTTP's. */
function statusFailure(status: number, said: string, retryAfter: number | undefined, cause: Error): GatewayError {
  const unavailable = (message: string) =>
    new GatewayError('engine_unavailable', message, { cause, retryAfterSeconds: retryAfter })
  if (status === 401 || status === 403) return keyRefused(cause)
  if (status === 404) return unavailable(`The OCR engine does not serve this model now: ${said}`)
  if (status === 429 || status === 502 || status === 503) {
    return unavailable(
      `The OCR engine cannot take this page now (${status}). Try again in a few seconds. ${said}`.trim(),
    )
  }
  if (status === 408 || status === 504) {
    return new GatewayError('engine_timeout', `The OCR engine gave up waiting (${status}). Try again.`, { cause })
  }
  // 501 is vLLM's word for an image that it cannot read; every other 4xx and it stay true however often they are asked.
  return engineFailed(said, status >= 500 && status !== 501, cause)
}

/** Returns what to throw when an upstream does not accept the gateway's own key. */
export function keyRefused(cause: Error): GatewayError {
  const message = "The OCR engine refused the gateway's key. Its operator must set GATEWAY_UPSTREAM_API_KEY."
  return new GatewayError('engine_error', message, { cause, retry: false })
}

function engineFailed(said: string, retry: boolean, cause: Error): GatewayError {
  const message = retry
    ? `The OCR engine failed on this page. Try again. It said: ${said}`
    : `The OCR engine refused this page, and would again. It said: ${said}`
  return new GatewayError('engine_error', message, {
    cause,
    retry,
    kind: !retry && isTooLong(said) ? 'too_long' : undefined,
  })
}

/**
 * Tells whether the page did not fit the model's context. vLLM has no code for it: these are its words before and after
 * it has seen the image (https://github.com/vllm-project/vllm/blob/main/vllm/renderers/params.py).
 */
function isTooLong(said: string): boolean {
  return /maximum context length|longer than the maximum model length/i.test(said)
}

async function readErrorBody({ body }: UpstreamResponse): Promise<string> {
  const reads: Uint8Array[] = []
  let length = 0
  try {
    for await (const read of body as AsyncIterable<Uint8Array>) {
      reads.push(read)
      length += read.byteLength
      if (length > MAX_ERROR_BODY_BYTES) break
    }
  } catch {
    // A body that breaks off takes nothing from what the status already said.
  }
  return Buffer.concat(reads).toString('utf8', 0, MAX_ERROR_BODY_BYTES)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Leaves of a message what a person can read: vLLM quotes data URLs, and a page has megabytes of base64. */
function shorten(message: string): string {
  const readable = message
    .replaceAll(/data:[^\s"',]*,?[A-Za-z0-9+/=_-]*/g, '(data URL)')
    .replaceAll(/[A-Za-z0-9+/=_-]{64,}/g, '…')
    .replaceAll(/\s+/g, ' ')
    .trim()
  if (readable === '') return '(nothing)'
  return readable.length <= MAX_MESSAGE_CHARACTERS ? readable : `${readable.slice(0, MAX_MESSAGE_CHARACTERS - 1)}…`
}

function retryAfterSeconds({ headers }: UpstreamResponse): number | undefined {
  const seconds = Number(headers['retry-after'] ?? NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(Math.ceil(seconds), MAX_RETRY_AFTER_SECONDS) : undefined
}
