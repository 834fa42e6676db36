import { Hono } from 'hono'
import { GatewayError } from './errors.ts'
import { allowOrigins } from './http/middleware/allow-origins.ts'
import { accessLog } from './http/middleware/access-log.ts'
import { allowAddresses } from './http/middleware/allow-addresses.ts'
import { authenticate } from './http/middleware/authenticate.ts'
import { chatCompletions } from './http/routes/chat-completions.ts'
import { completions } from './http/routes/completions.ts'
import type { GatewayEnv } from './http/context.ts'
import { errorResponse, throwErrors } from './http/error-response.ts'
import { createInside } from './http/inside.ts'
import { limitRequests } from './http/middleware/limit-requests.ts'
import { health, ready } from './http/routes/health.ts'
import { exposeMetrics } from './http/routes/metrics.ts'
import { followStatus, showStatus } from './http/routes/status.ts'
import { listModels, retrieveModel } from './http/routes/models.ts'
import { openApiDocument } from './http/openapi/document.ts'
import { mistralOcr } from './http/routes/ocr.ts'
import { processFile } from './http/routes/process.ts'
import { nearestRoute, pathOf, type KnownRoute } from './http/paths.ts'
import { refuseForeignPages } from './http/middleware/refuse-foreign-pages.ts'
import { refuseWhileDraining } from './http/middleware/refuse-while-draining.ts'
import { requestId } from './http/middleware/request-id.ts'
import * as batches from './http/routes/batches.ts'
import * as files from './http/routes/files.ts'
import * as uploads from './http/routes/uploads.ts'
import { listUsage } from './http/routes/usage.ts'
import { listEvents, redeliverEvent, retrieveEvent } from './http/routes/webhook-events.ts'
import { createResponse } from './http/routes/responses.ts'
import {
  cancelResponse,
  deleteResponse,
  inputTokens,
  listInputItems,
  retrieveResponse,
} from './http/routes/stored-responses.ts'
import type { Services } from './services.ts'
import { createWebPages, type WebPage, type WebPages } from './web/web-pages.ts'

/** Creates the app: all middleware and all routes, in their order. */
export function createApp(services: Services): Hono<GatewayEnv> {
  const { hasPort } = services.inside
  const app = createBareApp(services)
  const web = createWebPages()
  app.use(allowAddresses(services.isAllowed))
  app.use(allowOrigins(services.corsOrigins))
  if (services.anonymous !== null) app.use(refuseForeignPages(services.anonymous))

  routeInside(app, services, hasPort ? null : web)
  routeWeb(app, web, services)

  for (const base of BASES) app.get(`${base}/files/:id/content`, files.signedContent(services))
  for (const path of ['/v1/*', '/ocr', '/process', '/files/*', '/uploads/*']) {
    app.use(path, authenticate(services.access))
    app.use(path, refuseWhileDraining(services.lifecycle))
    app.use(path, limitRequests(services.limits))
  }
  app.get('/v1/models', listModels(services.models))
  app.get('/v1/models/:id{.+}', retrieveModel(services.models))
  app.post('/v1/chat/completions', chatCompletions(services))
  app.post('/v1/completions', completions(services))
  app.post('/v1/responses', createResponse(services))
  app.post('/v1/responses/input_tokens', inputTokens())
  app.get('/v1/responses/:id', retrieveResponse(services))
  app.delete('/v1/responses/:id', deleteResponse(services))
  app.post('/v1/responses/:id/cancel', cancelResponse(services))
  app.get('/v1/responses/:id/input_items', listInputItems(services))
  app.post('/v1/batches', batches.createBatch(services))
  app.get('/v1/batches', batches.listBatches(services))
  app.get('/v1/batches/:id', batches.retrieveBatch(services))
  app.post('/v1/batches/:id/cancel', batches.cancelBatch(services))
  app.get('/v1/usage', listUsage(services))
  app.get('/v1/webhooks/events', listEvents(services))
  app.get('/v1/webhooks/events/:id', retrieveEvent(services))
  app.post('/v1/webhooks/events/:id/redeliver', redeliverEvent(services))
  app.post('/v1/ocr', mistralOcr(services))
  app.post('/ocr', mistralOcr(services))
  app.put('/v1/process', processFile(services))
  app.put('/process', processFile(services))
  for (const base of BASES) routeFiles(app, services, base)
  return app
}

/** Creates the app of a port of its own: how the gateway does. */
export function createInsideApp(services: Services): Hono<GatewayEnv> {
  const app = createBareApp(services)
  const web = createWebPages()
  if (services.anonymous !== null) app.use('/status/*', refuseForeignPages(services.anonymous))
  routeInside(app, services, web)
  app.get('/assets/:name', web.asset())
  return app
}

function createBareApp({ metrics, usage, log, tracer }: Services): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>({ getPath: pathOf })
  const answerError = errorResponse(metrics)
  app.onError(answerError)
  app.notFound((c) => answerError(notFound(c.req.method, c.req.path, app.routes), c))
  app.use(requestId())
  app.use(accessLog({ log, metrics, usage, tracer }))
  app.use(throwErrors())
  return app
}

/** `web`: the pages with which it is shown how the gateway does; null: it is not shown here. */
function routeInside(app: Hono<GatewayEnv>, services: Services, web: WebPages | null): void {
  const { upstreams, lifecycle, isAllowed, inside } = services
  const shown = createInside(inside.key, inside.hasPort ? () => true : isAllowed)
  app.get('/health', health())
  app.get('/ready', ready(upstreams, lifecycle, web === null ? null : shown))
  if (web === null) return
  app.get('/metrics', exposeMetrics(services, shown))
  app.get('/status', showStatus(services, shown, web.page(STATUS)))
  app.get('/status/events', followStatus(services, shown))
}

/** Pages hold no data, and ask for none without the key that they are given: they are open to all who may come here. */
function routeWeb(app: Hono<GatewayEnv>, web: WebPages, { version, readsOffice }: Services): void {
  app.get('/', web.page({ ...PLAYGROUND, readsOffice }))
  app.get('/assets/:name', web.asset())
  app.get('/sample.pdf', web.sample())
  app.get(
    '/openapi.json',
    web.text('application/json', () => JSON.stringify(openApiDocument(version))),
  )
  app.get('/docs', web.page(REFERENCE))
}

const PLAYGROUND = {
  entry: 'playground',
  title: 'ocr-gateway',
  description: 'Drop a PDF or an image, and read its Markdown beside its pages.',
}

const STATUS = {
  entry: 'status',
  title: 'Status of ocr-gateway',
  description: 'What this gateway reads, what waits, and what went wrong.',
}

const REFERENCE: WebPage = {
  entry: 'reference',
  title: 'API of ocr-gateway',
  description: 'What can be asked of the gateway, and what it answers; each request can be tried here.',
  writesStyles: true,
}

/** Clients of Mistral's name a base URL with `/v1`, or without. */
const BASES = ['/v1', '']

function routeFiles(app: Hono<GatewayEnv>, services: Services, base: string): void {
  app.post(`${base}/files`, files.createFile(services))
  app.get(`${base}/files`, files.listFiles(services))
  app.get(`${base}/files/:id`, files.retrieveFile(services))
  app.delete(`${base}/files/:id`, files.deleteFile(services))
  app.get(`${base}/files/:id/content`, files.fileContent(services))
  app.get(`${base}/files/:id/url`, files.fileUrl(services))
  app.post(`${base}/uploads`, uploads.createUpload(services))
  app.post(`${base}/uploads/:id/parts`, uploads.addUploadPart(services))
  app.post(`${base}/uploads/:id/complete`, uploads.completeUpload(services))
  app.post(`${base}/uploads/:id/cancel`, uploads.cancelUpload(services))
}

function notFound(method: string, path: string, routes: readonly KnownRoute[]): GatewayError {
  const hint = nearestRoute(path, routes) ?? 'docs/api.md lists the endpoints.'
  return new GatewayError('not_found', `There is no ${method} ${path} here. ${hint}`)
}
