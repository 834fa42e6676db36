import { Pool, errors } from 'undici'
import type { Dispatcher } from 'undici'
import { GatewayError } from '../errors.ts'
import { orAborted } from '../schedule/or-aborted.ts'

/** One HTTP request to an upstream. Its path is relative to the base URL: `/chat/completions`, `/../health`. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string | null
}

/** What an upstream answered; the caller reads the body to its end or destroys it. */
export type UpstreamResponse = Pick<Dispatcher.ResponseData, 'headers' | 'body'> & { readonly status: number }

/** The connections to one upstream. */
export interface UpstreamConnection {
  /** The upstream's base URL without credentials or a trailing slash. */
  readonly url: string
  /**
   * Sends a request and returns as soon as the headers are there. An abort closes its socket at once, also while the
   * body is being read. Throws `engine_unavailable` when no answer came, of the kind `no_connection` when it could not
   * connect, and the signal's reason when aborted.
   */
  send(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse>
  /** Breaks what is still open. */
  close(): Promise<void>
}

/** How connections to an upstream are made. */
export interface ConnectionOptions {
  readonly apiKey: string | null
  readonly connectTimeoutSeconds: number
}

/**
 * vLLM closes an idle connection after 5 s (`VLLM_HTTP_TIMEOUT_KEEP_ALIVE`), and whoever writes to it then meets a reset.
 * Undici's own default of 4 s comes too close: in a process that computes for 300 ms at a time, it let go after 4.8 s.
 */
const KEEP_ALIVE_MILLISECONDS = 2000

/** Opens a pool of connections to an upstream. Nothing is sent before the first request. */
export function connectUpstream(baseUrl: string, options: ConnectionOptions): UpstreamConnection {
  const { origin, pathname } = new URL(baseUrl)
  const url = origin + pathname.replace(/\/+$/, '')
  const pool = new Pool(origin, {
    // As many sockets as pages in flight: who calls decides how many those are.
    connections: null,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
    keepAliveMaxTimeout: KEEP_ALIVE_MILLISECONDS,
    connectTimeout: options.connectTimeoutSeconds * 1000,
    // A page may be queued in the engine for minutes. Its limits are the caller's, through the signal.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const authorization = options.apiKey === null ? {} : { authorization: `Bearer ${options.apiKey}` }

  async function send({ method, path, headers, body }: UpstreamRequest, signal: AbortSignal) {
    signal.throwIfAborted()
    const sent = pool.request({
      method,
      path: new URL(`.${path}`, `${url}/`).pathname,
      headers: { accept: '*/*', ...headers, ...authorization },
      body: typeof body === 'string' ? body : (body ?? null),
      signal,
    })
    try {
      // Undici forgets the signal while a request waits for its socket to connect: there it would only throw after the
      // connection was made or given up.
      const { statusCode, headers: received, body: answer } = await orAborted(sent, signal)
      return { status: statusCode, headers: received, body: answer }
    } catch (cause) {
      signal.throwIfAborted()
      throw unreachable(url, cause)
    }
  }

  return { url, send, close: () => pool.destroy() }
}

function unreachable(url: string, cause: unknown): GatewayError {
  const notConnected =
    cause instanceof errors.ConnectTimeoutError
      ? 'did not accept a connection in time'
      : isRefused(cause)
        ? 'refused the connection'
        : null
  const what = notConnected ?? 'closed the connection before it answered'
  return new GatewayError('engine_unavailable', `The OCR engine ${what}. Try again in a few seconds.`, {
    cause: new Error(`${url} ${what}`, { cause }),
    kind: notConnected === null ? undefined : 'no_connection',
  })
}

function isRefused(cause: unknown): boolean {
  // With several addresses for a name, Node gathers one refusal for each in an AggregateError.
  const refusals = cause instanceof AggregateError ? cause.errors : [cause]
  return refusals.some(
    (error) =>
      error instanceof Error &&
      'code' in error &&
      /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(String(error.code)),
  )
}
