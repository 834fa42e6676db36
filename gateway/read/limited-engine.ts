import type { Engine } from '../engine/engine.ts'
import type { Slots } from '../schedule/slots.ts'

/** What limits an engine. */
export interface LimitOptions {
  /** The slots of a served model. */
  readonly slotsFor: (modelId: string) => Slots
  /** Told how long a page has waited for its slot. */
  readonly onWaited?: (seconds: number) => void
}

/** Wraps an engine so that each page holds a slot from before its image is rasterized until its last delta. */
export function limitedEngine(engine: Engine, { slotsFor, onWaited }: LimitOptions): Engine {
  return async function* limited(prompt, signal) {
    const askedAt = performance.now()
    const release = await slotsFor(prompt.model.id).acquire(prompt.turn, signal)
    onWaited?.((performance.now() - askedAt) / 1000)
    let isPaused = false
    // Whoever aborts while we are paused at a yield may never come back to let `finally` run.
    const releaseIfPaused = () => {
      if (isPaused) release()
    }
    signal.addEventListener('abort', releaseIfPaused, { once: true })
    try {
      signal.throwIfAborted()
      for await (const delta of engine(prompt, signal)) {
        isPaused = true
        yield delta
        isPaused = false
      }
    } finally {
      signal.removeEventListener('abort', releaseIfPaused)
      release()
    }
  }
}
