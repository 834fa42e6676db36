import { z } from 'zod'
import { check } from './check.ts'

const startingAfter = z.object({
  starting_after: z.coerce
    .number('expected the number of an event')
    .int('expected the number of an event')
    .nonnegative('expected the number of an event')
    .optional(),
})

/** Returns the number of the event after which a stream is to begin; -1: from its first event. Throws `invalid_value`. */
export function readStartingAfter(text: string | undefined): number {
  const given = text === undefined || text === '' ? {} : { starting_after: text }
  return check(startingAfter as z.ZodType<{ starting_after?: number | undefined }>, given, '').starting_after ?? -1
}

const MAX_ITEMS = 100
const DEFAULT_ITEMS = 20

const listWish = z.object({
  limit: z.coerce
    .number('expected a number from 1 to 100')
    .int('expected a number from 1 to 100')
    .min(1, 'expected a number from 1 to 100')
    .max(MAX_ITEMS, 'expected a number from 1 to 100')
    .default(DEFAULT_ITEMS),
  order: z.enum(['asc', 'desc'], 'expected "asc" or "desc"').default('desc'),
  after: z.string().nullable().default(null),
})

/** Reads which items of a list are asked for. Throws `invalid_value`. */
export function readListWish(query: Readonly<Record<string, string>>): z.output<typeof listWish> {
  return check(listWish as z.ZodType<z.output<typeof listWish>>, query, '')
}
