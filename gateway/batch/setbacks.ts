import { setTimeout as delay } from 'node:timers/promises'
import { isPassing } from './passing.ts'

/** A task that could not be done now. */
export interface Setback {
  /** Whether its batch went well until now. */
  readonly isFirst: boolean
  /** For how long it is to wait. */
  readonly seconds: number
  /** Waits for so long, or until another task of the batch could be done again, or the signal is aborted. */
  wait(signal: AbortSignal): Promise<void>
}

/** What could not be done of the batches, and for how long they wait. */
export interface Setbacks {
  failed(batch: string, error: unknown): Setback
  succeeded(batch: string): void
  /** Tells whether a task of the batch waits: it says when the others can be done. */
  isWaiting(batch: string): boolean
}

interface Round {
  /** How often in a row what was tried has failed; what fails while others wait belongs to the same round. */
  count: number
  until: number
  /** How many wait now. */
  waiting: number
  readonly recovered: AbortController
}

const MAX_SECONDS = 60

/** Creates them: none so far. `random` is from 0 to 1. */
export function createSetbacks(now = () => performance.now(), random = Math.random): Setbacks {
  const rounds = new Map<string, Round>()
  return {
    failed(batch, error) {
      const known = rounds.get(batch)
      const round = known ?? { count: 0, until: 0, waiting: 0, recovered: new AbortController() }
      rounds.set(batch, round)
      const asked = isPassing(error) ? (error.retryAfterSeconds ?? 0) : 0
      const wanted = (count: number): number => Math.min(MAX_SECONDS, Math.max(asked, 2 ** Math.min(count, 6)))
      if (known !== undefined && now() >= round.until) round.count += 1
      // Those that failed together do not come back together.
      // Before a limit by the minute is over, nothing of the batch can be done; then, as much as it allows.
      const isLimited = isPassing(error) && error.code === 'rate_limit_exceeded'
      const seconds = isLimited ? asked + random() : wanted(round.count) * (0.5 + random() / 2)
      round.until = Math.max(round.until, now() + seconds * 1000)
      // Room for one says nothing of room for others.
      const isOutage = !isLimited && (!isPassing(error) || error.code !== 'queue_full')
      return {
        isFirst: known === undefined,
        seconds,
        async wait(signal) {
          const until = isOutage ? AbortSignal.any([signal, round.recovered.signal]) : signal
          round.waiting += 1
          await delay(seconds * 1000, undefined, { signal: until, ref: false }).catch(() => {})
          round.waiting -= 1
        },
      }
    },
    succeeded(batch) {
      rounds.get(batch)?.recovered.abort()
      rounds.delete(batch)
    },
    isWaiting: (batch) => (rounds.get(batch)?.waiting ?? 0) > 0,
  }
}
