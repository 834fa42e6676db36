import { setTimeout as delay } from 'node:timers/promises'
import { readMetrics, valueOf } from './read-metrics.ts'

/** The resident memory of a gateway while it works, in megabytes. */
export interface MemoryWatch extends AsyncDisposable {
  /** The most that was seen between two shares of the way. */
  peak(from: number, to: number): number
}

const INTERVAL_MS = 400

/** Looks at a gateway's memory again and again; `progress` says how far its work has come, from 0 to 1. */
export function watchMemory(gatewayUrl: string, progress: () => number): MemoryWatch {
  const samples: { readonly at: number; readonly megabytes: number }[] = []
  const stop = new AbortController()
  const watching = (async () => {
    while (!stop.signal.aborted) {
      const metrics = await readMetrics(gatewayUrl)
      samples.push({ at: progress(), megabytes: valueOf(metrics, 'process_resident_memory_bytes') / 2 ** 20 })
      await delay(INTERVAL_MS, undefined, { signal: stop.signal }).catch(() => {})
    }
  })()
  return {
    peak(from, to) {
      const within = samples.filter(({ at }) => at >= from && at <= to)
      return Math.max(...within.map(({ megabytes }) => megabytes))
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await watching
    },
  }
}
