/** A signal that follows another one, and also fires when a time is up. Disposing stops the clock. */
export interface TimeLimit extends Disposable {
  readonly signal: AbortSignal
  /** Starts the clock anew, with another time and another reason. */
  restart(milliseconds: number, reason: () => unknown): void
}

/** The longest that a timer of Node runs, 25 days; it fires at once when it is told more. */
const MAX_MILLISECONDS = 2 ** 31 - 1

/** Starts a clock. When `milliseconds` have passed, the signal aborts with what `reason` returns then. */
export function startTimeLimit(milliseconds: number, reason: () => unknown, signal?: AbortSignal): TimeLimit {
  const clock = new AbortController()
  let timer = start(milliseconds, reason)

  function start(time: number, why: () => unknown): NodeJS.Timeout {
    return setTimeout(() => clock.abort(why()), Math.min(MAX_MILLISECONDS, Math.max(0, time)))
  }

  return {
    signal: signal === undefined ? clock.signal : AbortSignal.any([signal, clock.signal]),
    restart(time, why) {
      clearTimeout(timer)
      timer = start(time, why)
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
