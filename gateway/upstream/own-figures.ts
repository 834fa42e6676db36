import type { ServerLoad } from '../wire/vllm-metrics.ts'
import type { BacklogLook } from './backlog.ts'
import { STALE_AFTER } from './limit-search.ts'

/** Whose figures are looked at, and who is told what they show. */
export interface OwnFiguresOptions {
  /** Tells whether as many pages are at the server as may be. */
  readonly isFull: () => boolean
  /** Pages of all gateways at the server. */
  readonly active: () => number
  /** Those of them that seem to wait there, as their first texts have not come; null: first texts say nothing. */
  readonly waiting: () => number | null
  /** Called when pages have waited in it each time of several. */
  readonly onWaiting: (look: BacklogLook) => void
  /** Called when none waits, or it does not say: which says nothing of whether more would be read. */
  readonly onNothing: () => void
  /** Called each time that none has waited in it several times, though first texts have not come: it prepares those pages. */
  readonly onPreparing: (isNew: boolean) => void
  /** Called when pages seem to wait: it should be asked, if it is not being asked. */
  readonly onDoubt?: (() => void) | undefined
  /** In milliseconds. */
  readonly now: () => number
}

/** What a server says of its own queue. */
export interface OwnFigures {
  /** Takes an answer of `/metrics`; null: it does not say. */
  readonly note: (load: ServerLoad | null) => void
  /** Returns what a look has shown, with no more that wait than the server says; it is asked for where some do. */
  readonly doubt: (look: BacklogLook) => BacklogLook
  /** Whether none waits in it, as it says, though pages seem to: it prepares those. */
  readonly isPreparing: () => boolean
  /** Whether it would be asked, as pages seem to wait: now and then, or soon. */
  readonly wants: () => 'nothing' | 'answers' | 'answers soon'
}

/**
 * So many times it must have said the same: where pages end together, some wait for a moment. As often it may not answer: a busy server is
 * late to say it.
 */
const TIMES = 4
/** With so many times the gateways' pages at the server, others' are among those that wait. */
const MAX_SHARE = 1.1

/**
 * Looks at what a server says of its own queue (`vllm:num_requests_waiting`), which tells when it has too many pages, and never
 * when it has too few: pages that it still preprocesses are left out. So it also tells whether pages whose first texts have not come
 * wait for others, or are being prepared, one after the other.
 */
export function watchOwnFigures(options: OwnFiguresOptions): OwnFigures {
  const { isFull, waiting: seemingly, onDoubt } = options
  const countWaiting = createCount(options)
  const beside = createComparison(options)
  const mostWaiting = () => (seemingly() === null ? Infinity : beside.mostWaiting())
  return {
    note(load) {
      const waits = seemingly()
      if (waits === null) countWaiting(load)
      else beside.compare(load, waits)
    },
    doubt(look) {
      if (look.waiting > 0) onDoubt?.()
      return { ...look, waiting: Math.min(look.waiting, mostWaiting()) }
    },
    isPreparing: () => mostWaiting() === 0,
    wants() {
      const waits = seemingly()
      if (waits === null) return isFull() ? 'answers' : 'nothing'
      if (waits === 0 || beside.isSilent()) return 'nothing'
      return beside.isKnown() ? 'answers' : 'answers soon'
    },
  }
}

/** Counts how many wait in it, where first texts do not say so. */
function createCount({ isFull, active, onWaiting, onNothing }: OwnFiguresOptions) {
  let seen: number[] = []
  return function count(load: ServerLoad | null): void {
    const [waiting, most] = [load?.waiting ?? 0, active()]
    if (waiting === 0) onNothing()
    if (waiting === 0 || !isFull() || waiting + (load?.running ?? 0) > most * MAX_SHARE) {
      seen = []
      return
    }
    seen.push(waiting)
    if (seen.length < TIMES) return
    const least = Math.min(...seen)
    seen = []
    onWaiting({ most, waiting: least })
  }
}

/** Compares what it says with how many pages seem to wait, whenever some do. */
function createComparison({ onPreparing, now }: OwnFiguresOptions) {
  /** What it said the last few times, and when; null: it does not say. */
  let said: readonly number[] | null = []
  let [saidAt, misses] = [-Infinity, 0]
  // It may have been started anew.
  const isStale = () => now() - saidAt >= STALE_AFTER
  const isKnown = () => said !== null && said.length === TIMES && !isStale()
  // A page waits for a moment while another one's prompt is read: so one time does not count.
  const mostWaiting = () => (isKnown() ? (said?.toSorted((a, b) => b - a)[1] ?? Infinity) : Infinity)
  return {
    compare(load: ServerLoad | null, waits: number): void {
      const waiting = load?.waiting ?? null
      misses = waiting === null ? misses + 1 : 0
      if (waiting === null) {
        if (load !== null || misses >= TIMES) said = null
        return
      }
      said = said === null || isStale() ? [] : said
      if (waits === 0) return
      const before = mostWaiting()
      saidAt = now()
      said = [...said, waiting].slice(-TIMES)
      if (mostWaiting() === 0) onPreparing(before > 0)
    },
    isKnown,
    isSilent: () => said === null,
    /** Returns how many waited in it at most, but for one time; `Infinity`: it does not say, or has not often enough. */
    mostWaiting,
  }
}
