// What the status page shows of each part.
import type { PageStore } from '../cache/page-store.ts'
import type { Config } from '../config/load.ts'
import { shownSettings } from '../config/shown.ts'
import type { Admission } from '../schedule/admission.ts'
import type { StatusSources } from '../status/snapshot.ts'
import type { GaugeSources } from '../telemetry/gauges.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Upstreams } from '../upstream/upstreams.ts'
import { version } from './version.ts'

/** The parts that are shown. */
interface ShownParts {
  readonly metrics: Metrics
  readonly gauges: GaugeSources
  readonly upstreams: Pick<Upstreams, 'status'>
  readonly admission: Admission
  readonly store: PageStore
  readonly lifecycle: { readonly draining: boolean }
  readonly batches: { overview: StatusSources['batches'] }
  /** Whether pages are kept in the data folder. */
  readonly keepsPages: boolean
}

/** Returns where the status page finds what it shows. */
export function statusSources(config: Config, parts: ShownParts): StatusSources {
  const { gauges, metrics, upstreams, admission, store, lifecycle, batches, keepsPages } = parts
  const { drawing, isRedisUp, queued, stored, storedBytesLimit, events } = gauges
  return {
    version,
    settings: settingsOf(config),
    isDraining: () => lifecycle.draining,
    metrics,
    drawing,
    isRedisUp,
    queued,
    stored,
    storedBytesLimit,
    events: config.GATEWAY_WEBHOOK_URL === null ? null : events,
    upstreams: () => upstreams.status(),
    admission,
    cache: { place: cachePlace(config, keepsPages), size: () => store.size?.() ?? null },
    batches: () => batches.overview(),
  }
}

function cachePlace(config: Config, keepsPages: boolean): StatusSources['cache']['place'] {
  if (config.GATEWAY_REDIS_URL !== null) return 'redis'
  if (keepsPages) return 'disk'
  return config.GATEWAY_CACHE_MAX_BYTES > 0 ? 'memory' : 'off'
}

/** None of them is an address, a path or a secret. */
const SETTINGS = [
  'GATEWAY_MAX_QUEUED_PAGES',
  'GATEWAY_LOOKAHEAD',
  'GATEWAY_UPSTREAM_CONCURRENCY',
  'GATEWAY_MAX_KV_CACHE_USAGE',
  'GATEWAY_PAGE_TIMEOUT_SECONDS',
  'GATEWAY_FIRST_TOKEN_TIMEOUT_SECONDS',
  'GATEWAY_IDLE_TIMEOUT_SECONDS',
  'GATEWAY_RASTERIZER',
  'GATEWAY_RASTERIZE_THREADS',
  'GATEWAY_TESSERACT_THREADS',
  'GATEWAY_MAX_PAGES',
  'GATEWAY_MAX_DOCUMENT_BYTES',
  'GATEWAY_MAX_BUFFERED_BYTES',
  'GATEWAY_MAX_CONNECTIONS',
  'GATEWAY_CACHE_SCOPE',
  'GATEWAY_CACHE_TTL_SECONDS',
  'GATEWAY_ALLOW_URLS',
  'GATEWAY_DRAIN_SECONDS',
] as const satisfies readonly (keyof Config)[]

function settingsOf(config: Config): StatusSources['settings'] {
  const shown = shownSettings(config)
  return Object.fromEntries(SETTINGS.map((name) => [name, shown[name] as StatusSources['settings'][string]]))
}
