/** The least bytes per second: an eighth of what a line of 64 kbit/s brings. */
const LEAST_RATE = 1024

/** Watches whether bytes go on coming. */
export interface Stillness {
  moved(bytes: number): void
  stop(): void
}

/**
 * Calls back once when nothing has come for so many seconds, or less than a kilobyte for each of them: what has come buys
 * time, never more than those seconds. A byte now and then does not.
 */
export function watchStillness(seconds: number, onStill: () => void, now = () => performance.now()): Stillness {
  let deadline = now() + seconds * 1000
  let timer = setTimeout(look, seconds * 1000)
  function look(): void {
    const left = deadline - now()
    if (left > 0) timer = setTimeout(look, left)
    else onStill()
  }
  return {
    moved(bytes) {
      deadline = Math.min(now() + seconds * 1000, deadline + (bytes / LEAST_RATE) * 1000)
    },
    stop: () => clearTimeout(timer),
  }
}
