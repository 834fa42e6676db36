import { z } from 'zod'
import { check } from './check.ts'

const MAX_ROWS = 1000
const DEFAULT_ROWS = 100
const MAX_DAYS = 400
const LIMIT = `expected a number from 1 to ${MAX_ROWS}`
const DATE = 'expected a date in UTC, such as "2026-11-28"'
const GROUPS = ['day', 'key', 'model'] as const
const GROUP = 'expected "day", "key" or "model", or several of them with commas between'

const isDate = (text: string): boolean => {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : NaN
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}
const date = z.string().refine(isDate, DATE)
const days = (start: string, end: string): number => (Date.parse(end) - Date.parse(start)) / 86_400_000 + 1

/** Which usage is asked for. */
export interface UsageQuery {
  /** The first and the last day. */
  readonly start: string
  readonly end: string
  /** Null: those of all. */
  readonly key: string | null
  readonly model: string | null
  /** What is told apart. */
  readonly groups: ReadonlySet<(typeof GROUPS)[number]>
  readonly limit: number
  /** The id of the row before the first; null: from the beginning. */
  readonly after: string | null
}

const usageQuery = (today: string) =>
  z
    .object({
      start_date: date.optional(),
      end_date: date.default(today),
      key: z.string().nullable().default(null),
      model: z.string().nullable().default(null),
      group_by: z.array(z.enum(GROUPS, GROUP)).default([...GROUPS]),
      limit: z.coerce.number(LIMIT).int(LIMIT).min(1, LIMIT).max(MAX_ROWS, LIMIT).default(DEFAULT_ROWS),
      after: z.string().nullable().default(null),
    })
    .transform((query) => ({ ...query, start_date: query.start_date ?? `${query.end_date.slice(0, 7)}-01` }))
    .refine(({ start_date, end_date }) => start_date <= end_date, {
      path: ['end_date'],
      error: 'expected a date that is not before start_date',
    })
    .refine(({ start_date, end_date }) => days(start_date, end_date) <= MAX_DAYS, {
      path: ['start_date'],
      error: `expected at most ${MAX_DAYS} days: usage is kept for so long`,
    })

/**
 * Reads which usage is asked for; left out, that of this month until today, by day, key and model. `query` holds all values of a
 * name. Throws `invalid_value`.
 */
export function readUsageQuery(query: Readonly<Record<string, readonly string[]>>, today: string): UsageQuery {
  const named = Object.entries(query).map(([name, values]) => [name.replace(/\[\]$/, ''), values] as const)
  const given = named
    .filter(([, values]) => values.some((value) => value !== ''))
    .map(([name, values]) => [name, name === 'group_by' ? values.flatMap((value) => value.split(',')) : values.at(-1)])
  const schema = usageQuery(today)
  const read = check(schema as z.ZodType<z.output<typeof schema>>, Object.fromEntries(given), '')
  const { start_date: start, end_date: end, group_by, ...rest } = read
  return { ...rest, start, end, groups: new Set(group_by) }
}
