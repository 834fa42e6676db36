import type { Metrics } from './metrics.ts'

/** The state that is read from the gateway's parts at each request for the metrics. */
export interface GaugeSources {
  /** What clients have uploaded, parts of files included. */
  readonly stored: () => Promise<{ readonly files: number; readonly bytes: number }>
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
  }[]
}

const BREAKER_STATES = ['closed', 'half-open', 'open'] as const

/** Sets the gauges that are not counted up and down as things happen. */
export async function sampleGauges(
  metrics: Metrics,
  { queued, upstreams, stored, events }: GaugeSources,
): Promise<void> {
  const { files, bytes } = await stored()
  metrics.storedFiles.set(files)
  metrics.storedBytes.set(bytes)
  const { waiting, oldestAt } = events()
  metrics.webhookWaiting.set(waiting)
  metrics.webhookOldest.set(oldestAt === null ? 0 : Math.max(0, Date.now() / 1000 - oldestAt))
  for (const [queue, pages] of Object.entries(queued())) metrics.queuedPages.set({ queue }, pages)
  for (const { url: upstream, problem, breaker, inFlight, limit, part } of upstreams()) {
    metrics.upstreamInFlight.set({ upstream }, inFlight)
    metrics.upstreamLimit.set({ upstream }, limit)
    metrics.upstreamPart.set({ upstream }, part)
    metrics.upstreamUp.set({ upstream }, problem === null ? 1 : 0)
    for (const state of BREAKER_STATES) metrics.upstreamBreaker.set({ upstream, state }, breaker === state ? 1 : 0)
  }
}
