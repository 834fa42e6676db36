import { beginSearch, MIN_LIMIT, STALE_AFTER, withLimit, type LimitSearch } from './limit-search.ts'

/** So many times the pages that a server works at keep it busy between an answer and the next page. */
const SPARE = 1.1
/** A server whose pages never wait for long would begin its rush again and again. Where it says itself that none waited, some more times. */
const MOST_REOPENED = 2
const MOST_REOPENED_IN_ALL = 4

/** Returns how many pages the server works at, as pages that wait there have shown; null: none have. */
export function knownPlaces({ hasPlaces, limit }: LimitSearch): number | null {
  // The limit was rounded up: a little is added for what floating point leaves out.
  return hasPlaces ? Math.max(1, Math.floor(limit / SPARE + 1e-9)) : null
}

/** What pages at the server have shown: of so many, so many waited for others. */
interface Waited {
  readonly most: number
  readonly waiting: number
  /** In pages per second. */
  readonly rate: number
  /** In milliseconds. */
  readonly now: number
}

/**
 * The server has more places than pages that waited there have shown. A slow server begins pages late in its first seconds though it has
 * places: what such a rush has found out is not believed once or twice.
 */
function withMorePlaces(search: LimitSearch, now: number): LimitSearch {
  const { phase, limit, levels } = search
  const open = { ...search, hasPlaces: false, rejected: { ...search.rejected, up: null } }
  const isDoubted = phase === 'settled' && levels.length === 0 && timesReopened(search, now) < MOST_REOPENED
  return isDoubted ? beginAgain(open, limit, now) : open
}

/**
 * Begins the first rush anew where pages that seemed to wait were being prepared: what it has found out was wrong. Where text has ended it, only
 * if they are prepared for long: that held the text up.
 */
export function reopen(search: LimitSearch, now: number, isLasting = false): LimitSearch {
  const { phase, probe, narrowing, levels, limit, epoch, reopened } = search
  if (phase === 'first' || timesReopened(search, now) >= MOST_REOPENED_IN_ALL) return search
  if (levels.length > 0 && !isLasting) return search
  return beginAgain({ ...beginSearch(limit), epoch, reopened }, probe?.from ?? narrowing?.enough.pages ?? limit, now)
}

function beginAgain(search: LimitSearch, limit: number, now: number): LimitSearch {
  const reopened = { times: timesReopened(search, now) + 1, at: now, limit }
  return withLimit({ ...search, phase: 'first', probe: null, reopened }, limit)
}

/** Returns how often the rush was begun again lately: a server may have been started anew since. */
function timesReopened({ reopened: { times, at } }: LimitSearch, now: number): number {
  return now - at > STALE_AFTER ? 0 : times
}

/** Returns how many pages keep a server busy where so many always wait there. */
export function enoughFor({ most, waiting }: Pick<Waited, 'most' | 'waiting'>): number {
  return Math.max(MIN_LIMIT, Math.ceil((most - waiting) * SPARE))
}

/**
 * Lowers the limit to what the server works at, and a little more, where the rest of so many pages always waits there. Where
 * some waited before and none does now, the server has more places than it had. It is never lower than `least`.
 */
export function shorten(search: LimitSearch, { most, waiting, rate, now }: Waited, least = 0): LimitSearch {
  if (waiting === 0) return search.hasPlaces ? withMorePlaces(search, now) : search
  const enough = Math.max(least, enoughFor({ most, waiting }))
  if (enough >= search.limit) return search.hasPlaces ? search : { ...search, hasPlaces: true }
  // More would wait again, and less would leave places empty.
  const rejection = { seconds: enough / rate, at: now }
  const rejected = { up: rejection, down: rejection }
  const reopened = { ...search.reopened, limit: Math.min(search.reopened.limit, enough) }
  const settled = { ...search, phase: 'settled', probe: null, narrowing: null, rejected, hasPlaces: true } as const
  return withLimit({ ...settled, reopened }, enough)
}
