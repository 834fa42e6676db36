import { createMiddleware } from 'hono/factory'
import { GatewayError } from '../../errors.ts'
import type { GatewayEnv } from '../context.ts'
import type { Lifecycle } from '../routes/health.ts'

/** Refuses new work while the gateway drains; work that runs is finished. */
export function refuseWhileDraining(lifecycle: Lifecycle) {
  return createMiddleware<GatewayEnv>(async function refuseWhileDraining(_, next) {
    if (lifecycle.draining) {
      throw new GatewayError(
        'draining',
        'This gateway is stopping. Try again; another instance, or its successor, will answer.',
      )
    }
    await next()
  })
}
