import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ownMemory, treeMemory } from '../support/bounds/process-memory.ts'
import { readMetrics, sumBy, valueOf, type Sample } from '../support/read-metrics.ts'
import { countOne, type Counts } from './gateway.ts'

/** What a gateway was like at one moment. */
export interface Look {
  /** Memory of the gateway and its children; what they share counts once. */
  readonly megabytes: number
  /** Of the gateway alone, without its children and without files. */
  readonly own: number
  readonly processes: number
  /** Open files, sockets and pipes of the gateway itself. */
  readonly handles: number
  /** Of which kinds they are. */
  readonly kinds: Counts
  readonly threads: number
  /** Of the gateway's JavaScript, garbage included; in megabytes. */
  readonly heap: number
  /** Timers that are running. */
  readonly timers: number
  /** Seconds since the soak began. */
  readonly at: number
  /** The longest that its event loop was held up since the last look; in milliseconds. */
  readonly delayMs: number
  /** How long `/health` took. */
  readonly healthMs: number
  readonly samples: readonly Sample[]
}

/** Looks at a gateway again and again, until it is disposed. */
export interface Watch extends AsyncDisposable {
  readonly looks: readonly Look[]
  /** Looks once more. */
  look(): Promise<Look>
}

const INTERVAL_MS = 5000

/** Counts the open handles of a process by kind: sockets and pipes without their numbers, files by their names. */
function handlesOf(pid: number): Counts {
  const kinds: Counts = new Map()
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      countOne(kinds, readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/:?\[\d+\]$/, ''))
    } catch {
      // Closed since it was listed.
    }
  }
  return kinds
}

/** Starts to look; `asked` counts the requests that looking itself makes. */
export function watchGateway({ pid, url }: { readonly pid: number; readonly url: string }, asked: Counts): Watch {
  const looks: Look[] = []
  const startedAt = performance.now()
  const stop = new AbortController()

  async function look(): Promise<Look> {
    const before = performance.now()
    await (await fetch(`${url}/health`)).text()
    countOne(asked, '/health 200')
    const healthMs = performance.now() - before
    const samples = await readMetrics(url)
    countOne(asked, '/metrics 200')
    const delayMs = valueOf(samples, 'nodejs_eventloop_lag_max_seconds') * 1000
    const { megabytes, processes } = treeMemory(pid)
    const kinds = handlesOf(pid)
    const handles = [...kinds.values()].reduce((sum, count) => sum + count, 0)
    const threads = readdirSync(`/proc/${pid}/task`).length
    const heap = valueOf(samples, 'nodejs_heap_size_used_bytes') / 1e6
    const timers = sumBy(samples, 'nodejs_active_resources', 'type')['Timeout'] ?? 0
    return {
      megabytes,
      own: ownMemory(pid),
      processes,
      handles,
      kinds,
      threads,
      heap,
      timers,
      at: (before - startedAt) / 1000,
      delayMs,
      healthMs,
      samples,
    }
  }

  const watching = (async () => {
    while (!stop.signal.aborted) {
      // What a metric's text takes is no part of what is measured.
      const { samples: _, ...seen } = await look()
      looks.push({ ...seen, samples: [] })
      await delay(INTERVAL_MS, undefined, { signal: stop.signal }).catch(() => {})
    }
  })()
  return {
    looks,
    look,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await watching
    },
  }
}
