import { availableParallelism } from 'node:os'
import { createDiskStore } from './cache/disk-store.ts'
import { createMemoryStore } from './cache/memory-store.ts'
import type { PageStore } from './cache/page-store.ts'
import { createRedisStore } from './cache/redis-store.ts'
import type { Config } from './config/load.ts'
import type { ApiKey } from './config/variables.ts'
import { createDownloads } from './document/download/downloads.ts'
import { createResolve } from './document/download/resolve.ts'
import { openDocuments } from './document/portfolio.ts'
import { createEmbeddedEngine, embeddedModel, type EmbeddedEngine } from './engine/tesseract/engine.ts'
import { answerLimits } from './engine/vllm/answer-limits.ts'
import { createVllmEngine } from './engine/vllm/engine.ts'
import { createFiles, type Files } from './files/files.ts'
import { createKeptReadings, type KeptReadings } from './ocr/kept-readings.ts'
import { pagesBegun } from './ocr/lookahead.ts'
import { observeAttempts, observeReading } from './ocr/observe-reading.ts'
import type { OcrServices } from './ocr/ocr.ts'
import { createPaceMeter, type PaceMeter } from './ocr/reading-pace.ts'
import { chooseProfile, profileIds } from './profile/profiles.ts'
import { createRasterizer, type Rasterizer } from './rasterizer/pool.ts'
import { rasterizationVersion } from './rasterizer/version.ts'
import { createSingleAsk } from './read/ask.ts'
import { createGuard } from './read/guard/guard.ts'
import { createOnce } from './read/once.ts'
import { createPageSlots, spareAttempts, type PageSlots } from './read/page-slots.ts'
import type { ReadServices } from './read/read-page.ts'
import { createAdmission, type Admission } from './schedule/admission.ts'
import { createByteBudget, type ByteBudget } from './schedule/byte-budget.ts'
import { createDatabase, type Database } from './store/database.ts'
import type { NamedDocuments } from './request/context.ts'
import { refuseDownload } from './request/no-downloads.ts'
import { createResponses, type Responses } from './responses/responses.ts'
import type { GaugeSources } from './telemetry/gauges.ts'
import { createLog, type Log } from './telemetry/log.ts'
import { createMetrics, type Metrics } from './telemetry/metrics.ts'
import { createModelList, type ModelList } from './upstream/model-list.ts'
import { createUpstreams, type Upstreams } from './upstream/upstreams.ts'

/** Every long-lived object, as the routes see them. */
export interface Services extends AsyncDisposable {
  readonly log: Log
  readonly metrics: Metrics
  readonly gauges: GaugeSources
  readonly apiKeys: readonly ApiKey[]
  /** Origins whose pages may call the gateway from browsers. */
  readonly corsOrigins: readonly string[]
  /** Under which names and from which pages a gateway without keys is used; null: it has keys. */
  readonly anonymous: AnonymousAccess | null
  readonly maxBodyBytes: number
  readonly bodyBudget: ByteBudget
  readonly bodyIdleSeconds: number
  readonly maxDocumentBytes: number
  readonly textChats: { readonly areRefused: boolean; readonly maxTokens: number | null }
  /** `draining` is set once, when the gateway stops. */
  readonly lifecycle: { draining: boolean }
  readonly upstreams: Upstreams
  readonly models: ModelList
  /** Documents that a request of a key may name. */
  readonly named: (key: string | null) => NamedDocuments
  /** What must survive a restart. */
  readonly database: Database
  /** What clients have uploaded. */
  readonly files: Files
  readonly ocr: OcrServices
  readonly responses: Responses
}

const CONNECT_TIMEOUT_SECONDS = 10
const REFRESH_SECONDS = 10
/** A cache that takes longer than this costs more than it saves. */
const REDIS_TIMEOUT_MS = 300

/** Returns the problems of a configuration that the rules of its single variables cannot find. */
export function configurationProblems({ GATEWAY_MODEL_PROFILES: pins }: Config): string[] {
  const unknown = [...pins.values()].filter((profile) => !profileIds().includes(profile))
  return unknown.map(
    (profile) => `GATEWAY_MODEL_PROFILES names the profile ${profile}; the profiles are ${profileIds().join(', ')}`,
  )
}

/** What is decided for a gateway, and is no setting. */
export interface ServicesOptions {
  /** Without Redis, the cache is in the data folder: for a process that may be killed, and goes on when it is started again. */
  readonly keepsPages?: boolean
}

/** Builds every long-lived object once, in the order of dependencies; disposing closes them in reverse. */
export function createServices(config: Config, { keepsPages = false }: ServicesOptions = {}): Services {
  const closing = new AsyncDisposableStack()
  const log = createLog({ level: config.GATEWAY_LOG_LEVEL, format: config.GATEWAY_LOG_FORMAT })
  const metrics = createMetrics()
  const store = closing.adopt(createStore(config, log, keepsPages), (it) => it.close())
  const rasterizer = closing.adopt(createDocumentRasterizer(config), (it) => it.close())
  const database = closing.adopt(createDatabase(config.GATEWAY_DATA_DIR), (it) => it.close())
  const files = closing.use(createStoredFiles(config, database, log))
  const admission = createAdmission(config.GATEWAY_MAX_QUEUED_PAGES)
  const queuedFor = (modelId: string) => admission.queuedFor(modelId)
  const upstreams = closing.adopt(createConfiguredUpstreams(config, log, queuedFor), (it) => it.close())
  const tesseractThreads = config.GATEWAY_TESSERACT_THREADS ?? availableParallelism()
  const embedded = closing.adopt(createEmbeddedEngine({ threads: tesseractThreads }), (it) => it.close())
  const slots = createPageSlots({
    capacityOf: (modelId) => upstreams.capacity(modelId),
    onCapacityChange: (listener) => upstreams.onChange(listener),
    tesseractThreads,
  })
  const meter = createPaceMeter()
  const kept = closing.adopt(createKeptReadings(), (it) => it.close())
  const bodyBudget = createBodyBudget(config)
  const lifecycle = { draining: false }
  const models = createModelList(upstreams, embeddedModel)
  const parts = { log, metrics, store, upstreams, embedded, slots, meter, rasterizer, admission, kept }
  const ocr = createOcrServices(config, parts)
  const responses = closing.adopt(
    createResponses({
      dataDir: config.GATEWAY_DATA_DIR,
      database,
      ocr,
      findModel: (name, signal) => models.find(name, signal),
      log,
      metrics,
      lifecycle,
    }),
    (it) => it.close(),
  )
  return {
    log,
    metrics,
    gauges: gaugeSources(upstreams, admission, slots, files),
    ...accessRules(config),
    bodyBudget,
    lifecycle,
    upstreams,
    models,
    named: namedDocuments(files, createConfiguredDownloads(config, { log, metrics, bodyBudget })),
    database,
    files,
    ocr,
    responses,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** Who may ask, and for how much. */
function accessRules(config: Config) {
  return {
    apiKeys: config.GATEWAY_API_KEYS,
    corsOrigins: config.GATEWAY_CORS_ORIGINS,
    anonymous: anonymousAccess(config),
    maxBodyBytes: config.GATEWAY_MAX_BODY_BYTES,
    bodyIdleSeconds: config.GATEWAY_BODY_IDLE_SECONDS,
    maxDocumentBytes: config.GATEWAY_MAX_DOCUMENT_BYTES,
    textChats: {
      areRefused: config.GATEWAY_TEXT_CHATS === 'refuse',
      maxTokens: config.GATEWAY_TEXT_CHAT_MAX_TOKENS,
    },
  }
}

function createBodyBudget(config: Config): ByteBudget {
  return createByteBudget({
    bytes: config.GATEWAY_MAX_BUFFERED_BYTES,
    largest: largestBuffered(config),
    isShared: config.GATEWAY_API_KEYS.length > 1,
  })
}

/** The most that the documents of one request take: as large as a body, or as one document that is downloaded. */
function largestBuffered(config: Config): number {
  return Math.max(config.GATEWAY_MAX_BODY_BYTES, config.GATEWAY_ALLOW_URLS ? config.GATEWAY_MAX_DOCUMENT_BYTES : 0)
}

/** As long as a body may take to arrive. */
const MAX_DOWNLOAD_SECONDS = 300

/** Returns what makes the downloads of a request, by the name of its key; null where no address is fetched. */
function createConfiguredDownloads(
  config: Config,
  { log, metrics, bodyBudget }: Pick<Services, 'log' | 'metrics' | 'bodyBudget'>,
): ReturnType<typeof createDownloads> | null {
  if (!config.GATEWAY_ALLOW_URLS) return null
  return createDownloads({
    listed: config.GATEWAY_ALLOWED_URL_HOSTS,
    resolve: createResolve(),
    maxDocumentBytes: config.GATEWAY_MAX_DOCUMENT_BYTES,
    maxRequestBytes: largestBuffered(config),
    budget: bodyBudget,
    idleSeconds: config.GATEWAY_BODY_IDLE_SECONDS,
    maxSeconds: MAX_DOWNLOAD_SECONDS,
    onEnd({ outcome, ...download }) {
      metrics.downloads.inc({ outcome })
      log[outcome === 'ok' ? 'debug' : 'info']({ outcome, ...download }, 'download ended')
    },
  })
}

/** A signed address of this gateway's own is a stored file, whatever its host: it is not fetched. */
function namedDocuments({ named }: Files, downloads: ReturnType<typeof createConfiguredDownloads>): Services['named'] {
  return (key) => {
    const at = downloads?.(key) ?? refuseDownload
    return {
      stored: async (id, facts) => named.stored(key ?? '', id, facts),
      at: async (address, facts) => (await named.signed(address, facts)) ?? at(address, facts),
    }
  }
}

function createStoredFiles(config: Config, database: Database, log: Log): Files {
  return createFiles(database, {
    dataDir: config.GATEWAY_DATA_DIR,
    ttlSeconds: config.GATEWAY_FILE_TTL_SECONDS,
    maxBytes: config.GATEWAY_MAX_STORED_BYTES,
    isShared: config.GATEWAY_API_KEYS.length > 1,
    maxDocumentBytes: config.GATEWAY_MAX_DOCUMENT_BYTES,
    idleSeconds: config.GATEWAY_BODY_IDLE_SECONDS,
    onError: (error) => log.error({ err: error }, 'files whose time is over could not be removed'),
  })
}

function gaugeSources(
  upstreams: Upstreams,
  admission: Admission,
  slots: PageSlots,
  files: Pick<Files, 'usage'>,
): GaugeSources {
  return {
    stored: () => files.usage(),
    upstreams: () => upstreams.status(),
    queued: () => ({
      admitted: admission.queued,
      page: slots.vllm.waiting() + slots.tesseract.waiting(),
      upstream: upstreams.waiting(),
    }),
  }
}

/** How a gateway without keys may be reached. */
interface AnonymousAccess {
  readonly host: string
  /** Under any name, as on a network. */
  readonly anyHost: boolean
  readonly corsOrigins: readonly string[]
}

function anonymousAccess(config: Config): AnonymousAccess | null {
  if (config.GATEWAY_API_KEYS.length > 0) return null
  const { GATEWAY_HOST: host, GATEWAY_ALLOW_ANONYMOUS: anyHost, GATEWAY_CORS_ORIGINS: corsOrigins } = config
  return { host, anyHost, corsOrigins }
}

interface OcrParts extends ReadParts {
  readonly log: Log
  readonly rasterizer: Rasterizer
  readonly admission: Admission
  readonly kept: KeptReadings
}

function createOcrServices(config: Config, parts: OcrParts): OcrServices {
  const { log, metrics, store, upstreams, meter, rasterizer, admission, kept } = parts
  return {
    reading: createReadServices(config, parts),
    metrics,
    meter,
    log,
    rasterizationVersion: rasterizationVersion(config.GATEWAY_RASTERIZER),
    imageMediaType: config.GATEWAY_PAGE_IMAGE === null ? null : (`image/${config.GATEWAY_PAGE_IMAGE}` as const),
    cachePartition: { salt: config.GATEWAY_CACHE_SALT, scope: config.GATEWAY_CACHE_SCOPE },
    cached: (pageKeys, signal) => store.has(pageKeys, signal),
    openDocuments: (source, turn, signal) =>
      openDocuments(source, rasterizer, { maxDocumentBytes: config.GATEWAY_MAX_DOCUMENT_BYTES, turn }, signal),
    admission,
    expectEngine: async ({ id, engine: name }, signal) => {
      if (name === 'vllm') await upstreams.expect(id, signal)
    },
    lookahead: pagesBegun(config.GATEWAY_LOOKAHEAD),
    maxPages: config.GATEWAY_MAX_PAGES,
    kept,
    keepsAnswers: config.GATEWAY_REDIS_URL !== null || config.GATEWAY_CACHE_MAX_BYTES > 0,
  }
}

interface ReadParts {
  readonly metrics: Metrics
  readonly store: PageStore
  readonly upstreams: Upstreams
  readonly embedded: EmbeddedEngine
  readonly slots: PageSlots
  readonly meter: PaceMeter
}

function createReadServices(
  config: Config,
  { metrics, store, upstreams, embedded, slots, meter }: ReadParts,
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
  const { onAttempt, onCloserLook } = observeAttempts(metrics)
  const spare = spareAttempts(slots, (modelId) => upstreams.spare(modelId))
  return {
    once: createOnce(store),
    slots,
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

function createStore(config: Config, log: Log, keepsPages: boolean): PageStore {
  const bounds = { maxValueBytes: config.GATEWAY_CACHE_MAX_VALUE_BYTES, ttlSeconds: config.GATEWAY_CACHE_TTL_SECONDS }
  if (config.GATEWAY_REDIS_URL === null && keepsPages) return createDiskStore(config.GATEWAY_DATA_DIR, bounds)
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
    maxPageMegabytes: config.GATEWAY_RASTERIZE_MEMORY_MEGABYTES,
    maxFileBytes: config.GATEWAY_MAX_DOCUMENT_BYTES,
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
