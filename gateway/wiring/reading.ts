// What reads pages: the cache, the drawers, the servers, and what joins them.
import { availableParallelism } from 'node:os'
import type { PageAllowance } from '../access/page-allowance.ts'
import { createDiskStore } from '../cache/disk-store.ts'
import { createMemoryStore } from '../cache/memory-store.ts'
import type { PageStore } from '../cache/page-store.ts'
import { createRedisStore } from '../cache/redis-store.ts'
import type { Config } from '../config/load.ts'
import type { Convert } from '../document/convert/convert.ts'
import { openDocuments } from '../document/portfolio.ts'
import type { EmbeddedEngine } from '../engine/tesseract/engine.ts'
import { answerLimits } from '../engine/vllm/answer-limits.ts'
import { createVllmEngine } from '../engine/vllm/engine.ts'
import type { SchemaThread } from '../ocr/fields/schema-thread.ts'
import { createFormulaCheck } from '../ocr/formulas/check.ts'
import type { KeptReadings } from '../ocr/kept-readings.ts'
import { pagesBegun } from '../ocr/lookahead.ts'
import { observeAttempts, observeReading } from '../ocr/observe-reading.ts'
import type { OcrServices } from '../ocr/ocr.ts'
import type { PaceMeter } from '../ocr/reading-pace.ts'
import { chooseProfile } from '../profile/profiles.ts'
import { createRasterizer, type Rasterizer } from '../rasterizer/pool.ts'
import { rasterizationVersion } from '../rasterizer/version.ts'
import { createSingleAsk } from '../read/ask.ts'
import { createGuard } from '../read/guard/guard.ts'
import { createFlights } from '../read/flights.ts'
import { createFindKnown, createOnce } from '../read/once.ts'
import { spareAttempts, type PageSlots } from '../read/page-slots.ts'
import type { ReadServices } from '../read/read-page.ts'
import type { SampleKeeper } from '../samples/keeper.ts'
import type { Admission } from '../schedule/admission.ts'
import { createRedisPlaces } from '../store/redis-places.ts'
import type { SharedRedis } from '../store/redis.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { UsageMeter } from '../usage/meter.ts'
import { unshared, type LimitShares } from '../upstream/limit-share.ts'
import { createSharedLimits } from '../upstream/shared-limits.ts'
import { createUpstreams, type Upstreams } from '../upstream/upstreams.ts'

const CONNECT_TIMEOUT_SECONDS = 10
const REFRESH_SECONDS = 10
/** A cache that takes longer than this costs more than it saves. */
const REDIS_TIMEOUT_MS = 300

/** What the pipeline is made of. */
export interface OcrParts extends ReadParts {
  readonly log: Log
  readonly tracer: Tracer
  readonly rasterizer: Rasterizer
  /** Null: Office documents are refused. */
  readonly convert: Convert | null
  /** Null: no pages are kept. */
  readonly samples: SampleKeeper | null
  readonly admission: Admission
  readonly kept: KeptReadings
  readonly schemas: SchemaThread
  readonly leaving: AbortSignal | undefined
}

/** Creates the pipeline. */
export function createOcrServices(config: Config, parts: OcrParts): OcrServices {
  const { log, tracer, metrics, usage, store, upstreams, meter, rasterizer, convert } = parts
  const { admission, allowance, kept, samples, schemas, leaving } = parts
  return {
    reading: createReadServices(config, parts),
    checkFormulas: createFormulaCheck(),
    metrics,
    meter,
    log,
    tracer,
    rasterizationVersion: rasterizationVersion(config.GATEWAY_RASTERIZER),
    imageMediaType: config.GATEWAY_PAGE_IMAGE === null ? null : (`image/${config.GATEWAY_PAGE_IMAGE}` as const),
    cachePartition: { salt: config.GATEWAY_CACHE_SALT, scope: config.GATEWAY_CACHE_SCOPE },
    cached: (pageKeys, signal) => store.has(pageKeys, signal),
    openDocuments: (source, turn, signal) =>
      openDocuments(source, rasterizer, { maxDocumentBytes: config.GATEWAY_MAX_DOCUMENT_BYTES, turn, convert }, signal),
    admission,
    usage,
    allowance,
    expectEngine: async ({ id, engine: name }, signal) => {
      if (name === 'vllm') await upstreams.expect(id, signal)
    },
    lookahead: pagesBegun(config.GATEWAY_LOOKAHEAD),
    maxPages: config.GATEWAY_MAX_PAGES,
    kept,
    schemas,
    ...(leaving === undefined ? {} : { leaving }),
    ...(samples === null ? {} : { samples }),
    keepsAnswers: config.GATEWAY_REDIS_URL !== null || config.GATEWAY_CACHE_MAX_BYTES > 0,
  }
}

/** What reads pages. */
export interface ReadParts {
  readonly metrics: Metrics
  readonly usage: UsageMeter
  readonly store: PageStore
  readonly upstreams: Upstreams
  readonly embedded: EmbeddedEngine
  readonly slots: PageSlots
  readonly allowance: PageAllowance
  readonly meter: PaceMeter
}

function createReadServices(
  config: Config,
  { metrics, usage, store, upstreams, embedded, slots, allowance, meter }: ReadParts,
): ReadServices {
  const totalTimeoutSeconds = config.GATEWAY_PAGE_TIMEOUT_SECONDS
  const silence = {
    firstTokenTimeoutSeconds: config.GATEWAY_FIRST_TOKEN_TIMEOUT_SECONDS,
    idleTimeoutSeconds: config.GATEWAY_IDLE_TIMEOUT_SECONDS,
  }
  const vllm = createVllmEngine({
    upstreams,
    ...answerLimits(silence, totalTimeoutSeconds),
    onWaited: (seconds) => metrics.queueSeconds.observe({ queue: 'upstream' }, seconds),
    onFirstToken: (seconds) => metrics.stageSeconds.observe({ stage: 'first_token' }, seconds),
  })
  const { onAttempt, onCloserLook } = observeAttempts(metrics, usage)
  const flights = createFlights()
  const spare = spareAttempts(slots, (modelId) => upstreams.spare(modelId))
  return {
    once: createOnce(store, flights),
    findKnown: createFindKnown(store, flights),
    slots,
    gates: allowance.gates,
    ask: {
      vllm: createGuard(vllm, {
        totalTimeoutSeconds,
        spare,
        maxImageTokens: (modelId) => upstreams.maxImageTokens(modelId),
        onAttempt,
        onCompared: (upstream, agrees) => upstreams.compared(upstream, agrees),
      }),
      tesseract: createSingleAsk(embedded.recognize, totalTimeoutSeconds),
    },
    crossCheck: { totalTimeoutSeconds, onCloserLook },
    observer: observeReading(metrics, meter),
  }
}

/** Creates the page cache; `keepsPages`: in the data folder, where there is no Redis. */
export function createStore(config: Config, log: Log, keepsPages: boolean): PageStore {
  const bounds = { maxValueBytes: config.GATEWAY_CACHE_MAX_VALUE_BYTES, ttlSeconds: config.GATEWAY_CACHE_TTL_SECONDS }
  if (config.GATEWAY_REDIS_URL === null && keepsPages) return createDiskStore(config.GATEWAY_DATA_DIR, bounds)
  if (config.GATEWAY_REDIS_URL === null)
    return createMemoryStore({ ...bounds, maxBytes: config.GATEWAY_CACHE_MAX_BYTES })
  const claimLimitMs = config.GATEWAY_PAGE_TIMEOUT_SECONDS * 1000
  const limits = { ...bounds, claimLimitMs, commandTimeoutMs: REDIS_TIMEOUT_MS }
  return createRedisStore({ ...limits, url: config.GATEWAY_REDIS_URL, log })
}

/** Creates the drawers. */
export function createDocumentRasterizer(config: Config): Rasterizer {
  return createRasterizer({
    threads: config.GATEWAY_RASTERIZE_THREADS ?? availableParallelism(),
    pageTimeoutSeconds: config.GATEWAY_RASTERIZE_TIMEOUT_SECONDS,
    openTimeoutSeconds: config.GATEWAY_RASTERIZE_TIMEOUT_SECONDS,
    maxImagePixels: config.GATEWAY_MAX_IMAGE_PIXELS,
    pdfRasterizer: config.GATEWAY_RASTERIZER,
    maxPageMegabytes: config.GATEWAY_RASTERIZE_MEMORY_MEGABYTES,
    maxFileBytes: config.GATEWAY_MAX_DOCUMENT_BYTES,
  })
}

/** Replicas divide the places of servers through Redis. */
export function createShares(shared: SharedRedis | null): LimitShares {
  return shared === null ? unshared : createSharedLimits(createRedisPlaces(shared))
}

/** What the servers are made of, beside their settings. */
export interface UpstreamParts {
  readonly log: Log
  readonly shares: LimitShares
  readonly unsentFor: (modelId: string) => number
}

/** Creates the vLLM servers. */
export function createConfiguredUpstreams(config: Config, { log, shares, unsentFor }: UpstreamParts): Upstreams {
  return createUpstreams({
    urls: config.GATEWAY_UPSTREAM_URLS,
    apiKey: config.GATEWAY_UPSTREAM_API_KEY,
    refreshSeconds: REFRESH_SECONDS,
    concurrency: config.GATEWAY_UPSTREAM_CONCURRENCY,
    patienceSeconds: config.GATEWAY_UPSTREAM_PATIENCE_SECONDS,
    shares,
    maxKvCacheUsage: config.GATEWAY_MAX_KV_CACHE_USAGE,
    unsentFor,
    maxPerRequest: config.GATEWAY_LOOKAHEAD,
    connectTimeoutSeconds: CONNECT_TIMEOUT_SECONDS,
    chooseProfile: (entry) => chooseProfile(entry, config.GATEWAY_MODEL_PROFILES),
    onLog: (level, message, fields) => log[level](fields, message),
  })
}
