import { getRequestListener, RequestError } from '@hono/node-server'
import type { Hono } from 'hono'
import { createServer, STATUS_CODES, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorBody } from '../answer/error.ts'
import { GatewayError, toGatewayError, type ErrorCode } from '../errors.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { boundConnections, bytesReadOf, type Connections } from './connections.ts'
import type { GatewayEnv } from './context.ts'
import { newRequestId } from './middleware/request-id.ts'
import type { Lifecycle } from './routes/health.ts'

/** The HTTP server of an app. */
export interface Listener {
  readonly server: Server
  /** Takes no more connections, and resolves when those there are have ended; cuts them after so many seconds. */
  stop(drainSeconds: number): Promise<void>
}

/** What the HTTP server needs beside the app. */
export interface ListenerOptions {
  readonly log: Log
  readonly metrics: Metrics
  readonly lifecycle: Lifecycle
  /** How long a connection is kept on which nothing is asked. */
  readonly keepAliveSeconds: number
  /** Connections at a time. */
  readonly maxConnections: number
  /** What an HTTP/1.0 request without `Host` was meant for. */
  readonly hostname: string
}

/** From the first byte of a request's head to its last, in milliseconds. Who reads a body limits its time: files have more of it. */
const HEAD_TIMEOUT_MS = 10_000
/** How often Node looks for requests that are beyond this limit. */
const CHECK_TIMEOUTS_MS = 1000
/** A connection on which nothing was ever asked has this time at least. */
const MIN_SILENT_MS = 60_000
/**
 * What browsers and proxies are told of every answer; one that is a page says more itself. Answers hold what was in somebody's
 * document: nobody on the way keeps them, and nothing in them is run.
 */
const SAFE_HEADERS = new Headers({
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
})
/** How often the log says that there are too many connections, in milliseconds. */
const FULL_LOG_MS = 60_000

/**
 * Creates the HTTP server of an app. What the app never sees is answered, logged and counted here: requests that are no
 * HTTP, that have too large a head, or that never end.
 */
export function createListener(app: Hono<GatewayEnv>, options: ListenerOptions): Listener {
  const { lifecycle, keepAliveSeconds, hostname } = options
  const refuse = refusals(options)
  // Node would refuse a request without `Host` itself, and silently.
  const limits = {
    keepAliveTimeout: keepAliveSeconds * 1000,
    headersTimeout: HEAD_TIMEOUT_MS,
    requestTimeout: 0,
    connectionsCheckingInterval: CHECK_TIMEOUTS_MS,
    requireHostHeader: false,
  }
  const listen = getRequestListener(app.fetch, {
    hostname,
    overrideGlobalObjects: false,
    errorHandler: (thrown) => refuse.response(outsideError(thrown)),
  })
  /** What is being answered on a connection. */
  const current = new WeakMap<Duplex, ServerResponse>()
  const unended = new Set<ServerResponse>()
  const server = createServer(limits, (incoming, outgoing) => {
    current.set(incoming.socket, outgoing)
    connections.busy(incoming.socket)
    outgoing.setHeaders(SAFE_HEADERS)
    outgoing.shouldKeepAlive &&= !lifecycle.draining
    unended.add(outgoing)
    outgoing.once('close', () => {
      unended.delete(outgoing)
      // Another may have been sent behind it.
      if (current.get(incoming.socket) === outgoing) connections.idle(incoming.socket)
    })
    const needsHost = incoming.httpVersion !== '1.0' && incoming.headers.host === undefined
    if (needsHost) refuse.answer(outgoing, malformed('it has no Host header'))
    else void listen(incoming, outgoing)
  })
  const connections = boundConnections(server, connectionLimits(options), (socket) => refuse.socket(socket, tooMany()))
  // The body is asked for where it is read, after the checks that need none of it.
  server.on('checkContinue', (incoming, outgoing) => server.emit('request', incoming, outgoing))
  server.on('checkExpectation', (_, outgoing: ServerResponse) =>
    refuse.answer(
      outgoing,
      new GatewayError('expectation_failed', 'The only expectation that is met is "Expect: 100-continue".'),
    ),
  )
  server.on('connect', (_, socket) => refuse.socket(socket, notFound('CONNECT')))
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    endConnection(error, socket, { answering: current.get(socket), refuse, connections }),
  )
  return {
    server,
    stop: (drainSeconds) => stop(server, connections, unended, drainSeconds),
  }
}

function connectionLimits({ maxConnections, keepAliveSeconds, metrics, log }: ListenerOptions) {
  let toldAt = -Infinity
  return {
    max: maxConnections,
    silentMs: Math.max(MIN_SILENT_MS, keepAliveSeconds * 1000),
    onCount: (count: number) => metrics.connections.set(count),
    onFull() {
      if (performance.now() - toldAt < FULL_LOG_MS) return
      toldAt = performance.now()
      log.warn({ max: maxConnections }, 'all connections are taken: the longest idle make room')
    },
  }
}

const tooMany = () =>
  new GatewayError('queue_full', 'All connections of the gateway are taken. Send the request again in a second.', {
    retryAfterSeconds: 1,
  })

const IDLE_CHECK_MS = 100

async function stop(
  server: Server,
  connections: Connections,
  unended: ReadonlySet<ServerResponse>,
  drainSeconds: number,
): Promise<void> {
  // An answer that begins from now on says that its connection ends with it.
  for (const outgoing of unended) outgoing.shouldKeepAlive = false
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // close() ends the connections that are idle now; those that fall idle later would be kept alive.
  const idle = setInterval(() => {
    server.closeIdleConnections()
    connections.endSilent()
  }, IDLE_CHECK_MS)
  const cut = setTimeout(() => server.closeAllConnections(), drainSeconds * 1000)
  await closed
  clearInterval(idle)
  clearTimeout(cut)
}

const notFound = (method: string) =>
  new GatewayError('not_found', `There is no ${method} here. docs/api.md lists the endpoints.`)

const malformed = (why: string) => new GatewayError('malformed_request', `The request is not valid HTTP: ${why}.`)

function outsideError(thrown: unknown): GatewayError {
  if (thrown instanceof RequestError) return malformed('its path, or its Host header, is no part of an address')
  return toGatewayError(thrown, 'The gateway failed. Its log says why, under this request id.')
}

const clientErrors: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: [
    'headers_too_large',
    'The headers of the request are larger than 16 KB together. Send fewer or shorter ones.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    'request_timeout',
    'The request did not arrive whole in time. Send it again, on a faster connection.',
  ],
}

interface Ending {
  readonly answering: ServerResponse | undefined
  readonly refuse: ReturnType<typeof refusals>
  readonly connections: Connections
}

/** Ends a connection whose client sends no HTTP, or nothing any more. */
function endConnection({ code = '' }: NodeJS.ErrnoException, socket: Duplex, ending: Ending): void {
  const { answering, refuse, connections } = ending
  // Node looks at it again when its first byte comes.
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && bytesReadOf(socket) === 0) return connections.keepSilent(socket)
  const isAnswering = answering !== undefined && !answering.writableFinished
  // A client that has left or never asked gets no answer; what it asked for is logged where it is answered.
  const isGone = !socket.writable || (code === 'HPE_INVALID_EOF_STATE' && isAnswering) || bytesReadOf(socket) === 0
  if (isGone || (isAnswering && answering.headersSent)) return void socket.destroy()
  const [known, message] = clientErrors[code] ?? []
  refuse.socket(
    socket,
    known === undefined || message === undefined ? malformed(code) : new GatewayError(known, message),
  )
}

/** Answers that are sent past the app; each is logged and counted. */
function refusals({ log, metrics }: Pick<ListenerOptions, 'log' | 'metrics'>) {
  function told(error: GatewayError) {
    const id = newRequestId()
    const { code, status } = error
    metrics.errors.inc({ code })
    metrics.requests.inc({ route: '_other', status })
    log[status >= 500 ? 'error' : 'warn'](
      { request_id: id, status, code, problem: error.message, err: error.cause },
      'request',
    )
    const body = JSON.stringify(errorBody(error))
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'x-request-id': id,
      'x-should-retry': String(error.retry),
      ...(error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) }),
      connection: 'close',
    }
    return { status, headers, body }
  }
  return {
    response(error: GatewayError): Response {
      const { status, headers, body } = told(error)
      return new Response(body, { status, headers })
    },
    answer(outgoing: ServerResponse, error: GatewayError): void {
      const { status, headers, body } = told(error)
      outgoing.writeHead(status, headers).end(body)
    },
    socket(socket: Duplex, error: GatewayError): void {
      const { status, headers, body } = told(error)
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`, () => socket.destroy())
    },
  }
}
