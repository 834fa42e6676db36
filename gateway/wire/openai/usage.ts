import { z } from 'zod'

const count = z.int().nonnegative()

const counts = {
  requests: count,
  requests_failed: count,
  pages: count,
  pages_ok: count,
  pages_repaired: count,
  pages_fallback: count,
  pages_blank: count,
  pages_failed: count,
  pages_cached: count.describe(
    'Of all pages, those that were found in the cache, or read for another request at the same moment.',
  ),
  pages_charged: count.describe('Of all pages, those that an engine was asked for: what budgets count.'),
  prompt_tokens: count,
  completion_tokens: count,
  wasted_prompt_tokens: count.describe('Of attempts that did not count.'),
  wasted_completion_tokens: count,
}

/** What was used, by a caller, of a model, on a day: null where it is of all of them together. */
const usageRow = z.strictObject({
  object: z.literal('usage'),
  id: z.string(),
  day: z.string().nullable(),
  key: z.string().nullable(),
  model: z.string().nullable(),
  ...counts,
})

/** What was used. */
export type UsageObject = z.output<typeof usageRow>

/** A part of what was used, and all of it together. */
export const usageList = z.strictObject({
  object: z.literal('list'),
  start_date: z.string(),
  end_date: z.string(),
  data: z.array(usageRow),
  totals: z.strictObject(counts),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
})

/** A part of what was used, and all of it together. */
export type UsageList = z.output<typeof usageList>
