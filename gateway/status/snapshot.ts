import type { Batch } from '../batch/batch.ts'
import type { BatchOverview } from '../batch/store.ts'
import type { GaugeSources } from '../telemetry/gauges.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { RecentFailure } from '../telemetry/recent.ts'
import type { UpstreamStatus } from '../upstream/upstream.ts'
import type { StatusSnapshot } from '../wire/status.ts'
import type { EventLoop } from './event-loop.ts'
import { createLatest } from './latest.ts'

/** The parts of the gateway that say how they do. */
export interface StatusSources extends Pick<
  GaugeSources,
  'drawing' | 'isRedisUp' | 'queued' | 'stored' | 'storedBytesLimit'
> {
  readonly version: string
  readonly settings: StatusSnapshot['settings']
  readonly isDraining: () => boolean
  readonly metrics: Pick<
    Metrics,
    'recent' | 'requestsInFlight' | 'connections' | 'pagesInFlight' | 'batchLinesInFlight'
  >
  readonly upstreams: () => readonly UpstreamStatus[]
  /** Pages that are let in and not read yet, by lane and key; the most first. */
  readonly admission: {
    readonly most: number
    owners(): readonly { readonly lane: 'interactive' | 'batch'; readonly key: string; readonly pages: number }[]
  }
  readonly cache: {
    readonly place: StatusSnapshot['cache']['place']
    readonly size: () => { readonly entries: number; readonly bytes: number; readonly most: number } | null
  }
  readonly batches: () => Promise<BatchOverview>
  /** Null: no webhook is set. */
  readonly events: (() => ReturnType<GaugeSources['events']>) | null
}

/** How often what lies in Redis or in the database is looked up, and how long it is waited for. */
const SLOW = { everyMs: 5000, patienceMs: 500 }
const MAX_OWNERS = 50
const MAX_BATCHES = 20
const MAX_MODELS = 20

/** Creates what looks at all parts at once; looking is cheap, however often. */
export function createSnapshots(sources: StatusSources, loop: EventLoop): () => Promise<StatusSnapshot> {
  const batches = createLatest(sources.batches, SLOW)
  const stored = createLatest(sources.stored, SLOW)
  return async () => {
    const [overview, files, gauges] = await Promise.all([batches.get(), stored.get(), readGauges(sources.metrics)])
    const upstreams = sources.upstreams()
    return {
      object: 'status',
      at: Date.now(),
      gateway: gatewayPart(sources, upstreams, loop),
      upstreams: upstreams.map(upstreamPart),
      drawers: drawersPart(sources),
      queue: queuePart(sources),
      requests: { in_flight: gauges.requests, connections: gauges.connections },
      pages: { in_flight: gauges.pages, by_minute: copied(sources.metrics.recent.pagesByMinute()) },
      cache: cachePart(sources),
      failures: failuresPart(sources),
      batches: overview === null ? null : batchesPart(overview, gauges.lines),
      webhooks: webhooksPart(sources),
      files:
        files === null || Number.isNaN(files.bytes)
          ? null
          : { files: files.files, bytes: files.bytes, most_bytes: sources.storedBytesLimit },
      settings: sources.settings,
    }
  }
}

async function readGauges(metrics: StatusSources['metrics']) {
  const { requestsInFlight, connections, pagesInFlight, batchLinesInFlight } = metrics
  const gauges = [requestsInFlight, connections, pagesInFlight, batchLinesInFlight]
  const [requests = 0, open = 0, pages = 0, lines = 0] = await Promise.all(
    gauges.map(async (gauge) => (await gauge.get()).values[0]?.value ?? 0),
  )
  return { requests, connections: open, pages, lines }
}

/** Who is called nothing asks a gateway without keys. */
const named = (key: string): string | null => (key === '' ? null : key)

function gatewayPart(
  { version, isDraining }: StatusSources,
  upstreams: readonly UpstreamStatus[],
  loop: EventLoop,
): StatusSnapshot['gateway'] {
  const { rss, heapUsed } = process.memoryUsage()
  const { utilization, delayMs } = loop.look()
  const isReachable = upstreams.length === 0 || upstreams.some(({ problem }) => problem === null)
  return {
    version,
    uptime_seconds: Math.floor(process.uptime()),
    state: isDraining() ? 'draining' : isReachable ? 'ready' : 'no_upstream',
    memory_bytes: rss,
    heap_bytes: heapUsed,
    event_loop_utilization: rounded(utilization, 3),
    event_loop_delay_ms: delayMs === null ? null : rounded(delayMs, 1),
  }
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits))
const roundedOrNull = (value: number | null): number | null => (value === null ? null : rounded(value, 3))

function upstreamPart(status: UpstreamStatus): StatusSnapshot['upstreams'][number] {
  const { url, problem, breaker, version, inFlight, lanes, waiting, limit, part, gateways, recent, load } = status
  return {
    url,
    problem,
    warnings: [...status.warnings],
    breaker,
    held_back: status.isHeldBack,
    version,
    models: status.models.slice(0, MAX_MODELS),
    in_flight: inFlight,
    lanes,
    waiting,
    limit,
    limit_from: status.limitFrom,
    part,
    gateways,
    pages_last_minute: recent.pages,
    seconds_per_page: roundedOrNull(recent.seconds),
    seconds_to_first_text: roundedOrNull(recent.firstTextSeconds),
    server: load === null ? null : { running: load.running, waiting: load.waiting, kv_cache_usage: load.kvCacheUsage },
  }
}

function drawersPart({ drawing }: StatusSources): StatusSnapshot['drawers'] {
  const { drawers: alive, busy, waiting, bytes } = drawing()
  return { alive, busy, waiting, memory_bytes: bytes }
}

function queuePart({ queued, admission }: StatusSources): StatusSnapshot['queue'] {
  const { admitted, page, upstream } = queued()
  const owners = admission.owners()
  return {
    admitted,
    most: admission.most,
    waiting_to_be_drawn: page,
    waiting_for_upstream: upstream,
    owners: owners.slice(0, MAX_OWNERS).map(({ lane, key, pages }) => ({ lane, key: named(key), pages })),
    more_owners: Math.max(0, owners.length - MAX_OWNERS),
  }
}

const copied = (minutes: ReturnType<Metrics['recent']['pagesByMinute']>): StatusSnapshot['pages']['by_minute'] => ({
  ok: [...minutes.ok],
  repaired: [...minutes.repaired],
  fallback: [...minutes.fallback],
  blank: [...minutes.blank],
  failed: [...minutes.failed],
  pending: [...minutes.pending],
})

function cachePart({ cache, isRedisUp, metrics }: StatusSources): StatusSnapshot['cache'] {
  const size = cache.size()
  return {
    place: cache.place,
    redis_up: isRedisUp(),
    entries: size?.entries ?? null,
    bytes: size?.bytes ?? null,
    most_bytes: size?.most ?? null,
    ...metrics.recent.cache(),
  }
}

function failuresPart({ metrics: { recent } }: StatusSources): StatusSnapshot['failures'] {
  return { by_code: [...recent.codes()], recent: recent.failures().map(failurePart) }
}

const failurePart = ({ requestId, caller, ...facts }: RecentFailure): StatusSnapshot['failures']['recent'][number] => ({
  ...facts,
  request_id: requestId,
  key: caller,
})

function batchesPart({ unended, unendedCount, endedCount }: BatchOverview, lines: number): StatusSnapshot['batches'] {
  const counts: Record<string, number> = {}
  for (const { status } of unended) counts[status] = (counts[status] ?? 0) + 1
  return {
    unended: unendedCount,
    ended: endedCount,
    by_status: counts,
    running: unended.slice(0, MAX_BATCHES).map(batchPart),
    lines_in_flight: lines,
  }
}

function batchPart({ id, owner, status, model, times, counts }: Batch) {
  return { id, key: named(owner), status, model, created_at: times.created, ...counts }
}

function webhooksPart({ events }: StatusSources): StatusSnapshot['webhooks'] {
  if (events === null) return null
  const { waiting, oldestAt } = events()
  return { waiting, oldest_seconds: oldestAt === null ? null : Math.max(0, Math.round(Date.now() / 1000 - oldestAt)) }
}
