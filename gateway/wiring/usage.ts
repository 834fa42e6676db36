// What counts the use of callers.
import type { Access } from '../access/access.ts'
import type { Config } from '../config/load.ts'
import type { Database } from '../store/database.ts'
import type { SharedRedis } from '../store/redis.ts'
import type { Log } from '../telemetry/log.ts'
import { createUsageMeter, type UsageMeter } from '../usage/meter.ts'
import { createRedisUsage } from '../usage/redis-store.ts'
import { createSqlUsage } from '../usage/sql-store.ts'

/** What a meter is made of. */
interface UsageParts {
  readonly access: Pick<Access, 'owner'>
  readonly database: Database
  readonly shared: SharedRedis | null
  readonly log: Log
}

/** So long the end of the gateway waits for a store that does not answer. */
const MAX_CLOSE_SECONDS = 5

/** Creates the meter: it keeps usage in Redis where replicas share it, else in the database. */
export function createConfiguredUsage(
  { GATEWAY_DRAIN_SECONDS: drainSeconds }: Config,
  { access, database, shared, log }: UsageParts,
): UsageMeter {
  return createUsageMeter({
    closeMs: Math.min(MAX_CLOSE_SECONDS, drainSeconds) * 1000,
    store: shared === null ? createSqlUsage(database) : createRedisUsage(shared),
    budgetOf: async (key) => (await access.owner(key)).limits.pagesPerMonth,
    onTrouble(error, lost) {
      if (lost === null) log.warn({ err: error }, 'what callers use cannot be kept now, and budgets are not checked')
      else log.error({ err: error, rows: lost }, 'what callers have used was not kept')
    },
  })
}
