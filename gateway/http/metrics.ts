import type { Metrics } from '../telemetry/metrics.ts'
import type { GatewayContext } from './context.ts'

/** `GET /metrics`, for Prometheus. */
export function exposeMetrics({ registry }: Metrics) {
  return async function exposeMetrics(c: GatewayContext): Promise<Response> {
    return c.body(await registry.metrics(), 200, { 'content-type': registry.contentType })
  }
}
