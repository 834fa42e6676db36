import { createMiddleware } from 'hono/factory'
import { matchedRoutes } from 'hono/route'
import type { Log } from '../../telemetry/log.ts'
import type { Metrics } from '../../telemetry/metrics.ts'
import { keyLabel } from '../../telemetry/key-label.ts'
import type { Span } from '../../telemetry/span.ts'
import type { Tracer } from '../../telemetry/tracer.ts'
import type { UsageMeter } from '../../usage/meter.ts'
import type { GatewayContext, GatewayEnv, RequestRecord } from '../context.ts'

/** Who is told of requests. */
interface AccessLogServices {
  readonly log: Log
  readonly metrics: Metrics
  readonly usage: Pick<UsageMeter, 'add'>
  readonly tracer: Tracer
}

/** Writes one line for each request when its answer, or its stream, has ended, and counts the request. */
export function accessLog({ log, metrics, usage, tracer }: AccessLogServices) {
  return createMiddleware<GatewayEnv>(async function accessLog(c, next) {
    const startedAt = performance.now()
    const span = isProbe(c.req.path) ? undefined : tracer.request(c.req.method, (name) => c.req.header(name))
    const ids = { request_id: c.get('requestId'), ...(span === undefined ? {} : { trace_id: span.traceId }) }
    const requestLog = log.child(ids)
    metrics.requestsInFlight.inc()
    const record = newRecord()
    record.end = (status) => {
      record.end = () => {}
      const seconds = (performance.now() - startedAt) / 1000
      const route = routeOf(c)
      metrics.requestsInFlight.dec()
      metrics.requests.inc({ route, status })
      metrics.requestSeconds.observe({ route }, seconds)
      countUse(record, status, usage)
      noteFailure(c, record, route, metrics)
      endSpan(c, span, record, route, status)
      requestLog[levelOf(status)](line(c, record, status, seconds), 'request')
    }
    c.set('log', requestLog)
    c.set('span', span)
    c.set('record', record)
    await next()
    if (!record.streaming) record.end(c.res.status)
  })
}

/** Requests that ask for nothing of a model are nobody's use. */
function countUse({ key, model, errorCode }: RequestRecord, status: number, usage: Pick<UsageMeter, 'add'>): void {
  if (model === null) return
  const hasFailed = status >= 400 || errorCode !== null
  usage.add({ key: key ?? '', model }, { requests: 1, requestsFailed: hasFailed ? 1 : 0 })
}

/** A client that left is no failure; nor is it one of the page that shows failures, which asks for its key. */
function noteFailure(
  c: GatewayContext,
  { key, model, errorCode }: RequestRecord,
  route: string,
  metrics: Metrics,
): void {
  if (errorCode === null || errorCode === 'client_gone' || route.startsWith('/status')) return
  metrics.recent.failure({ code: errorCode, route, model, requestId: c.get('requestId'), caller: key })
}

/** Prometheus and Kubernetes ask these every few seconds; operators watch the status for hours. */
const isProbe = (path: string): boolean => PROBES.has(path)
const PROBES = new Set(['/health', '/ready', '/metrics', '/status', '/status/events'])

/** Says of a request what its conventions name, and no address: that may hold a name that a client has given. */
function endSpan(
  c: GatewayContext,
  span: Span | undefined,
  record: RequestRecord,
  route: string,
  status: number,
): void {
  if (span === undefined) return
  span.rename(`${c.req.method} ${route}`)
  span.set({
    'http.request.method': c.req.method,
    'http.route': route,
    'http.response.status_code': status,
    'url.scheme': 'http',
    'ocr.request.id': c.get('requestId'),
    'ocr.request.key_name': keyLabel(record.key),
    'ocr.request.pages': record.pages,
    'ocr.request.cached_pages': record.cachedPages,
    'gen_ai.request.model': record.model,
  })
  // What a client has done wrong is no error of the server.
  span.end(status >= 500 ? (record.errorCode ?? String(status)) : null)
}

function newRecord(): RequestRecord {
  return {
    key: null,
    model: null,
    stream: false,
    documents: null,
    pages: null,
    cachedPages: null,
    bytes: null,
    errorCode: null,
    streaming: false,
    end: () => {},
  }
}

function line(c: GatewayContext, record: RequestRecord, status: number, seconds: number): object {
  const fields = {
    method: c.req.method,
    path: c.req.path,
    status,
    seconds: Number(seconds.toFixed(4)),
    key: record.key,
    model: record.model,
    stream: record.stream || null,
    documents: record.documents,
    pages: record.pages,
    cached_pages: record.cachedPages,
    bytes: record.bytes,
    code: record.errorCode,
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}

function levelOf(status: number): 'info' | 'warn' | 'error' {
  if (status >= 500) return 'error'
  return status >= 400 ? 'warn' : 'info'
}

/** Returns the declared route, one of a closed set: `/v1/models/:id{.+}`; `_other` for a path that matches none. */
function routeOf(c: GatewayContext): string {
  const path = matchedRoutes(c).at(-1)?.path ?? '*'
  return path.endsWith('*') ? '_other' : path
}
