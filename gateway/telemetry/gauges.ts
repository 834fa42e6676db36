import { statfs } from 'node:fs/promises'
import type { Gauge } from 'prom-client'
import type { Metrics } from './metrics.ts'

/** The state that is read from the gateway's parts at each request for the metrics. */
export interface GaugeSources {
  /** What clients have uploaded, parts of files included. */
  readonly stored: () => Promise<{ readonly files: number; readonly bytes: number }>
  readonly storedBytesLimit: number
  /** The folder whose file system fills with what is kept. */
  readonly dataFolder: string
  /** Drawers that are alive, those that work, what waits for one, and what all of them take. */
  readonly drawing: () => {
    readonly drawers: number
    readonly busy: number
    readonly waiting: number
    readonly bytes: number
  }
  /** Whether the Redis of the page cache answers; null: there is none. */
  readonly isRedisUp: () => boolean | null
  /** Pages that wait, by queue. */
  readonly queued: () => { readonly admitted: number; readonly page: number; readonly upstream: number }
  /** Events that are not delivered yet; the oldest in seconds of Unix time. */
  readonly events: () => { readonly waiting: number; readonly oldestAt: number | null }
  readonly upstreams: () => readonly {
    readonly url: string
    readonly problem: string | null
    readonly breaker: 'closed' | 'half-open' | 'open'
    readonly inFlight: number
    readonly limit: number
    readonly part: number
    readonly lanes: Readonly<Record<'interactive' | 'batch', number>>
    /** What the server says of its own work; null: nothing. */
    readonly load: ServerLoad | null
    /** It is sent no more pages for that. */
    readonly isHeldBack: boolean
  }[]
}

/** What vLLM says of its own work; null: it does not say. */
interface ServerLoad {
  readonly running: number | null
  readonly waiting: number | null
  readonly kvCacheUsage: number | null
  readonly preemptions: number | null
}

const BREAKER_STATES = ['closed', 'half-open', 'open'] as const

/** Sets the gauges that are not counted up and down as things happen. */
export async function sampleGauges(metrics: Metrics, sources: GaugeSources): Promise<void> {
  const { files, bytes } = await sources.stored()
  metrics.storedFiles.set(files)
  metrics.storedBytes.set(bytes)
  metrics.storedBytesLimit.set(sources.storedBytesLimit)
  const { waiting, oldestAt } = sources.events()
  metrics.webhookWaiting.set(waiting)
  metrics.webhookOldest.set(oldestAt === null ? 0 : Math.max(0, Date.now() / 1000 - oldestAt))
  for (const [queue, pages] of Object.entries(sources.queued())) metrics.queuedPages.set({ queue }, pages)
  for (const upstream of sources.upstreams()) sampleUpstream(metrics, upstream)
  await samplePlaces(metrics, sources)
}

async function samplePlaces(metrics: Metrics, { drawing, isRedisUp, dataFolder }: GaugeSources): Promise<void> {
  const { drawers, busy, waiting, bytes } = drawing()
  metrics.drawers.set({ state: 'busy' }, busy)
  metrics.drawers.set({ state: 'idle' }, Math.max(0, drawers - busy))
  metrics.drawingWaiting.set(waiting)
  metrics.drawersBytes.set(bytes)
  setOrRemove(metrics.redisUp, {}, isRedisUp() === null ? null : Number(isRedisUp()))
  const disk = await statfs(dataFolder).catch(() => null)
  setOrRemove(metrics.dataBytes, {}, disk === null ? null : disk.blocks * disk.bsize)
  setOrRemove(metrics.dataFreeBytes, {}, disk === null ? null : disk.bavail * disk.bsize)
}

function sampleUpstream(metrics: Metrics, status: ReturnType<GaugeSources['upstreams']>[number]): void {
  const { url: upstream, problem, breaker, inFlight, limit, part, lanes, load, isHeldBack } = status
  metrics.upstreamInFlight.set({ upstream }, inFlight)
  metrics.upstreamLimit.set({ upstream }, limit)
  metrics.upstreamPart.set({ upstream }, part)
  metrics.upstreamUp.set({ upstream }, problem === null ? 1 : 0)
  metrics.upstreamHeldBack.set({ upstream }, isHeldBack ? 1 : 0)
  for (const [lane, pages] of Object.entries(lanes)) metrics.upstreamLanes.set({ upstream, lane }, pages)
  for (const state of BREAKER_STATES) metrics.upstreamBreaker.set({ upstream, state }, breaker === state ? 1 : 0)
  sampleLoad(metrics, upstream, load)
}

function sampleLoad(metrics: Metrics, upstream: string, load: ServerLoad | null): void {
  const { running = null, waiting = null, kvCacheUsage = null, preemptions = null } = load ?? {}
  setOrRemove(metrics.upstreamRunning, { upstream }, running)
  setOrRemove(metrics.upstreamWaiting, { upstream }, waiting)
  setOrRemove(metrics.upstreamKvCache, { upstream }, kvCacheUsage)
  // Counted by the server: it begins anew when that does, as counters may.
  metrics.upstreamPreemptions.remove({ upstream })
  if (preemptions !== null) metrics.upstreamPreemptions.inc({ upstream }, preemptions)
}

/** What is not known is no sample: a zero would be a claim. */
function setOrRemove<Label extends string>(
  gauge: Gauge<Label>,
  labels: Partial<Record<Label, string>>,
  value: number | null,
): void {
  if (value === null) gauge.remove(labels)
  else gauge.set(labels, value)
}
