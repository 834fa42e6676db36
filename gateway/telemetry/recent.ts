import { createTally } from '../schedule/tally.ts'

const STATUSES = ['ok', 'repaired', 'fallback', 'blank', 'failed', 'pending'] as const

/** How a page can end. */
type Status = (typeof STATUSES)[number]

/** A page that has ended. */
export interface RecentPage {
  readonly status: Status
  readonly cache: 'hit' | 'miss' | 'joined' | 'off'
}

/** What went wrong, for whom; never text of a document, a name of a file or a key. */
export interface FailureFacts {
  readonly code: string
  /** The declared route; null: it is a page's failure, or one of a line of a batch. */
  readonly route: string | null
  readonly model: string | null
  readonly requestId: string
  /** The name of who asked; null: nobody is asked for a name, or none was given. */
  readonly caller: string | null
}

/** The same, as it is remembered: what goes wrong again in the same way is one entry. */
export interface RecentFailure extends FailureFacts {
  /** The last time, in milliseconds of Unix time. */
  readonly at: number
  readonly times: number
}

/** What happened lately: kept in memory, and lost with the process. */
export interface Recent {
  /** Notes a page, or so many alike. */
  page(page: RecentPage, times?: number): void
  failure(facts: FailureFacts): void
  /** Pages that ended in each of the last minutes, by status, the oldest first; the last minute is not over. */
  pagesByMinute(): Readonly<Record<Status, readonly number[]>>
  /** Of the last five minutes. */
  cache(): { readonly lookups: number; readonly hits: number }
  /** The latest first. */
  failures(): readonly RecentFailure[]
  /** How often each code came in the last hour, the most frequent first. */
  codes(): readonly { readonly code: string; readonly times: number }[]
}

const MINUTES = 60
const CACHE_MINUTES = 5
const MAX_FAILURES = 50
const MINUTE_MS = 60_000

/** Creates it. `now` never runs backwards; `clock` is Unix time. */
export function createRecent(now = () => performance.now(), clock = () => Date.now()): Recent {
  const pages = createTally<Status>({ buckets: MINUTES, bucketMs: MINUTE_MS, now })
  const cache = createTally<'lookups' | 'hits'>({ buckets: CACHE_MINUTES, bucketMs: MINUTE_MS, now })
  const codes = createTally<string>({ buckets: MINUTES, bucketMs: MINUTE_MS, now })
  const known = new Set<string>()
  // By what is the same of failures; in the order of their last times.
  const failures = new Map<string, RecentFailure>()
  return {
    page({ status, cache: result }, times = 1) {
      pages.add(status, times)
      if (result === 'off') return
      cache.add('lookups', times)
      if (result !== 'miss') cache.add('hits', times)
    },
    failure(facts) {
      known.add(facts.code)
      codes.add(facts.code)
      const id = JSON.stringify([facts.code, facts.route, facts.model, facts.caller])
      const times = (failures.get(id)?.times ?? 0) + 1
      failures.delete(id)
      failures.set(id, { ...facts, at: clock(), times })
      const oldest = failures.keys().next().value
      if (failures.size > MAX_FAILURES && oldest !== undefined) failures.delete(oldest)
    },
    pagesByMinute: () =>
      Object.fromEntries(STATUSES.map((status) => [status, pages.series(status)])) as Record<Status, number[]>,
    cache: () => ({ lookups: cache.sum('lookups', CACHE_MINUTES), hits: cache.sum('hits', CACHE_MINUTES) }),
    failures: () => [...failures.values()].toReversed(),
    codes: () =>
      [...known]
        .map((code) => ({ code, times: codes.sum(code, MINUTES) }))
        .filter(({ times }) => times > 0)
        .toSorted((one, other) => other.times - one.times || one.code.localeCompare(other.code)),
  }
}
