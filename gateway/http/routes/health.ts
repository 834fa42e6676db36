import type { HealthBody, Readiness } from '../../wire/health.ts'
import type { Upstreams } from '../../upstream/upstreams.ts'
import type { GatewayContext } from '../context.ts'
import type { Inside } from '../inside.ts'

/** Whether the gateway is draining. */
export interface Lifecycle {
  draining: boolean
}

/** `GET /health`: the process is alive. */
export function health() {
  return function health(c: GatewayContext): Response {
    return c.json({ status: 'ok' } satisfies HealthBody)
  }
}

/** `GET /ready`: documents can be read now. With 503, the body says why they cannot, to whom it may be shown; null: to nobody. */
export function ready(upstreams: Upstreams, lifecycle: Lifecycle, inside: Inside | null) {
  return function ready(c: GatewayContext): Response {
    const status = upstreams.status()
    const reachable = status.length === 0 || status.some(({ problem }) => problem === null)
    const isReady = reachable && !lifecycle.draining
    const summary: Readiness = { status: isReady ? 'ok' : lifecycle.draining ? 'draining' : 'unavailable' }
    if (inside?.isShown(c) !== true) return c.json(summary, isReady ? 200 : 503)
    return c.json(
      {
        ...summary,
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
      } satisfies Readiness,
      isReady ? 200 : 503,
    )
  }
}
