import type { Caller } from '../../access/caller.ts'
import { usageList } from '../../answer/usage.ts'
import { GatewayError } from '../../errors.ts'
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
    refuseOthers(c.get('caller'))
    const query = readUsageQuery(c.req.queries(), dayOf(Date.now()))
    return c.json(await usageList(query, usage.days(query.start, query.end)))
  }
}

/** What a gateway without keys has done, everybody may see. */
function refuseOthers(caller: Caller | null): void {
  if (caller === null || caller.isAdmin) return
  throw new GatewayError(
    'forbidden',
    `Usage is that of all callers, and ${caller.name} is no admin. Ask with a key that has "admin": true in GATEWAY_KEYS_FILE, or with a token whose claim "ocr" says so: an operator writes either.`,
  )
}
