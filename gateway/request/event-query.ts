import { z } from 'zod'
import { check } from './check.ts'

const MAX_EVENTS = 100
const DEFAULT_EVENTS = 20
const LIMIT = `expected a number from 1 to ${MAX_EVENTS}`

const eventQuery = z.object({
  limit: z.coerce.number(LIMIT).int(LIMIT).min(1, LIMIT).max(MAX_EVENTS, LIMIT).default(DEFAULT_EVENTS),
  after: z.string().nullable().default(null),
  status: z
    .enum(['pending', 'delivered', 'failed'], 'expected "pending", "delivered" or "failed"')
    .nullable()
    .default(null),
})

/** Reads which webhook events are asked for. Throws `invalid_value`. */
export function readEventQuery(query: Readonly<Record<string, string>>): z.output<typeof eventQuery> {
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''))
  return check(eventQuery as z.ZodType<z.output<typeof eventQuery>>, given, '')
}
