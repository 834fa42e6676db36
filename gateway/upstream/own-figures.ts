import type { ServerLoad } from '../wire/vllm-metrics.ts'
import type { BacklogLook } from './backlog.ts'

/** Whose figures are looked at, and who is told what they show. */
export interface OwnFiguresOptions {
  /** Tells whether as many pages are at the server as may be. */
  readonly isFull: () => boolean
  /** Pages of all gateways at the server. */
  readonly active: () => number
  /** Called when pages have waited in it each time of several. */
  readonly onWaiting: (look: BacklogLook) => void
  /** Called when none waits, or it does not say: which says nothing of whether more would be read. */
  readonly onNothing: () => void
}

/** So many times in a row pages must wait: where they end together, some wait for a moment. */
const TIMES = 4
/** With so many times the gateways' pages at the server, others' are among those that wait. */
const MAX_SHARE = 1.1

/**
 * Looks at what a server says of its own queue (`vllm:num_requests_waiting`), which tells when it has too many pages, and never
 * when it has too few: pages that it still preprocesses are left out. Returns what takes each answer of `/metrics`.
 */
export function watchOwnFigures({ isFull, active, onWaiting, onNothing }: OwnFiguresOptions) {
  let seen: number[] = []
  return function note(load: ServerLoad | null): void {
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
