import { setTimeout as delay } from 'node:timers/promises'
import { readMetrics, valueOf } from './read-metrics.ts'

/** The resident memory of a gateway while it works, in megabytes. */
export interface MemoryWatch extends AsyncDisposable {
  /** The most that was seen between two shares of the time since it began, 0 to 1. */
  peak(from: number, to: number): number
}

const INTERVAL_MS = 400

/** Looks at a gateway's memory again and again. */
export function watchMemory(gatewayUrl: string): MemoryWatch {
  const megabytes: number[] = []
  const stop = new AbortController()
  const watching = (async () => {
    while (!stop.signal.aborted) {
      const metrics = await readMetrics(gatewayUrl)
      megabytes.push(valueOf(metrics, 'process_resident_memory_bytes') / 2 ** 20)
      await delay(INTERVAL_MS, undefined, { signal: stop.signal }).catch(() => {})
    }
  })()
  return {
    peak: (from, to) => Math.max(...megabytes.slice(from * megabytes.length, to * megabytes.length)),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await watching
    },
  }
}
