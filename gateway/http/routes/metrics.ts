import { sampleGauges } from '../../telemetry/gauges.ts'
import type { GaugeSources } from '../../telemetry/gauges.ts'
import type { Metrics } from '../../telemetry/metrics.ts'
import type { GatewayContext } from '../context.ts'

/** `GET /metrics`, for Prometheus. */
export function exposeMetrics({ metrics, gauges }: { readonly metrics: Metrics; readonly gauges: GaugeSources }) {
  return async function exposeMetrics(c: GatewayContext): Promise<Response> {
    await sampleGauges(metrics, gauges)
    return c.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType })
  }
}
