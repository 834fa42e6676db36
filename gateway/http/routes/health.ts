import type { Upstreams } from '../../upstream/upstreams.ts'
import type { GatewayContext } from '../context.ts'

/** Whether the gateway is draining. */
export interface Lifecycle {
  draining: boolean
}

/** `GET /health`: the process is alive. */
export function health() {
  return function health(c: GatewayContext): Response {
    return c.json({ status: 'ok' })
  }
}

/** `GET /ready`: documents can be read now. With 503, the body says why they cannot. */
export function ready(upstreams: Upstreams, lifecycle: Lifecycle) {
  return function ready(c: GatewayContext): Response {
    const status = upstreams.status()
    const reachable = status.length === 0 || status.some(({ problem }) => problem === null)
    const isReady = reachable && !lifecycle.draining
    return c.json(
      {
        status: isReady ? 'ok' : lifecycle.draining ? 'draining' : 'unavailable',
        engine: status.length === 0 ? 'tesseract' : 'vllm',
        upstreams: status.map(({ url, problem, warnings, models, breaker, inFlight, limit, part, isHeldBack }) => ({
          url,
          status: problem ?? 'ok',
          ...(warnings.length > 0 ? { warnings } : {}),
          models,
          breaker,
          in_flight: inFlight,
          limit,
          part,
          ...(isHeldBack ? { held_back: true } : {}),
        })),
      },
      isReady ? 200 : 503,
    )
  }
}
