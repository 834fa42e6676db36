import { usageList } from '../../answer/usage.ts'
import { readUsageQuery } from '../../request/usage-query.ts'
import { dayOf } from '../../usage/counts.ts'
import type { UsageMeter } from '../../usage/meter.ts'
import type { GatewayContext } from '../context.ts'

/** What the route of usage needs. */
interface UsageServices {
  readonly usage: Pick<UsageMeter, 'days'>
}

/** `GET /v1/usage`: what was used, by day, key and model. */
export function listUsage({ usage }: UsageServices) {
  return async function listUsage(c: GatewayContext): Promise<Response> {
    const query = readUsageQuery(c.req.queries(), dayOf(Date.now()))
    return c.json(await usageList(query, usage.days(query.start, query.end)))
  }
}
