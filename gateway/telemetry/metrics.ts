import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { createRecent } from './recent.ts'

const STAGE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]

/** With an edge at the 1.5 s that alerts.yml asks for: between edges a quantile is a guess. */
const PAGE_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 120, 300, 600]

/**
 * Builds the gateway's metrics in their own registry. Each name is written here, once, and nowhere else. Labels come from
 * closed sets: routes as they are declared, models as they are served.
 */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    /** What happened lately, for the status page. */
    recent: createRecent(),
    ...requestMetrics(registers),
    ...accessMetrics(registers),
    ...pageMetrics(registers),
    ...attemptMetrics(registers),
    ...upstreamMetrics(registers),
    ...downloadMetrics(registers),
    ...sampleMetrics(registers),
    ...placeMetrics(registers),
    ...fileMetrics(registers),
    ...batchMetrics(registers),
    ...webhookMetrics(registers),
  }
}

/** The gateway's metrics, as `createMetrics` builds them. */
export type Metrics = ReturnType<typeof createMetrics>

function requestMetrics(registers: Registry[]) {
  return {
    requests: new Counter({
      name: 'ocr_gateway_requests_total',
      help: 'HTTP requests answered, by route and status. 499: the client left first.',
      labelNames: ['route', 'status'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'ocr_gateway_request_duration_seconds',
      help: 'Seconds from the request to the end of its answer, streams included.',
      labelNames: ['route'],
      buckets: STAGE_BUCKETS,
      registers,
    }),
    requestsInFlight: new Gauge({
      name: 'ocr_gateway_requests_in_flight',
      help: 'HTTP requests being answered now.',
      registers,
    }),
    connections: new Gauge({
      name: 'ocr_gateway_connections',
      help: 'Connections of clients that are open now.',
      registers,
    }),
    errors: new Counter({
      name: 'ocr_gateway_errors_total',
      help: 'Errors answered to clients and pages failed, by error code.',
      labelNames: ['code'],
      registers,
    }),
  }
}

function accessMetrics(registers: Registry[]) {
  return {
    rateLimited: new Counter({
      name: 'ocr_gateway_rate_limited_total',
      help: 'Requests refused because their caller has used up its limit by the minute: requests, pages.',
      labelNames: ['limit'],
      registers,
    }),
    limitsAlone: new Counter({
      name: 'ocr_gateway_limits_unshared_total',
      help: 'Looks at a limit by the minute that this gateway counted for itself, because Redis did not answer.',
      registers,
    }),
    keysFileBroken: new Gauge({
      name: 'ocr_gateway_keys_file_broken',
      help: '1 while the keys file is broken, and the keys that it had before are in use; else 0.',
      registers,
    }),
  }
}

function pageMetrics(registers: Registry[]) {
  return {
    pages: new Counter({
      name: 'ocr_gateway_pages_total',
      help: 'Pages ended, by status (ok, repaired, fallback, blank, failed, pending), model, the name of the key (jwt: any token; none: there are no keys) and the media type of the document.',
      labelNames: ['status', 'model', 'key', 'format'],
      registers,
    }),
    pageRoutes: new Counter({
      name: 'ocr_gateway_page_routes_total',
      help: 'Pages ended of requests that route pages (model auto, ocr.fallback_model, ocr.verify), by where their text is from: easy_layer, easy_tesseract (easy pages, without the GPU), main, escalated, fallback (another model, as the page was hard). verified: pages that a second model has read too.',
      labelNames: ['route'],
      registers,
    }),
    pageSeconds: new Histogram({
      name: 'ocr_gateway_page_duration_seconds',
      help: 'Seconds from looking a page up to its result, all waits and attempts included, by lane (interactive, batch) and what the cache knew of it (hit, miss, joined, off).',
      labelNames: ['lane', 'cache'],
      buckets: PAGE_BUCKETS,
      registers,
    }),
    pageWarnings: new Counter({
      name: 'ocr_gateway_page_warnings_total',
      help: 'What makes the text of pages less certain, by the code of the warning; text_disagrees: the page has text that the answer lacks.',
      labelNames: ['code'],
      registers,
    }),
    pagesInFlight: new Gauge({
      name: 'ocr_gateway_pages_in_flight',
      help: 'Pages being read now: looked up, waiting for a slot, rasterized or at an engine.',
      registers,
    }),
    cache: new Counter({
      name: 'ocr_gateway_cache_lookups_total',
      help: 'Pages by what the cache knew of them: hit, miss, joined (it was being computed already), off.',
      labelNames: ['result'],
      registers,
    }),
    stageSeconds: new Histogram({
      name: 'ocr_gateway_stage_duration_seconds',
      help: 'Seconds that a stage took: rasterize (waiting for a drawer included), engine (from the drawn page to its answer, all attempts and waits included), first_token (one attempt, from the request to vLLM until its first text).',
      labelNames: ['stage'],
      buckets: STAGE_BUCKETS,
      registers,
    }),
    queueSeconds: new Histogram({
      name: 'ocr_gateway_queue_wait_seconds',
      help: 'Seconds a page waited for its turn, by queue: page (before it is drawn), upstream (drawn, for room at one).',
      labelNames: ['queue'],
      buckets: STAGE_BUCKETS,
      registers,
    }),
    queuedPages: new Gauge({
      name: 'ocr_gateway_queued_pages',
      help: 'Pages waiting for their turn now, by queue: admitted (all that are let in and not read yet), page, upstream.',
      labelNames: ['queue'],
      registers,
    }),
  }
}

function attemptMetrics(registers: Registry[]) {
  return {
    attempts: new Counter({
      name: 'ocr_gateway_attempts_total',
      help: 'Attempts at pages, by model and outcome: accepted, or why one did not count (loop: cut while it streamed).',
      labelNames: ['model', 'outcome'],
      registers,
    }),
    closerLooks: new Counter({
      name: 'ocr_gateway_closer_looks_total',
      help: 'Pages asked for once more with a closer image, as much of their text layer was missing, by model and outcome: better, no_better, failed.',
      labelNames: ['model', 'outcome'],
      registers,
    }),
    tokens: new Counter({
      name: 'ocr_gateway_tokens_total',
      help: 'Tokens counted by the engines, by kind (prompt, completion) and model. Cached pages cost none.',
      labelNames: ['kind', 'model'],
      registers,
    }),
    wastedTokens: new Counter({
      name: 'ocr_gateway_wasted_tokens_total',
      help: 'Tokens of attempts that did not count, by kind and model; estimated where a loop was cut.',
      labelNames: ['kind', 'model'],
      registers,
    }),
  }
}

function upstreamMetrics(registers: Registry[]) {
  return {
    upstreamInFlight: new Gauge({
      name: 'ocr_gateway_upstream_in_flight',
      help: 'Pages and forwarded requests at an upstream now.',
      labelNames: ['upstream'],
      registers,
    }),
    upstreamLimit: new Gauge({
      name: 'ocr_gateway_upstream_limit',
      help: 'Most pages that an upstream is sent at a time by all replicas, found out or set. First pages of requests go beyond one that was found out.',
      labelNames: ['upstream'],
      registers,
    }),
    upstreamPart: new Gauge({
      name: 'ocr_gateway_upstream_part',
      help: 'Most pages that this gateway sends an upstream at a time: its part of the limit, where replicas share it.',
      labelNames: ['upstream'],
      registers,
    }),
    upstreamLanes: new Gauge({
      name: 'ocr_gateway_upstream_lane_pages',
      help: 'Pages of this gateway at an upstream now, by lane: interactive, batch.',
      labelNames: ['upstream', 'lane'],
      registers,
    }),
    upstreamUp: new Gauge({
      name: 'ocr_gateway_upstream_up',
      help: '1 while an upstream answers and serves a model, else 0.',
      labelNames: ['upstream'],
      registers,
    }),
    upstreamHeldBack: new Gauge({
      name: 'ocr_gateway_upstream_held_back',
      help: '1 while an upstream is sent no more pages, as its KV cache is fuller than GATEWAY_MAX_KV_CACHE_USAGE; else 0.',
      labelNames: ['upstream'],
      registers,
    }),
    ...serverMetrics(registers),
    upstreamBreaker: new Gauge({
      name: 'ocr_gateway_upstream_breaker',
      help: '1 for the state that the breaker of an upstream is in: closed, half-open, open.',
      labelNames: ['upstream', 'state'],
      registers,
    }),
  }
}

/** What vLLM says of itself, so that one scrape shows both sides. */
function serverMetrics(registers: Registry[]) {
  return {
    upstreamRunning: new Gauge({
      name: 'ocr_gateway_upstream_server_running',
      help: 'Requests that vLLM says it runs, those of others included (vllm:num_requests_running), as it was asked last: at least every 10 seconds.',
      labelNames: ['upstream'],
      registers,
    }),
    upstreamWaiting: new Gauge({
      name: 'ocr_gateway_upstream_server_waiting',
      help: 'Requests that vLLM says wait in it (vllm:num_requests_waiting); those that it still preprocesses are left out.',
      labelNames: ['upstream'],
      registers,
    }),
    upstreamKvCache: new Gauge({
      name: 'ocr_gateway_upstream_server_kv_cache_usage',
      help: 'Share of its KV cache that vLLM says is used, of its fullest engine: 0 to 1 (vllm:kv_cache_usage_perc, or vllm:gpu_cache_usage_perc).',
      labelNames: ['upstream'],
      registers,
    }),
    upstreamPreemptions: new Counter({
      name: 'ocr_gateway_upstream_server_preemptions_total',
      help: 'Requests that vLLM has interrupted for want of KV cache since it was started (vllm:num_preemptions).',
      labelNames: ['upstream'],
      registers,
    }),
  }
}

/** What the process has and takes, beside the default metrics. */
function placeMetrics(registers: Registry[]) {
  return {
    drawers: new Gauge({
      name: 'ocr_gateway_drawers',
      help: 'Processes that open documents and draw pages, by state: busy, idle.',
      labelNames: ['state'],
      registers,
    }),
    drawingWaiting: new Gauge({
      name: 'ocr_gateway_drawing_tasks_waiting',
      help: 'Pages to be drawn, and documents to be opened, that wait for a drawer now.',
      registers,
    }),
    drawersBytes: new Gauge({
      name: 'ocr_gateway_drawers_resident_memory_bytes',
      help: 'Resident memory of the drawers, as each has said last; that of the gateway itself is process_resident_memory_bytes.',
      registers,
    }),
    redisUp: new Gauge({
      name: 'ocr_gateway_redis_up',
      help: '1 while the Redis of the page cache answers, else 0: every page is a miss then. No sample without Redis.',
      registers,
    }),
    dataBytes: new Gauge({
      name: 'ocr_gateway_data_disk_bytes',
      help: 'Size of the file system of GATEWAY_DATA_DIR, or of GATEWAY_SHARED_DIR where that is set. No sample before the folder is there.',
      registers,
    }),
    dataFreeBytes: new Gauge({
      name: 'ocr_gateway_data_disk_free_bytes',
      help: 'What of it the gateway may still fill.',
      registers,
    }),
  }
}

function downloadMetrics(registers: Registry[]) {
  return {
    downloads: new Counter({
      name: 'ocr_gateway_downloads_total',
      help: 'Documents downloaded from addresses, by outcome: ok, refused (an address that is not allowed, a web page), too_large, failed, left (the request ended first).',
      labelNames: ['outcome'],
      registers,
    }),
    conversions: new Counter({
      name: 'ocr_gateway_conversions_total',
      help: 'Office documents and HTML that Gotenberg was asked to convert, by outcome: ok, refused (it cannot read them, or they want a password), too_large, failed, left (the request ended first).',
      labelNames: ['outcome'],
      registers,
    }),
  }
}

function sampleMetrics(registers: Registry[]) {
  return {
    samples: new Counter({
      name: 'ocr_gateway_samples_total',
      help: 'Pages that were hard to read and were to be kept in GATEWAY_SAMPLES_DIR, by outcome: kept, dropped (too many waited for the disk, or it is larger than the folder may be), failed.',
      labelNames: ['outcome'],
      registers,
    }),
  }
}

function fileMetrics(registers: Registry[]) {
  return {
    storedFiles: new Gauge({
      name: 'ocr_gateway_stored_files',
      help: 'Files that clients have uploaded and that are kept.',
      registers,
    }),
    storedBytes: new Gauge({
      name: 'ocr_gateway_stored_bytes',
      help: 'Bytes of those files, and of the parts of uploads that are not complete.',
      registers,
    }),
    storedBytesLimit: new Gauge({
      name: 'ocr_gateway_stored_bytes_limit',
      help: 'The most that those files may take: GATEWAY_MAX_STORED_BYTES.',
      registers,
    }),
    uploadedBytes: new Counter({
      name: 'ocr_gateway_uploaded_bytes_total',
      help: 'Bytes of files, and of parts of files, that were uploaded and stored.',
      registers,
    }),
  }
}

function batchMetrics(registers: Registry[]) {
  return {
    batches: new Counter({
      name: 'ocr_gateway_batches_total',
      help: 'Batches ended, by status: completed, failed, expired, cancelled.',
      labelNames: ['status'],
      registers,
    }),
    batchLines: new Counter({
      name: 'ocr_gateway_batch_lines_total',
      help: 'Requests of batches that were run, by outcome: completed, failed.',
      labelNames: ['outcome'],
      registers,
    }),
    batchLinesInFlight: new Gauge({
      name: 'ocr_gateway_batch_lines_in_flight',
      help: 'Requests of batches that this process runs now; those that wait to be tried again included.',
      registers,
    }),
    batchLinesWaiting: new Gauge({
      name: 'ocr_gateway_batch_lines_waiting',
      help: 'Requests of batches that wait to be run, as they were counted last: each 10 seconds.',
      registers,
    }),
  }
}

function webhookMetrics(registers: Registry[]) {
  return {
    webhookDeliveries: new Counter({
      name: 'ocr_gateway_webhook_deliveries_total',
      help: 'Tries to deliver an event, by outcome: delivered, failed (it is tried again), given_up.',
      labelNames: ['outcome'],
      registers,
    }),
    webhookWaiting: new Gauge({
      name: 'ocr_gateway_webhook_events_waiting',
      help: 'Events that are not delivered yet, of all replicas.',
      registers,
    }),
    webhookOldest: new Gauge({
      name: 'ocr_gateway_webhook_oldest_event_seconds',
      help: 'Age of the oldest event that is not delivered yet; 0: there is none.',
      registers,
    }),
  }
}
