import type { ServerLoad } from '../wire/vllm-metrics.ts'
import type { BacklogLook } from './backlog.ts'

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
  /** Called when none has waited in it each time of several, though first texts have not come: it prepares those pages. */
  readonly onPreparing: () => void
  /** Called when it should be asked now, if it is not. */
  readonly onDoubt?: (() => void) | undefined
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

/** So many times in a row pages must wait: where they end together, some wait for a moment. */
const TIMES = 4
/** With so many times the gateways' pages at the server, others' are among those that wait. */
const MAX_SHARE = 1.1

/** Returns how many waited at most, but for one time; `Infinity`: it has not said it often enough. A page waits for a moment while another one's prompt is read. */
function mostOf(said: readonly number[] | null): number {
  return said === null || said.length < TIMES ? Infinity : (said.toSorted((a, b) => b - a)[1] ?? Infinity)
}

/**
 * Looks at what a server says of its own queue (`vllm:num_requests_waiting`), which tells when it has too many pages, and never
 * when it has too few: pages that it still preprocesses are left out. So it also tells whether pages whose first texts have not come
 * wait for others, or are being prepared, one after the other: as many then bring more than fewer.
 */
export function watchOwnFigures({
  isFull,
  active,
  waiting: seemingly,
  onWaiting,
  onNothing,
  onPreparing,
  onDoubt,
}: OwnFiguresOptions): OwnFigures {
  let seen: number[] = []
  /** What it said while pages seemed to wait, the last few times; null: it does not say. */
  let beside: readonly number[] | null = []

  function compare(waiting: number | null, waits: number): void {
    // A busy one may be late to say it.
    if (waiting === null) return void (beside = beside?.length === 0 ? null : beside)
    beside ??= []
    if (waits === 0) return
    const before = mostOf(beside)
    beside = [...beside, waiting].slice(-TIMES)
    if (mostOf(beside) === 0 && before > 0) onPreparing()
  }

  function countWaiting(load: ServerLoad | null): void {
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

  return {
    note(load) {
      const waits = seemingly()
      if (waits === null) countWaiting(load)
      else compare(load?.waiting ?? null, waits)
    },
    doubt(look) {
      if (look.waiting > 0) onDoubt?.()
      return { ...look, waiting: Math.min(look.waiting, mostOf(beside)) }
    },
    isPreparing: () => mostOf(beside) === 0,
    wants() {
      const waits = seemingly()
      if (waits === null) return isFull() ? 'answers' : 'nothing'
      if (beside === null || active() === 0) return 'nothing'
      if (beside.length < TIMES) return 'answers soon'
      return waits > 0 ? 'answers' : 'nothing'
    },
  }
}
