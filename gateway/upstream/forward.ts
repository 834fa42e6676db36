import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Turn } from '../schedule/turn.ts'
import type { UpstreamLease } from './lease.ts'
import { keyRefused } from './failure.ts'

/** A client's request that is none of the gateway's business: text-only chats. */
export interface ForwardRequest {
  readonly method: 'GET' | 'POST'
  /** Relative to the upstream's base URL: `/chat/completions`. */
  readonly path: string
  readonly headers: Readonly<IncomingHttpHeaders>
  readonly body: Uint8Array | string | null
  /** The served-model name, which picks the upstream. */
  readonly model: string
  /** Its turn among the pages that wait for the model; null: it does not wait. */
  readonly turn: Turn | null
}

/** What the upstream answered, as it answered it. */
export interface ForwardedResponse {
  readonly status: number
  readonly headers: Record<string, string>
  /** Must be read to its end or destroyed: until then the request counts as in flight. */
  readonly body: Readable
}

/** What is said to the upstream of the client's headers. The rest is between the client and the gateway. */
const REQUEST_HEADERS = new Set(['accept', 'x-request-id', 'traceparent', 'tracestate'])

/** The body was read as JSON, whatever the client calls it; vLLM refuses every other name and none. */
const JSON_BODY = { 'content-type': 'application/json' }

/**
 * What belongs to one connection and must not cross to the next (https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1),
 * and what the gateway says of itself.
 */
const OWN_HEADERS = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'date',
  'server',
])

/**
 * Passes a request to an upstream and its answer back, streams included. An abort closes the upstream's socket. Throws
 * `engine_unavailable` when no answer came or will come, and `engine_error` when the upstream refuses the gateway's key: a 401 would
 * send the client looking for a fault in its own.
 */
export async function forwardRequest(
  lease: UpstreamLease,
  { method, path, headers, body }: ForwardRequest,
  signal: AbortSignal,
): Promise<ForwardedResponse> {
  const until = untilLost(lease, signal)
  const release = (): void => {
    until.forget()
    lease.release()
  }
  try {
    const passed = passedOn(headers, (name) => REQUEST_HEADERS.has(name))
    const request = { method, path, headers: body === null ? passed : { ...passed, ...JSON_BODY }, body }
    signal.throwIfAborted()
    const response = await lease.send(request, until.signal)
    until.hasBegun()
    if (response.status === 401 || response.status === 403) {
      response.body.dump({ limit: 1024, signal: AbortSignal.timeout(1000) }).catch(() => {})
      throw keyRefused(new Error(`${lease.url} answered ${response.status}`))
    }
    response.body.once('close', release)
    return {
      status: response.status,
      headers: passedOn(response.headers, (name) => !OWN_HEADERS.has(name)),
      body: response.body,
    }
  } catch (error) {
    release()
    throw error
  }
}

/** A signal that fires when the client leaves, or the upstream is found gone, dead or asleep before it has begun to answer. */
function untilLost({ lost }: UpstreamLease, signal: AbortSignal) {
  const end = new AbortController()
  const leave = () => end.abort(lost.aborted ? lost.reason : signal.reason)
  const hasBegun = (): void => lost.removeEventListener('abort', leave)
  signal.addEventListener('abort', leave, { once: true })
  lost.addEventListener('abort', leave, { once: true })
  return {
    signal: end.signal,
    /** What has begun to answer goes on, until its client leaves. */
    hasBegun,
    /** The signal of a line of a batch outlives the line. */
    forget(): void {
      hasBegun()
      signal.removeEventListener('abort', leave)
    },
  }
}

function passedOn(headers: IncomingHttpHeaders, isPassedOn: (name: string) => boolean): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && isPassedOn(name.toLowerCase())) passed[name.toLowerCase()] = String(value)
  }
  return passed
}
