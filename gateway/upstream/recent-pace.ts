import { createTally } from '../schedule/tally.ts'

/** What the answers of the last minute took; null: there were none. */
export interface RecentPace {
  readonly pages: number
  /** From the request to the end of the answer, on average. */
  readonly seconds: number | null
  /** From the request to the first text, on average. */
  readonly firstTextSeconds: number | null
}

/** Measures it. */
export interface PaceOfLastMinute {
  begun(seconds: number): void
  answered(seconds: number): void
  look(): RecentPace
}

const BUCKETS = 12
const BUCKET_MS = 5000

const mean = (total: number, count: number): number | null => (count === 0 ? null : total / count)

/** Creates it, with nothing answered yet. `now` is in milliseconds, and never runs backwards. */
export function createRecentPace(now: () => number): PaceOfLastMinute {
  const tally = createTally<'pages' | 'seconds' | 'begun' | 'begunSeconds'>({
    buckets: BUCKETS,
    bucketMs: BUCKET_MS,
    now,
  })
  return {
    begun(seconds) {
      tally.add('begun')
      tally.add('begunSeconds', seconds)
    },
    answered(seconds) {
      tally.add('pages')
      tally.add('seconds', seconds)
    },
    look() {
      const pages = tally.sum('pages', BUCKETS)
      return {
        pages,
        seconds: mean(tally.sum('seconds', BUCKETS), pages),
        firstTextSeconds: mean(tally.sum('begunSeconds', BUCKETS), tally.sum('begun', BUCKETS)),
      }
    },
  }
}
