import type { Engine } from './engine.ts'
import type { Slots } from './slots.ts'

/** Wraps an engine so that each page holds a slot from before its image is rasterized until its last delta. */
export function limitedEngine(engine: Engine, slots: Slots): Engine {
  return async function* limited(prompt, signal) {
    const release = await slots.acquire(signal)
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
