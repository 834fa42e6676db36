import { sampleGauges } from '../../telemetry/gauges.ts'
import type { GaugeSources } from '../../telemetry/gauges.ts'
import type { Metrics } from '../../telemetry/metrics.ts'
import type { GatewayContext } from '../context.ts'
import type { Inside } from '../inside.ts'

/** `GET /metrics`, for Prometheus. */
export function exposeMetrics(
  { metrics, gauges }: { readonly metrics: Metrics; readonly gauges: GaugeSources },
  inside: Inside,
) {
  return async function exposeMetrics(c: GatewayContext): Promise<Response> {
    inside.check(c)
    await sampleGauges(metrics, gauges)
    return c.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType })
  }
}
