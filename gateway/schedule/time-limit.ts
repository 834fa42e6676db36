/** A signal that follows another one, and also fires when a time is up. Disposing stops the clock. */
export interface TimeLimit extends Disposable {
  readonly signal: AbortSignal
  /** Starts the clock anew, with another time and another reason. */
  restart(milliseconds: number, reason: () => unknown): void
}

/** The longest that a timer of Node runs, 25 days; it fires at once when it is told more. */
const MAX_MILLISECONDS = 2 ** 31 - 1

const bounded = (milliseconds: number): number => Math.min(MAX_MILLISECONDS, Math.max(0, milliseconds))

/** Starts a clock. When `milliseconds` have passed, the signal aborts with what `reason` returns then. */
export function startTimeLimit(milliseconds: number, reason: () => unknown, signal?: AbortSignal): TimeLimit {
  const clock = new AbortController()
  let time = bounded(milliseconds)
  let why = reason
  let timer = start()

  function start(): NodeJS.Timeout {
    return setTimeout(() => clock.abort(why()), time)
  }

  return {
    signal: signal === undefined ? clock.signal : AbortSignal.any([signal, clock.signal]),
    restart(milliseconds, reason) {
      why = reason
      const next = bounded(milliseconds)
      // With each token of an answer: no other timer is made for the same time.
      if (next === time) timer.refresh()
      else {
        clearTimeout(timer)
        time = next
        timer = start()
      }
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
