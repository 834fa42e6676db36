import { setTimeout as delay } from 'node:timers/promises'

/** Rounds in which every upstream is asked how it is. */
export interface Rounds {
  /** Joins the round under way, or starts one; does nothing within a second of the last. Never throws. */
  refresh(signal: AbortSignal): Promise<void>
  /** Waits for a second to have passed since the last round, and refreshes. Throws the signal's reason when aborted. */
  refreshAnew(signal: AbortSignal): Promise<void>
  /** Has a round start soon: however many requests fail at once, at most once a second. */
  refreshSoon(): void
}

/** What a round does, and how often there is one. */
export interface RoundsOptions {
  /** Asks all; returns whether any has a problem. Never throws. */
  readonly askAll: () => Promise<boolean>
  /** How often; while one has a problem, at least every five seconds. */
  readonly refreshSeconds: number
}

const SECOND = 1000

/** A vLLM that has just started should be noticed soon. In milliseconds. */
const MAX_TROUBLED_INTERVAL = 5 * SECOND

/** Creates the rounds, which end with the signal. The first one starts with the first `refresh`. */
export function createRounds({ askAll, refreshSeconds }: RoundsOptions, closing: AbortSignal): Rounds {
  const interval = refreshSeconds * SECOND
  let round: Promise<void> | null = null
  let lastRound = -Infinity
  let timer: NodeJS.Timeout | undefined
  closing.addEventListener('abort', () => clearTimeout(timer), { once: true })

  const untilAllowed = () => Math.max(0, lastRound + SECOND - performance.now())

  async function ask(): Promise<void> {
    const hasProblem = await askAll()
    lastRound = performance.now()
    round = null
    schedule(hasProblem ? Math.min(MAX_TROUBLED_INTERVAL, interval) : interval)
  }

  function schedule(milliseconds: number): void {
    clearTimeout(timer)
    if (closing.aborted) return
    timer = setTimeout(() => void start(), milliseconds)
    timer.unref()
  }

  function start(): Promise<void> {
    if (closing.aborted) return Promise.resolve()
    round ??= ask()
    return round
  }

  async function refresh(signal: AbortSignal): Promise<void> {
    if (signal.aborted || (round === null && performance.now() - lastRound < SECOND)) return
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    const onAbort = () => resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    await Promise.race([start(), aborted])
    signal.removeEventListener('abort', onAbort)
  }

  return {
    refresh,
    async refreshAnew(signal) {
      await delay(untilAllowed(), undefined, { signal })
      await refresh(signal)
      signal.throwIfAborted()
    },
    refreshSoon() {
      if (round === null) schedule(untilAllowed())
    },
  }
}
