import { EventEmitter, once } from 'node:events'

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
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  return {
    tell: (id) => void emitter.emit(id),
    async next(id, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(LOOK_EVERY)])
      await once(emitter, id, { signal: limit }).catch(() => {})
      signal.throwIfAborted()
    },
  }
}
