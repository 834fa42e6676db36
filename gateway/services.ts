import { availableParallelism } from 'node:os'
import { createMemoryStore } from './cache/memory-store.ts'
import type { PageStore } from './cache/page-store.ts'
import { createRedisStore } from './cache/redis-store.ts'
import type { ApiKey } from './config/variables.ts'
import type { Config } from './config/load.ts'
import { openDocument } from './document/open.ts'
import { createRasterizer, type Rasterizer } from './rasterizer/pool.ts'
import { rasterizationVersion } from './rasterizer/version.ts'
import { cachedEngine } from './read/cached-engine.ts'
import { createEmbeddedEngine, type EmbeddedEngine } from './engine/tesseract/engine.ts'
import { crossCheckedEngine, type CrossCheckOptions } from './read/cross-checked-engine.ts'
import type { EndDelta, Engine } from './engine/engine.ts'
import { guardedEngine } from './read/guarded-engine.ts'
import { imageKeyedEngine } from './read/image-keyed-engine.ts'
import { inkedEngine } from './read/inked-engine.ts'
import { limitedEngine } from './read/limited-engine.ts'
import { createModelList, type ModelList } from './upstream/model-list.ts'
import { routedEngine } from './read/routed-engine.ts'
import { createModelSlots, type ModelSlots } from './schedule/slots.ts'
import { tiledEngine } from './read/tiles/tiled-engine.ts'
import { timedEngine } from './read/timed-engine.ts'
import { createUpstreams, type Upstreams } from './upstream/upstreams.ts'
import { createVllmEngine } from './engine/vllm/engine.ts'
import { joinTiles } from './read/tiles/join-tiles.ts'
import { createAdmission } from './schedule/admission.ts'
import type { OcrServices } from './ocr/ocr.ts'
import { createPaceMeter } from './ocr/reading-pace.ts'
import { tesseract as tesseractProfile } from './profile/models/tesseract.ts'
import { chooseProfile, profileIds } from './profile/profiles.ts'
import type { GaugeSources } from './telemetry/gauges.ts'
import { createLog, type Log } from './telemetry/log.ts'
import { createMetrics, type Metrics } from './telemetry/metrics.ts'

/** Every long-lived object, as the routes see them. */
export interface Services extends AsyncDisposable {
  readonly log: Log
  readonly metrics: Metrics
  readonly gauges: GaugeSources
  readonly apiKeys: readonly ApiKey[]
  readonly maxBodyBytes: number
  readonly maxDocumentBytes: number
  /** `draining` is set once, on the way out. */
  readonly lifecycle: { draining: boolean }
  readonly upstreams: Upstreams
  readonly models: ModelList
  readonly ocr: OcrServices
}

const CONNECT_TIMEOUT_SECONDS = 10
const REFRESH_SECONDS = 10
/** Pages that are drawn while so many are read: answers come in bursts, and each is to find the next page ready. */
const drawnAhead = (pages: number): number => Math.max(8, Math.ceil(pages / 4))
/** A cache that takes longer than this costs more than it saves. */
const REDIS_TIMEOUT_MS = 300

/** Returns what is wrong with a configuration that the rules of its single variables cannot see. */
export function configurationProblems({ GATEWAY_MODEL_PROFILES: pins }: Config): string[] {
  const unknown = [...pins.values()].filter((profile) => !profileIds().includes(profile))
  return unknown.map(
    (profile) => `GATEWAY_MODEL_PROFILES names the profile ${profile}; the profiles are ${profileIds().join(', ')}`,
  )
}

/** Builds everything once, in the order of who needs whom; disposing closes it in reverse. */
export function createServices(config: Config): Services {
  const closing = new AsyncDisposableStack()
  const log = createLog({ level: config.GATEWAY_LOG_LEVEL, format: config.GATEWAY_LOG_FORMAT })
  const metrics = createMetrics()
  const store = closing.adopt(createStore(config, log), (it) => it.close())
  const rasterizer = closing.adopt(createDocumentRasterizer(config), (it) => it.close())
  const admission = createAdmission(config.GATEWAY_MAX_QUEUED_PAGES)
  const queuedFor = (modelId: string) => admission.queuedFor(modelId)
  const upstreams = closing.adopt(createConfiguredUpstreams(config, log, queuedFor), (it) => it.close())
  const tesseractThreads = config.GATEWAY_TESSERACT_THREADS ?? availableParallelism()
  const embedded = closing.adopt(createEmbeddedEngine({ threads: tesseractThreads }), (it) => it.close())
  const slots = createPageSlots(upstreams, tesseractThreads)
  const engine = cachedEngine(createEngine(config, { metrics, store, upstreams, embedded, slots }), store)
  return {
    log,
    metrics,
    gauges: {
      upstreams: () => upstreams.status(),
      queued: () => ({
        admitted: admission.queued,
        page: slots.vllm.waiting() + slots.tesseract.waiting(),
        upstream: upstreams.waiting(),
      }),
    },
    apiKeys: config.GATEWAY_API_KEYS,
    maxBodyBytes: config.GATEWAY_MAX_BODY_BYTES,
    maxDocumentBytes: config.GATEWAY_MAX_DOCUMENT_BYTES,
    lifecycle: { draining: false },
    upstreams,
    models: createModelList(upstreams, embeddedModel()),
    ocr: {
      engine,
      metrics,
      meter: createPaceMeter(),
      log,
      rasterizationVersion: rasterizationVersion(config.GATEWAY_RASTERIZER),
      imageMediaType: config.GATEWAY_PAGE_IMAGE === null ? null : (`image/${config.GATEWAY_PAGE_IMAGE}` as const),
      cached: (pageKeys, signal) => store.has(pageKeys, signal),
      openDocument: (source, turn, signal) =>
        openDocument(source, rasterizer, { maxDocumentBytes: config.GATEWAY_MAX_DOCUMENT_BYTES, turn }, signal),
      admission,
      expectEngine: async ({ id, engine: name }, signal) => {
        if (name === 'vllm') await upstreams.expect(id, signal)
      },
      lookahead: config.GATEWAY_LOOKAHEAD + Math.ceil(config.GATEWAY_LOOKAHEAD / 4),
      maxPages: config.GATEWAY_MAX_PAGES,
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** Permission for a page to be drawn, by engine. */
type PageSlots = Readonly<Record<EndDelta['engine'], ModelSlots>>

function createPageSlots(upstreams: Upstreams, tesseractThreads: number): PageSlots {
  const vllm = createModelSlots((modelId) => {
    const pages = upstreams.capacity(modelId)
    return pages + drawnAhead(pages)
  })
  upstreams.onChange(() => vllm.refill())
  // One page more than there are threads is rasterized while they read.
  return { vllm, tesseract: createModelSlots(() => tesseractThreads + 1) }
}

interface EngineParts {
  readonly metrics: Metrics
  readonly store: PageStore
  readonly upstreams: Upstreams
  readonly embedded: EmbeddedEngine
  readonly slots: PageSlots
}

function createEngine(config: Config, { metrics, store, upstreams, embedded, slots }: EngineParts): Engine {
  // An engine that hangs costs a page one attempt, whatever time it has.
  const longestSilence = config.GATEWAY_PAGE_TIMEOUT_SECONDS / 3
  const vllm = createVllmEngine({
    upstreams,
    onWaited: (seconds) => metrics.queueSeconds.observe({ queue: 'upstream' }, seconds),
    firstTokenTimeoutSeconds: Math.min(config.GATEWAY_FIRST_TOKEN_TIMEOUT_SECONDS, longestSilence),
    idleTimeoutSeconds: Math.min(config.GATEWAY_IDLE_TIMEOUT_SECONDS, longestSilence),
    totalTimeoutSeconds: config.GATEWAY_PAGE_TIMEOUT_SECONDS,
  })
  const guarded = guardedEngine(vllm, {
    totalTimeoutSeconds: config.GATEWAY_PAGE_TIMEOUT_SECONDS,
    spare: (modelId) => (slots.vllm.waiting() > 0 ? 0 : upstreams.spare(modelId)),
    onAttempt: ({ model, reason, usage }) => {
      metrics.attempts.inc({ model, outcome: reason ?? 'accepted' })
      if (reason === null || usage === null) return
      metrics.wastedTokens.inc({ kind: 'prompt', model }, usage.promptTokens)
      metrics.wastedTokens.inc({ kind: 'completion', model }, usage.completionTokens)
    },
  })
  const tesseract = timedEngine(embedded.recognize, config.GATEWAY_PAGE_TIMEOUT_SECONDS)
  const crossCheck: CrossCheckOptions = {
    totalTimeoutSeconds: config.GATEWAY_PAGE_TIMEOUT_SECONDS,
    onCloserLook: ({ model, outcome, wasted }) => {
      metrics.closerLooks.inc({ model, outcome })
      metrics.wastedTokens.inc({ kind: 'prompt', model }, wasted?.promptTokens ?? 0)
      metrics.wastedTokens.inc({ kind: 'completion', model }, wasted?.completionTokens ?? 0)
    },
  }
  const checked = (engine: Engine) => crossCheckedEngine(tiledEngine(engine, joinTiles), crossCheck)
  const once = (engine: Engine) => inkedEngine(imageKeyedEngine(cachedEngine(checked(engine), store)))
  const limited = (engine: Engine, { slotsFor }: ModelSlots) =>
    limitedEngine(engine, {
      slotsFor,
      onWaited: (seconds) => metrics.queueSeconds.observe({ queue: 'page' }, seconds),
    })
  return routedEngine({
    vllm: limited(once(guarded), slots.vllm),
    tesseract: limited(once(tesseract), slots.tesseract),
  })
}

function createStore(config: Config, log: Log): PageStore {
  const bounds = { maxValueBytes: config.GATEWAY_CACHE_MAX_VALUE_BYTES, ttlSeconds: config.GATEWAY_CACHE_TTL_SECONDS }
  if (config.GATEWAY_REDIS_URL === null)
    return createMemoryStore({ ...bounds, maxBytes: config.GATEWAY_CACHE_MAX_BYTES })
  const claimLimitMs = config.GATEWAY_PAGE_TIMEOUT_SECONDS * 1000
  const limits = { ...bounds, claimLimitMs, commandTimeoutMs: REDIS_TIMEOUT_MS }
  return createRedisStore({ ...limits, url: config.GATEWAY_REDIS_URL, log })
}

function createDocumentRasterizer(config: Config): Rasterizer {
  return createRasterizer({
    threads: config.GATEWAY_RASTERIZE_THREADS ?? availableParallelism(),
    pageTimeoutSeconds: config.GATEWAY_RASTERIZE_TIMEOUT_SECONDS,
    openTimeoutSeconds: config.GATEWAY_RASTERIZE_TIMEOUT_SECONDS,
    maxImagePixels: config.GATEWAY_MAX_IMAGE_PIXELS,
    pdfRasterizer: config.GATEWAY_RASTERIZER,
    maxHeapMegabytes: config.GATEWAY_RASTERIZE_MEMORY_MEGABYTES,
  })
}

function createConfiguredUpstreams(config: Config, log: Log, queuedFor: (modelId: string) => number): Upstreams {
  return createUpstreams({
    urls: config.GATEWAY_UPSTREAM_URLS,
    apiKey: config.GATEWAY_UPSTREAM_API_KEY,
    refreshSeconds: REFRESH_SECONDS,
    concurrency: config.GATEWAY_UPSTREAM_CONCURRENCY,
    patienceSeconds: config.GATEWAY_UPSTREAM_PATIENCE_SECONDS,
    queuedFor,
    maxPerRequest: config.GATEWAY_LOOKAHEAD,
    connectTimeoutSeconds: CONNECT_TIMEOUT_SECONDS,
    chooseProfile: (entry) => chooseProfile(entry, config.GATEWAY_MODEL_PROFILES),
    onLog: (level, message, fields) => log[level](fields, message),
  })
}

function embeddedModel() {
  return {
    id: 'tesseract',
    root: 'tesseract',
    parent: null,
    maxModelLen: tesseractProfile.defaultMaxModelLen,
    created: 0,
    ownedBy: 'ocr-gateway',
    engine: 'tesseract' as const,
    profile: tesseractProfile,
  }
}
