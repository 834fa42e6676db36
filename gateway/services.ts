import { availableParallelism } from 'node:os'
import type { Access } from './access/access.ts'
import { createIsAllowed, type IsAllowed } from './access/client-address.ts'
import type { RateLimits } from './access/rate-limits.ts'
import type { Batch } from './batch/batch.ts'
import { createBatches, type Batches, type BatchesOptions } from './batch/batches.ts'
import { createEmbeddedPages } from './batch/embedded/pages.ts'
import { createEmbeddedQueue } from './batch/embedded/queue.ts'
import { createEmbeddedStore } from './batch/embedded/store.ts'
import { createTables } from './batch/embedded/tables.ts'
import { MAX_AT_A_TIME } from './batch/load.ts'
import { createSharedBatches } from './batch/shared-batches.ts'
import type { PageStore } from './cache/page-store.ts'
import { asksForKeys, collectorUrl, type Config } from './config/load.ts'
import { createResolve } from './document/download/resolve.ts'
import { createEmbeddedEngine, embeddedModel } from './engine/tesseract/engine.ts'
import type { Files } from './files/files.ts'
import { createSchemaThread } from './ocr/fields/schema-thread.ts'
import { createKeptReadings } from './ocr/kept-readings.ts'
import type { PageAllowance } from './access/page-allowance.ts'
import type { OcrServices } from './ocr/ocr.ts'
import { createPaceMeter } from './ocr/reading-pace.ts'
import { profileIds } from './profile/profiles.ts'
import type { Rasterizer } from './rasterizer/rasterizer.ts'
import { createPageSlots, type PageSlots } from './read/page-slots.ts'
import { createAdmission, type Admission } from './schedule/admission.ts'
import type { ByteBudget } from './schedule/byte-budget.ts'
import { createDatabase, type Database } from './store/database.ts'
import { findUnfitness } from './store/redis-fitness.ts'
import { createSharedRedis, type SharedRedis } from './store/redis.ts'
import type { NamedDocuments } from './request/context.ts'
import { createResponses, type Responses } from './responses/responses.ts'
import { createStatus, type Status } from './status/status.ts'
import type { GaugeSources } from './telemetry/gauges.ts'
import { createLog, type Log } from './telemetry/log.ts'
import { createMetrics, type Metrics } from './telemetry/metrics.ts'
import { createTracer, type Tracer } from './telemetry/tracer.ts'
import type { UsageMeter } from './usage/meter.ts'
import { createModelList, type ModelList, type RoutingOptions } from './upstream/model-list.ts'
import type { Upstreams } from './upstream/upstreams.ts'
import { endEvent } from './webhook/event.ts'
import { targetProblem } from './webhook/target.ts'
import { createWebhooks, type Webhooks } from './webhook/webhooks.ts'
import { createConfiguredAccess, keysFileProblems } from './wiring/access.ts'
import { createBlobs, createStoredFiles, type FileParts } from './wiring/files.ts'
import { createBodyBudget, createConfiguredDownloads, namedDocuments } from './wiring/documents.ts'
import { createConfiguredConvert } from './wiring/gotenberg.ts'
import { createConfiguredSamples, samplesProblems } from './wiring/samples.ts'
import { statusSources } from './wiring/status.ts'
import { createConfiguredUsage } from './wiring/usage.ts'
import { version } from './wiring/version.ts'
import {
  createConfiguredUpstreams,
  createDocumentRasterizer,
  createOcrServices,
  createShares,
  createStore,
} from './wiring/reading.ts'

/** Every long-lived object, as the routes see them. */
export interface Services extends AsyncDisposable {
  readonly log: Log
  /** The version of the gateway. */
  readonly version: string
  readonly metrics: Metrics
  readonly tracer: Tracer
  readonly gauges: GaugeSources
  /** How the gateway does, for its operator. */
  readonly status: Status
  /** Counts what callers use. */
  readonly usage: UsageMeter
  /** Who may ask. */
  readonly access: Access
  /** How much callers may ask for by the minute. */
  readonly limits: RateLimits
  /** Which clients are answered, by their addresses. */
  readonly isAllowed: IsAllowed
  /** What shows how the gateway does: the key that it asks for, and whether it has a port of its own. */
  readonly inside: { readonly key: string | null; readonly hasPort: boolean }
  /** Origins whose pages may call the gateway from browsers. */
  readonly corsOrigins: readonly string[]
  /** Under which names and from which pages a gateway without keys is used; null: it has keys. */
  readonly anonymous: AnonymousAccess | null
  readonly maxBodyBytes: number
  readonly bodyBudget: ByteBudget
  readonly bodyIdleSeconds: number
  readonly maxDocumentBytes: number
  /** Whether Office documents, HTML and mail are converted. */
  readonly readsOffice: boolean
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
  readonly batches: Batches
  /** Null: nobody is told of anything. */
  readonly webhooks: Webhooks | null
}

/** Returns the problems of a configuration that the rules of its single variables cannot find. */
export function configurationProblems(config: Config): string[] {
  const unknown = [...config.GATEWAY_MODEL_PROFILES.values()].filter((profile) => !profileIds().includes(profile))
  return [
    ...unknown.map(
      (profile) => `GATEWAY_MODEL_PROFILES names the profile ${profile}; the profiles are ${profileIds().join(', ')}`,
    ),
    ...keysFileProblems(config),
    ...storageProblems(config),
    ...webhookProblems(config),
    ...samplesProblems(config),
  ]
}

function storageProblems(config: Config): string[] {
  if (config.GATEWAY_S3_BUCKET !== null && config.GATEWAY_SHARED_DIR !== null)
    return ['GATEWAY_S3_BUCKET and GATEWAY_SHARED_DIR are both set: files are in a bucket, or in a folder']
  if (config.GATEWAY_S3_BUCKET === null && config.GATEWAY_S3_ENDPOINT !== null)
    return ['GATEWAY_S3_ENDPOINT is set without GATEWAY_S3_BUCKET: say which bucket']
  return []
}

function webhookProblems({ GATEWAY_WEBHOOK_URL: url, GATEWAY_ALLOWED_URL_HOSTS: listed }: Config): string[] {
  const problem = url === null ? null : targetProblem(url, listed)
  return problem === null ? [] : [`GATEWAY_WEBHOOK_URL ${problem}`]
}

/** What is decided for a gateway, and is no setting. */
export interface ServicesOptions {
  /** Without Redis, the cache is in the data folder: for a process that may be killed, and goes on when it is started again. */
  readonly keepsPages?: boolean
  /** How long a window of the limits by the minute is, in milliseconds: tests have no minutes. */
  readonly windowMs?: number
  /** Fires when no page is to be begun any more; those that an engine has taken are finished, and kept. */
  readonly leaving?: AbortSignal
}

/** Builds every long-lived object once, in the order of dependencies; disposing closes them in reverse. */
export function createServices(
  config: Config,
  { keepsPages = false, windowMs = 60_000, leaving }: ServicesOptions = {},
): Services {
  const closing = new AsyncDisposableStack()
  const log = createLog({ level: config.GATEWAY_LOG_LEVEL, format: config.GATEWAY_LOG_FORMAT })
  const metrics = createMetrics()
  const tracer = closing.adopt(createConfiguredTracer(config, log), (it) => it.close())
  const store = closing.adopt(createStore(config, log, keepsPages), (it) => it.close())
  const rasterizer = closing.adopt(createDocumentRasterizer(config), (it) => it.close())
  const database = closing.adopt(createDatabase(config.GATEWAY_DATA_DIR), (it) => it.close())
  const shared = closing.adopt(createShared(config, log), async (it) => it?.close())
  const asking = createConfiguredAccess(config, { database, shared, log, metrics, windowMs })
  const { access, limits, allowance } = closing.adopt(asking, (it) => it.close())
  const usage = closing.adopt(createConfiguredUsage(config, { access, database, shared, log }), (it) => it.close())
  const files = closing.use(createStoredFiles(config, { database, shared, log }))
  const telling = createConfiguredWebhooks(config, { database, shared, log, metrics })
  const webhooks = closing.adopt(telling, async (it) => it?.close())
  const admission = createAdmission(config.GATEWAY_MAX_QUEUED_PAGES)
  const unsentFor = (modelId: string) => admission.unsentFor(modelId)
  const shares = closing.adopt(createShares(shared), (it) => it.close())
  const upstreams = closing.adopt(createConfiguredUpstreams(config, { log, shares, unsentFor }), (it) => it.close())
  const tesseractThreads = config.GATEWAY_TESSERACT_THREADS ?? availableParallelism()
  const embedded = closing.adopt(createEmbeddedEngine({ threads: tesseractThreads }), (it) => it.close())
  const slots = createSlots(upstreams, tesseractThreads)
  const meter = createPaceMeter()
  const kept = closing.adopt(createKeptReadings(), (it) => it.close())
  const schemas = closing.adopt(createSchemaThread(), (it) => it.close())
  const bodyBudget = createBodyBudget(config)
  const lifecycle = { draining: false }
  const models = createModelList(upstreams, embeddedModel, routing(config))
  const convert = createConfiguredConvert(config, { log, metrics, bodyBudget })
  const samples = closing.adopt(createConfiguredSamples(config, { log, metrics }), async (it) => it?.close())
  const read = { slots, meter, rasterizer, convert, samples, admission, allowance, kept, schemas, leaving }
  const parts = { log, metrics, usage, tracer, store, upstreams, embedded, ...read }
  const ocr = createOcrServices(config, parts)
  const responses = closing.adopt(
    createKeptResponses(config, { log, metrics, lifecycle, database, ocr, models, webhooks, access }),
    (it) => it.close(),
  )
  const named = namedDocuments(files, createConfiguredDownloads(config, { log, metrics, bodyBudget }))
  const rules = { access, usage, limits, ...accessRules(config) }
  const served = { lifecycle, bodyBudget, named, responses, models, upstreams }
  const common = { log, metrics, tracer, ...served, ...rules }
  const batches = closing.adopt(
    createConfiguredBatches(config, { ...common, allowance, database, shared, webhooks, files, ocr, tesseractThreads }),
    (it) => it.close(),
  )
  const gauges = gaugeSources(config, { ...parts, files, webhooks })
  const status = closing.use(createStatus(statusSources(config, { ...parts, gauges, lifecycle, batches, keepsPages })))
  const own = { gauges, status, database, files, ocr, batches, webhooks, readsOffice: convert !== null }
  return {
    ...common,
    ...own,
    version,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

function createConfiguredTracer(config: Config, log: Log): Tracer {
  return createTracer({ url: collectorUrl(config), serviceName: config.OTEL_SERVICE_NAME, log })
}

function routing(config: Config): RoutingOptions {
  return { escalationModel: config.GATEWAY_ESCALATION_MODEL, easyPages: config.GATEWAY_AUTO_EASY_PAGES }
}

function createSlots(upstreams: Upstreams, tesseractThreads: number): PageSlots {
  return createPageSlots({
    capacityOf: (modelId) => upstreams.capacity(modelId),
    onCapacityChange: (listener) => upstreams.onChange(listener),
    tesseractThreads,
  })
}

/** The share of the queue of pages that batches may take together: who waits for an answer takes the rest. */
const SHARE_OF_BATCHES = 0.5

interface BatchParts
  extends
    FileParts,
    Pick<
      Services,
      | 'metrics'
      | 'lifecycle'
      | 'bodyBudget'
      | 'named'
      | 'responses'
      | 'models'
      | 'upstreams'
      | 'webhooks'
      | 'access'
      | 'usage'
      | 'limits'
    >,
    Pick<Services, 'files' | 'ocr' | 'maxBodyBytes' | 'maxDocumentBytes' | 'textChats'> {
  readonly allowance: PageAllowance
  readonly tesseractThreads: number
}

function createConfiguredBatches(config: Config, parts: BatchParts): Batches {
  const { database, shared, webhooks, log, files, ocr, models, responses, upstreams, tesseractThreads, ...rest } = parts
  return createBatches({
    ...rest,
    ...createBatchParts(config, { database, shared, lifecycle: rest.lifecycle, log }),
    log,
    files: files.store,
    ocr: { ...ocr, admission: ocr.admission.within(SHARE_OF_BATCHES) },
    onEnded: tellOfBatches(webhooks),
    ...modelFinder(models),
    isServed: (name) => models.list().some(({ id }) => id === name),
    earlier: (id, key) => responses.documents(id, key),
    forward: (request, signal) => upstreams.forward(request, signal),
    capacity: () => upstreams.status().reduce((sum, { limit }) => sum + limit, tesseractThreads),
  })
}

/** Where batches are kept, and what is to be done for them: in Redis where replicas share it, else in the database. */
function createBatchParts(
  config: Config,
  { database, shared, lifecycle, log }: FileParts & Pick<Services, 'lifecycle'>,
): Pick<BatchesOptions, 'store' | 'queue' | 'blobs' | 'pages'> {
  const blobs = createBlobs(config, 'batches')
  // A cache in Redis outlives this process: pages need not be kept a second time.
  if (shared !== null) {
    return { ...createSharedBatches({ shared, blobs, lines: MAX_AT_A_TIME, lifecycle, log }), blobs, pages: null }
  }
  const tables = createTables(database)
  return {
    store: createEmbeddedStore(tables),
    queue: createEmbeddedQueue(tables, (error) => log.error({ err: error }, 'leases of batches were not renewed')),
    blobs,
    pages: createEmbeddedPages(tables),
  }
}

/** Who may ask, and for how much. */
function accessRules(config: Config) {
  return {
    isAllowed: createIsAllowed(config.GATEWAY_ALLOWED_IPS, config.GATEWAY_TRUSTED_PROXIES),
    inside: { key: config.GATEWAY_METRICS_KEY, hasPort: config.GATEWAY_METRICS_PORT !== null },
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

function tellOfBatches(webhooks: Webhooks | null): (batch: Batch) => Promise<void> {
  return async ({ id, owner, status, times }) => {
    const isEnd = status === 'completed' || status === 'failed' || status === 'expired' || status === 'cancelled'
    const endedAt = isEnd ? times[status] : null
    if (isEnd && endedAt !== null) {
      await webhooks?.tell([endEvent(`batch.${status}`, { id, owner, endedAt: endedAt * 1000 })])
    }
  }
}

function createKeptResponses(
  config: Config,
  {
    models,
    webhooks,
    ...parts
  }: Pick<Services, 'log' | 'metrics' | 'lifecycle' | 'database' | 'ocr' | 'models' | 'webhooks' | 'access'>,
): Responses {
  return createResponses({
    ...parts,
    dataDir: config.GATEWAY_DATA_DIR,
    ...modelFinder(models),
    onEnded:
      webhooks === null ? null : (ends) => webhooks.tell(ends.map((end) => endEvent(`response.${end.status}`, end))),
  })
}

function createConfiguredWebhooks(
  { GATEWAY_WEBHOOK_URL: url, GATEWAY_WEBHOOK_SECRET: secrets, GATEWAY_ALLOWED_URL_HOSTS: listed }: Config,
  parts: {
    readonly database: Database
    readonly shared: SharedRedis | null
    readonly log: Log
    readonly metrics: Metrics
  },
): Webhooks | null {
  return url === null ? null : createWebhooks({ ...parts, url, secrets, listed, resolve: createResolve() })
}

/** Finds the models that a caller may name, where there is no request over HTTP. */
function modelFinder(models: ModelList): Pick<BatchesOptions, 'findModel' | 'findReferee'> {
  return {
    findModel: (name, signal, { models: names }, second) => models.only(names).find(name, signal, second),
    findReferee: (main, signal, { models: names }) => models.only(names).findReferee(main, signal),
  }
}

/** Opens the connection to what replicas share beside the cache; null where there is no Redis. */
function createShared({ GATEWAY_REDIS_URL: url }: Config, log: Log): SharedRedis | null {
  if (url === null) return null
  const shared = createSharedRedis({
    url,
    onError: ({ message: reason }) => log.warn({ reason }, 'the Redis of files and batches does not answer'),
  })
  void findUnfitness(shared).then((problems) => problems.forEach((problem) => log.warn(problem)))
  return shared
}

interface GaugedParts {
  readonly upstreams: Upstreams
  readonly admission: Admission
  readonly slots: PageSlots
  readonly files: Pick<Files, 'usage'>
  readonly webhooks: Webhooks | null
  readonly rasterizer: Rasterizer
  readonly store: PageStore
}

function gaugeSources(
  config: Config,
  { upstreams, admission, slots, files, webhooks, rasterizer, store }: GaugedParts,
): GaugeSources {
  return {
    storedBytesLimit: config.GATEWAY_MAX_STORED_BYTES,
    dataFolder: config.GATEWAY_SHARED_DIR ?? config.GATEWAY_DATA_DIR,
    drawing: () => rasterizer.load(),
    isRedisUp: () => store.isUp?.() ?? null,
    events: () => webhooks?.backlog ?? { waiting: 0, oldestAt: null },
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
  if (asksForKeys(config)) return null
  const { GATEWAY_HOST: host, GATEWAY_ALLOW_ANONYMOUS: anyHost, GATEWAY_CORS_ORIGINS: corsOrigins } = config
  return { host, anyHost, corsOrigins }
}
