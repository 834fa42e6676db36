import { Hono } from 'hono'
import { GatewayError } from './errors.ts'
import { accessLog } from './http/middleware/access-log.ts'
import { authenticate } from './http/middleware/authenticate.ts'
import { chatCompletions } from './http/routes/chat-completions.ts'
import { completions } from './http/routes/completions.ts'
import type { GatewayEnv } from './http/context.ts'
import { errorResponse, throwErrors } from './http/error-response.ts'
import { health, ready } from './http/routes/health.ts'
import { exposeMetrics } from './http/routes/metrics.ts'
import { listModels, retrieveModel } from './http/routes/models.ts'
import { refuseWhileDraining } from './http/middleware/refuse-while-draining.ts'
import { requestId } from './http/middleware/request-id.ts'
import type { Services } from './services.ts'

/** Creates the app: all middleware and all routes, in their order. */
export function createApp(services: Services): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>()
  app.onError(errorResponse(services.metrics))
  app.notFound((c) => {
    throw new GatewayError(
      'not_found',
      `There is no ${c.req.method} ${c.req.path} here. docs/api.md lists the endpoints.`,
    )
  })

  app.use(requestId())
  app.use(accessLog(services))
  app.use(throwErrors())

  app.get('/health', health())
  app.get('/ready', ready(services.upstreams, services.lifecycle))
  app.get('/metrics', exposeMetrics(services))

  app.use('/v1/*', authenticate(services.apiKeys))
  app.use('/v1/*', refuseWhileDraining(services.lifecycle))
  app.get('/v1/models', listModels(services.models))
  app.get('/v1/models/:id{.+}', retrieveModel(services.models))
  app.post('/v1/chat/completions', chatCompletions(services))
  app.post('/v1/completions', completions(services))
  return app
}
