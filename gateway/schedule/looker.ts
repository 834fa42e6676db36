/** Looks for work again and again. */
export interface Looker {
  /** Looks now; where it is looking already, once more afterwards. */
  wake(): void
  /** Looks no more, and waits for the look that is under way. */
  close(): Promise<void>
}

/** How it is looked for work. */
export interface LookerOptions {
  readonly look: () => Promise<void>
  readonly everyMs: number
  /** Told of the first of several looks in a row that throw. */
  readonly onTrouble: (error: unknown) => void
}

/** Creates what looks for work: from the start, every so often, and when it is woken; never twice at once. */
export function createLooker({ look, everyMs, onTrouble }: LookerOptions): Looker {
  let looking: Promise<void> | null = null
  let isAsked = false
  const closed = new AbortController()
  let isTroubled = false

  async function lookAll(): Promise<void> {
    try {
      while (isAsked && !closed.signal.aborted) {
        isAsked = false
        await look()
      }
      isTroubled = false
    } catch (error) {
      if (!isTroubled) onTrouble(error)
      isTroubled = true
    } finally {
      looking = null
    }
  }

  function wake(): void {
    isAsked = true
    if (!closed.signal.aborted) looking ??= lookAll()
  }

  const timer = setInterval(wake, everyMs)
  timer.unref()
  const first = setImmediate(wake)
  return {
    wake,
    async close() {
      closed.abort()
      clearInterval(timer)
      clearImmediate(first)
      await looking
    },
  }
}
