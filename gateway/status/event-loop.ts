import { monitorEventLoopDelay, performance } from 'node:perf_hooks'

/** How busy and how late the event loop was since it was asked last. */
export interface EventLoop {
  look(): { readonly utilization: number; readonly delayMs: number | null }
  /** Measures delays from now on, which takes a timer. */
  watch(): void
  unwatch(): void
}

const RESOLUTION_MS = 20
const NANOSECONDS = 1e6

/** Creates it; delays are measured only while they are watched. */
export function createEventLoop(): EventLoop {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  let isWatched = false
  let before = performance.eventLoopUtilization()
  return {
    look() {
      const at = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(at, before)
      before = at
      const delayMs = isWatched && delays.count > 0 ? lateness(delays.percentile(99)) : null
      delays.reset()
      return { utilization: Number.isFinite(utilization) ? utilization : 0, delayMs }
    },
    watch() {
      isWatched = true
      delays.enable()
    },
    unwatch() {
      isWatched = false
      delays.disable()
    },
  }
}

/** What is measured is the time from timer to timer. */
const lateness = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS)
