import { compareLoads, maxInFlight, measure, standardError, throughput } from './answer-window.ts'
import type { LoadComparison, Sample } from './answer-window.ts'
import type { TextLevel } from './text-pace.ts'

type Direction = 'up' | 'down'

/** A limit that is being tried, and what the limit before it gave. */
interface Probe {
  readonly direction: Direction
  /** The limit before. */
  readonly from: number
  /** Its pages per second. */
  readonly rate: number
  /** How long pages took there. */
  readonly seconds: number
}

/** A direction that was tried in vain, and how long pages took then. */
interface Rejection {
  /** Null until pages were answered since then. */
  readonly seconds: number | null
  readonly at: number
}

/** Which limits are tried since more pages have brought no more text. */
export interface Narrowing {
  /** What was measured on the way up, in a hurry, from fewer pages than are enough. */
  readonly below: readonly TextLevel[]
  /** Whether one of them was measured again since. */
  readonly isRight: boolean
  /** The most that are known to be too few; null until some are. */
  readonly few: TextLevel | null
  /** Those that were so before. */
  readonly fewer: TextLevel | null
  readonly enough: TextLevel
}

/**
 * How far the search for the best limit has come. `first`: nothing was tried; `doubling`: each probe doubles the limit;
 * `settled`: a probe is a quarter more or a fifth less, or half more and half less while pages are prepared, or there is none.
 */
export interface LimitSearch {
  readonly phase: 'first' | 'doubling' | 'settled'
  readonly limit: number
  /** Counts how often the limit was set: pages sent in an earlier epoch say nothing about this limit. */
  readonly epoch: number
  readonly probe: Probe | null
  /** What text came in the first rush, from fewer pages and then from more. */
  readonly levels: readonly TextLevel[]
  /** Whether each step of the first rush waits for what text says of the last one: it does not grow in proportion to the pages. */
  readonly isStepwise: boolean
  /** Lower limits are being tried by the text that they bring; null: none are. */
  readonly narrowing: Narrowing | null
  readonly rejected: Readonly<Record<Direction, Rejection | null>>
  /** Whether pages that wait at the server have shown how many it works at. */
  readonly hasPlaces: boolean
  /** How often the first rush was begun again, as nobody waited, when the last time, in milliseconds, and at which limit. */
  readonly reopened: { readonly times: number; readonly at: number; readonly limit: number }
}

/** What a decision rests on beside the window of answers. */
export interface Circumstances {
  /** The most pages in flight since the limit was last looked at. */
  readonly peak: number
  /** The shortest that a page has taken lately, in seconds. */
  readonly shortest: number | null
  /** Whether pages always wait at the server for others: more in flight bring nothing then. */
  readonly isBackedUp: boolean
  /** Whether the server itself says that none waits, though some seem to: it prepares those. */
  readonly isPreparing: boolean
  /** Whether pages wait for a higher limit. */
  readonly isWanted: boolean
  /** Whether the server's first texts say when it begins a page. */
  readonly isTelling: boolean
  /** In milliseconds. */
  readonly now: number
}

/** Pages that a server is sent before it has shown anything: more would wait too long at a small one. */
export const START = 4
/** Keeps a GPU of 24 GB busy: from there on pages per second decide. */
const CLIMBED = 64
/** Once it has begun what it was sent, it is sent so many times as much: what is too much is begun within the time of one page. */
export const BURST = 1.5
export const MIN_LIMIT = 2
export const MAX_LIMIT = 1024

/** The limit follows a demand of so many pages or more: fewer say nothing about a rush. */
const MIN_DEMAND = 16

/** What is so many standard errors from the bar is plain. */
const PLAIN_ERRORS = 2.5

/** A probe changes the limit by this factor. */
const STEP = 1.25
/** A quarter more in flight must bring so much more; a fifth less may cost so much. */
const MIN_GAIN_UP = 1.06
const MIN_GAIN_DOWN = 0.97
/** While doubling: twice as many in flight must bring so much more. */
const MIN_GAIN_DOUBLING = 1.3
/** The elasticity of throughput from which an upstream counts as not yet full. */
const MIN_LINEAR_ELASTICITY = 0.6

/** While pages are prepared one after the other, a fifth less costs as little as chance does, and half as many cost plainly more. */
const STEP_WHILE_PREPARING = 2

/** Pages that take so many times as long as the shortest wait for others. */
const QUEUEING = 1.75

/** A rejection is doubted when pages take so much more or less time. */
const CHANGED_LATENCY = 4 / 3
/** What was found out, or said, so long ago says nothing more, in milliseconds. */
export const STALE_AFTER = 600_000

/** Pages sent with a smaller share of the peak in flight came one by one, before the first rush. */
const MIN_SHARE_OF_PEAK = 1 / 8
/** The rush is answered up to its peak when an answered page was sent with so large a share of the peak in flight. */
const BACK_FROM_PEAK = 0.8
/** A limit counts as reached from this share of it on. */
const REACHED = 0.95

/** Tells whether so many pages in flight reach a limit, or nearly. */
export function isReached(limit: number, inFlight: number): boolean {
  return inFlight >= limit * REACHED
}

/** Returns the search before any page was sent. */
export function beginSearch(limit = START): LimitSearch {
  return {
    phase: 'first',
    limit,
    epoch: 0,
    probe: null,
    levels: [],
    isStepwise: false,
    narrowing: null,
    rejected: { up: null, down: null },
    hasPlaces: false,
    reopened: { times: 0, at: -Infinity, limit: 0 },
  }
}

/** Takes over what another gateway has found out. */
export function adoptLimit(search: LimitSearch, limit: number, isSettled: boolean): LimitSearch {
  const phase = isSettled ? 'settled' : 'first'
  if (limit === search.limit && phase === search.phase) return search
  return { ...search, phase, limit, probe: null, narrowing: null, epoch: search.epoch + 1 }
}

/** Raises the limit by a half in the first rush, once the server has begun as many pages. */
export function climb(search: LimitSearch, most = CLIMBED): LimitSearch {
  const { phase, limit } = search
  return phase !== 'first' || limit >= most ? search : { ...search, limit: Math.min(most, Math.ceil(limit * BURST)) }
}

/**
 * Lowers a limit that nobody reaches: it says nothing, and must not stand open for a rush that it was never tried with. One that
 * pages at the server have shown is remembered.
 */
export function followDemand(search: LimitSearch, peak: number): LimitSearch {
  return !search.hasPlaces && peak >= MIN_DEMAND && peak < search.limit ? withLimit(search, peak) : search
}

/**
 * Judges the first rush of pages, which were sent into little and into much. Returns null while it is too little to judge.
 * Where more in flight brought more, the limit is doubled; else a lower one is tried.
 */
export function judgeFirstRush(
  search: LimitSearch,
  samples: readonly Sample[],
  circumstances: Circumstances,
): LimitSearch | null {
  const { peak, isTelling, isPreparing } = circumstances
  // It does not say what it has begun: doubling alone says what it can do.
  if (!isTelling && isReached(search.limit, peak)) {
    const { seconds } = measure(samples)
    return double({ ...search, phase: 'doubling' }, search.limit / seconds, seconds)
  }
  // What the pages of a rush take says how they are prepared, one after the other: pages per second say what half as many more bring.
  const isOpen = isPreparing && search.levels.length === 0
  if (isOpen && isReached(search.limit, peak) && search.limit < CLIMBED) {
    const { seconds } = measure(samples)
    return tryOut({ ...search, phase: 'settled' }, 'up', throughput(samples), seconds, BURST)
  }
  if (peak < MIN_DEMAND) return null
  const rush = samples.filter(({ inFlight }) => inFlight >= peak * MIN_SHARE_OF_PEAK)
  if (rush.length < MIN_DEMAND) return null
  const load = compareLoads(rush)
  if (load.elasticity === null || load.elasticity < MIN_LINEAR_ELASTICITY) return settle(search, load, circumstances)
  const most = maxInFlight(rush)
  if (most < peak * BACK_FROM_PEAK && rush.length < peak) return null
  // With fewer in flight there is nothing to double yet.
  if (!isReached(search.limit, peak)) return followDemand(search, peak)
  // The server has not begun all pages of a climb that stopped before: single steps say whether more would help.
  if (search.limit < CLIMBED) return { ...search, phase: 'settled' }
  return double({ ...search, phase: 'doubling' }, most / load.seconds, load.seconds)
}

function settle(
  search: LimitSearch,
  { elasticity, rate, seconds }: LoadComparison,
  { peak, shortest, isTelling, isPreparing, now }: Circumstances,
): LimitSearch {
  // What text has said did not end the rush.
  const settled: LimitSearch = { ...search, phase: 'settled', levels: [] }
  // There is nothing to compare, and nothing waits: the next windows are judged as all later ones are.
  if ((elasticity === null && !isQueueing(seconds, shortest)) || isPreparing) return settled
  const rejected = elasticity === null ? search.rejected : { ...search.rejected, up: { seconds, at: now } }
  const probe: Probe = { direction: 'down', from: search.limit, rate, seconds }
  // The server works at as many as it answers in the shortest time of a page; the rest waits, or is slowed down where first texts say that it does not.
  const atWork = rate * (shortest ?? seconds)
  const least = isTelling ? peak / 2 : MIN_LIMIT
  const lower = Math.min(search.limit, peak / STEP, Math.max(least, atWork * 2))
  return withLimit({ ...settled, rejected, probe }, lower)
}

/** Judges a window of answers after the first rush: ends the probe that is under way, or begins one where it is worth it. */
export function judgeWindow(
  search: LimitSearch,
  samples: readonly Sample[],
  circumstances: Circumstances,
): LimitSearch {
  const { seconds } = measure(samples)
  // While doubling, windows are too short to count, and steps large enough for an estimate.
  const rate = search.phase === 'doubling' ? search.limit / seconds : throughput(samples)
  const { probe } = search
  if (probe === null) return explore(search, rate, seconds, circumstances)
  const gain = search.phase === 'doubling' ? MIN_GAIN_DOUBLING : gainOf(probe.direction)
  return rate >= probe.rate * gain
    ? acceptProbe(search, probe.direction, { rate, seconds }, circumstances)
    : rejectProbe(search, probe, rate, circumstances)
}

const gainOf = (direction: Direction): number => (direction === 'up' ? MIN_GAIN_UP : MIN_GAIN_DOWN)

/** Tells whether a probe's outcome is so plain that chance has not made it. */
export function isPlain({ probe }: LimitSearch, samples: readonly Sample[]): boolean {
  if (probe === null) return false
  const gain = throughput(samples) / (probe.rate * gainOf(probe.direction))
  return Math.abs(Math.log(gain)) > PLAIN_ERRORS * standardError(samples)
}

function acceptProbe(
  search: LimitSearch,
  direction: Direction,
  { rate, seconds }: Pick<Probe, 'rate' | 'seconds'>,
  circumstances: Circumstances,
): LimitSearch {
  const { shortest, now } = circumstances
  const opposite: Direction = direction === 'up' ? 'down' : 'up'
  const accepted: LimitSearch = { ...search, rejected: { ...search.rejected, [opposite]: { seconds, at: now } } }
  if (search.phase === 'doubling' && search.limit < MAX_LIMIT) return double(accepted, rate, seconds)
  const settled: LimitSearch = { ...accepted, phase: 'settled' }
  if (direction === 'up') return tryUp(settled, rate, seconds, circumstances)
  // Of several steps each may cost a little, and all together too much.
  if (isQueueing(seconds, shortest))
    return tryDown(settled, Math.max(search.probe?.rate ?? 0, rate), seconds, circumstances)
  return { ...settled, probe: null }
}

function rejectProbe(search: LimitSearch, probe: Probe, rate: number, { now }: Circumstances): LimitSearch {
  const { direction, from, rate: before, seconds } = probe
  // A doubling that was too much leaves a half more to be tried.
  const rejected =
    search.phase === 'doubling' ? search.rejected : { ...search.rejected, [direction]: { seconds, at: now } }
  // A step up was too much, but as much of it as brought something is kept.
  const limit = direction === 'up' ? from * Math.max(1, rate / before) : from
  return withLimit({ ...search, phase: 'settled', probe: null, rejected }, limit)
}

function explore(
  { rejected, ...rest }: LimitSearch,
  rate: number,
  seconds: number,
  circumstances: Circumstances,
): LimitSearch {
  const { shortest, now, isBackedUp, isPreparing, isWanted } = circumstances
  const search = { ...rest, rejected: { down: timed(rejected.down, seconds), up: timed(rejected.up, seconds) } }
  // It works at all that it can, and a few wait: neither more nor less would be better.
  if (isBackedUp) return search
  const isOpen = (rejection: Rejection | null): boolean =>
    rejection === null || now - rejection.at > STALE_AFTER || differs(rejection.seconds ?? seconds, seconds)
  const { down, up } = search.rejected
  // Pages that are prepared one after the other take longer, and more of them may still bring more.
  const isUpFirst = isPreparing && isWanted && isOpen(up)
  if (!isUpFirst && isOpen(down) && isQueueing(seconds, shortest)) return tryDown(search, rate, seconds, circumstances)
  if (isOpen(up)) return tryUp(search, rate, seconds, circumstances)
  return search
}

/** Notes how long pages take, where that was not known when it was tried in vain. */
function timed(rejection: Rejection | null, seconds: number): Rejection | null {
  return rejection === null ? null : { ...rejection, seconds: rejection.seconds ?? seconds }
}

function double(search: LimitSearch, rate: number, seconds: number): LimitSearch {
  const { limit } = search
  return withLimit({ ...search, probe: { direction: 'up', from: limit, rate, seconds } }, limit * 2)
}

function tryUp(
  search: LimitSearch,
  rate: number,
  seconds: number,
  { isBackedUp, isWanted }: Circumstances,
): LimitSearch {
  return isBackedUp || !isWanted ? { ...search, probe: null } : tryOut(search, 'up', rate, seconds)
}

function tryDown(search: LimitSearch, rate: number, seconds: number, { isPreparing }: Circumstances): LimitSearch {
  return tryOut(search, 'down', rate, seconds, isPreparing ? STEP_WHILE_PREPARING : STEP)
}

function tryOut(
  search: LimitSearch,
  direction: Direction,
  rate: number,
  seconds: number,
  step: number = STEP,
): LimitSearch {
  const { limit } = search
  const isPossible = direction === 'up' ? limit < MAX_LIMIT : limit > MIN_LIMIT
  if (!isPossible) return { ...search, probe: null }
  const next = direction === 'up' ? Math.max(limit + 1, limit * step) : limit / step
  return withLimit({ ...search, probe: { direction, from: limit, rate, seconds } }, next)
}

/** Sets the limit, within bounds: what was seen under another one says nothing. */
export function withLimit(search: LimitSearch, limit: number): LimitSearch {
  const bounded = Math.max(MIN_LIMIT, Math.min(MAX_LIMIT, Math.round(limit)))
  // Nothing has shown that it works at more than before.
  const hasPlaces = search.hasPlaces && bounded <= search.limit
  return { ...search, limit: bounded, hasPlaces, epoch: search.epoch + 1 }
}

/** Pages that take hardly longer than the shortest wait for nobody: a lower limit would only leave room unused. */
function isQueueing(seconds: number, shortest: number | null): boolean {
  return seconds > QUEUEING * (shortest ?? 0)
}

function differs(before: number, seconds: number): boolean {
  return seconds > before * CHANGED_LATENCY || seconds < before / CHANGED_LATENCY
}
