/** Whether an upstream is asked: `closed` as usual, `open` not at all, `half-open` one page at a time, on trial. */
export type BreakerState = 'closed' | 'half-open' | 'open'

/** Keeps pages away from an upstream that fails most of them, and tests with single pages whether it is well again. */
export interface Breaker {
  state(): BreakerState
  /** Says that a page is sent; its outcome counts only for the state that it was sent in. */
  sent(): SentOnTrial
  /** Forgets all outcomes: another server answers at the address, or the same one has restarted. */
  reset(): void
}

/** A page whose outcome is awaited. */
export interface SentOnTrial {
  /** Counts an answer. */
  succeeded(): void
  /** Counts a failure that was the upstream's. */
  failed(): void
}

/** Who is told of a breaker's state. */
export interface BreakerOptions {
  /** Called at every change of state. */
  readonly onChange?: (state: BreakerState) => void
}

/** So many failures in a row open the breaker. */
const FAILURES_IN_A_ROW = 5
/** The breaker looks at the last so many outcomes, and opens when half of them are failures. */
const REMEMBERED = 20

/** How long it stays open, in milliseconds: doubled for each trial that fails. */
const FIRST_REST = 1000
const MAX_REST = 30_000

/** Creates a breaker, closed. */
export function createBreaker({ onChange }: BreakerOptions = {}): Breaker {
  let state: BreakerState = 'closed'
  let outcomes: boolean[] = []
  let rest = FIRST_REST
  let timer: NodeJS.Timeout | undefined
  /** Counts changes of state and resets. */
  let changes = 0

  function enter(next: BreakerState): void {
    clearTimeout(timer)
    if (next === state) return
    state = next
    changes += 1
    outcomes = []
    onChange?.(next)
  }

  function open(): void {
    enter('open')
    // A random quarter more or less, so that several gateways do not come back at once.
    timer = setTimeout(() => enter('half-open'), rest * (0.75 + Math.random() / 2))
    timer.unref()
    rest = Math.min(MAX_REST, rest * 2)
  }

  function succeed(): void {
    if (state !== 'closed') rest = FIRST_REST
    enter('closed')
    outcomes = [...outcomes, true].slice(-REMEMBERED)
  }

  function fail(): void {
    outcomes = [...outcomes, false].slice(-REMEMBERED)
    if (state !== 'closed' || isBad(outcomes)) open()
  }

  return {
    state: () => state,
    sent() {
      const sentIn = changes
      // An open upstream still gets pages when no other serves the model: each is a trial too.
      const stillCounts = () => sentIn === changes
      return {
        succeeded: () => void (stillCounts() && succeed()),
        failed: () => void (stillCounts() && fail()),
      }
    },
    reset() {
      rest = FIRST_REST
      enter('closed')
      outcomes = []
      changes += 1
    },
  }
}

function isBad(outcomes: readonly boolean[]): boolean {
  const last = outcomes.slice(-FAILURES_IN_A_ROW)
  if (last.length === FAILURES_IN_A_ROW && !last.includes(true)) return true
  return outcomes.length === REMEMBERED && outcomes.filter((isGood) => !isGood).length * 2 >= REMEMBERED
}
