import type { UsageQuery } from '../request/usage-query.ts'
import type { Counts, UsageRow } from '../usage/counts.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import { addTo, NOTHING } from '../usage/counts.ts'
import type { UsageList, UsageObject } from '../wire/openai/usage.ts'

/** Builds a part of the list of what was used, and the sum of all that was asked for. */
export async function usageList(query: UsageQuery, days: AsyncIterable<readonly UsageRow[]>): Promise<UsageList> {
  const groups = new Map<string, Group>()
  const totals = { ...NOTHING }
  for await (const rows of days) {
    // A year of many keys takes a while.
    await shareLoop()
    for (const row of rows) {
      if (!isAskedFor(query, row)) continue
      const group = groupOf(query, row)
      const id = idOf(group)
      const known = groups.get(id) ?? { ...group, counts: { ...NOTHING } }
      groups.set(id, known)
      addTo(known.counts, row.counts)
      addTo(totals, row.counts)
    }
  }
  const ids = [...groups.keys()].toSorted().filter((id) => query.after === null || id > query.after)
  const data = ids.slice(0, query.limit).map((id) => usageObject(id, groups.get(id)!))
  return {
    object: 'list',
    start_date: query.start,
    end_date: query.end,
    data,
    totals: countsObject(totals),
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: ids.length > query.limit,
  }
}

/** What stands together in one row of the answer. */
interface Group extends UsageRow {
  readonly counts: { -readonly [Name in keyof Counts]: number }
}

const isAskedFor = ({ key, model }: UsageQuery, row: UsageRow): boolean =>
  (key === null || row.key === key) && (model === null || row.model === model)

function groupOf({ groups }: UsageQuery, { day, key, model }: UsageRow): Omit<UsageRow, 'counts'> {
  return {
    day: groups.has('day') ? day : '',
    key: groups.has('key') ? key : '',
    model: groups.has('model') ? model : '',
  }
}

/** Sorts by day, then by key. */
const idOf = ({ day, key, model }: Omit<UsageRow, 'counts'>): string =>
  [day, key, model].map(encodeURIComponent).join('/')

/** Who asks a gateway without keys has no name. */
const named = (text: string): string | null => (text === '' ? null : text)

function usageObject(id: string, { day, key, model, counts }: UsageRow): UsageObject {
  return { object: 'usage', id, day: named(day), key: named(key), model: named(model), ...countsObject(counts) }
}

function countsObject(counts: Counts): UsageList['totals'] {
  return {
    requests: counts.requests,
    requests_failed: counts.requestsFailed,
    pages: counts.pages,
    pages_ok: counts.pagesOk,
    pages_repaired: counts.pagesRepaired,
    pages_fallback: counts.pagesFallback,
    pages_blank: counts.pagesBlank,
    pages_failed: counts.pagesFailed,
    pages_cached: counts.pagesCached,
    pages_charged: counts.pagesCharged,
    prompt_tokens: counts.promptTokens,
    completion_tokens: counts.completionTokens,
    wasted_prompt_tokens: counts.wastedPromptTokens,
    wasted_completion_tokens: counts.wastedCompletionTokens,
  }
}
