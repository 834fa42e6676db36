/** Tells who waits for a response of this process that something has happened to it. */
export interface Changes {
  tell(id: string): void
  /**
   * Resolves when something happens to a response, and after a while: it may happen in another process. What happens after the
   * call counts, whether it is awaited yet or not. Throws the signal's reason.
   */
  next(id: string, signal: AbortSignal): Promise<void>
}

/** In milliseconds. */
const LOOK_EVERY = 1000

/** Creates it. */
export function createChanges(): Changes {
  const waiting = new Map<string, Set<() => void>>()
  return {
    tell(id) {
      for (const wake of waiting.get(id) ?? []) wake()
    },
    async next(id, signal) {
      signal.throwIfAborted()
      // Without signals and emitters of its own: hundreds may follow a response, and each waits once for each piece of it.
      const changed = Promise.withResolvers<void>()
      const wake = (): void => changed.resolve()
      const timer = setTimeout(wake, LOOK_EVERY)
      signal.addEventListener('abort', wake)
      const all = waiting.get(id) ?? new Set()
      waiting.set(id, all.add(wake))
      await changed.promise
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      all.delete(wake)
      if (all.size === 0 && waiting.get(id) === all) waiting.delete(id)
      signal.throwIfAborted()
    },
  }
}
