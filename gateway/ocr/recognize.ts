import type { Delta, EndDelta, Engine, PagePrompt } from '../engine/engine.ts'
import { PageFailure } from '../read/guard/page-failure.ts'
import { GatewayError } from '../errors.ts'
import { imagesToRead } from '../page/page.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { PageEvent, PageNumber, PageResult } from './page-event.ts'
import type { BegunReading, PaceMeter } from './reading-pace.ts'

/** A page that is to be read: where it stands and what the engine will be asked. */
export interface PlannedPage {
  readonly number: PageNumber
  readonly prompt: PagePrompt
}

/** What recognizing a page needs. */
export interface RecognizeServices {
  readonly engine: Engine
  readonly metrics: Metrics
  readonly meter: PaceMeter
  readonly log: Log
}

/**
 * Reads one page: asks the engine, which has the page rasterized unless the cache knows its answer, and cleans what
 * comes back. A page that fails is an event like any other, unless the request says `fail`; only an abort throws.
 */
export async function* recognize(
  { number, prompt }: PlannedPage,
  request: OcrRequest,
  services: RecognizeServices,
  signal: AbortSignal,
): AsyncGenerator<PageEvent, void, undefined> {
  const { text, result } = await readPage(prompt, request, services, signal)
  countPage(result, request, services.metrics)
  if (result.error !== null && request.onPageError === 'fail') throw result.error
  yield { type: 'page-start', page: number }
  // The text leaves when the page is whole: what has been streamed to a client cannot be taken back.
  if (text !== '') yield { type: 'page-delta', page: number, text }
  yield { type: 'page-end', page: number, result }
}

interface ReadPage {
  readonly text: string
  readonly result: PageResult
}

async function readPage(
  prompt: PagePrompt,
  request: OcrRequest,
  { engine, metrics, meter, log }: RecognizeServices,
  signal: AbortSignal,
): Promise<ReadPage> {
  metrics.pagesInFlight.inc()
  using stages = timeStages(prompt, metrics, meter)
  try {
    const { raw, end } = await collect(engine(stages.prompt, signal), stages)
    // Who asked the engine has noted it already.
    if (end.agreement !== null && end.cache !== 'miss') prompt.level?.note(end.agreement)
    // What the document says of itself is no model's to repair.
    const text = end.isFallback ? raw : request.model.profile.clean(raw, request.task)
    return { text, result: pageResult(end, text, request) }
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    const error = pageError(thrown)
    log.warn({ request_id: request.id, code: error.code, err: error.cause ?? error }, 'page failed')
    return { text: '', result: failedResult(error, request) }
  } finally {
    metrics.pagesInFlight.dec()
  }
}

async function collect(deltas: AsyncIterable<Delta>, stages: Stages): Promise<{ raw: string; end: EndDelta }> {
  let raw = ''
  let end: EndDelta | null = null
  for await (const delta of deltas) {
    stages.onDelta(delta)
    if (delta.type === 'text') raw += delta.text
    else end = delta
  }
  if (end === null) throw new GatewayError('engine_error', 'The engine broke off before the page was read. Try again.')
  return { raw, end }
}

/** A prompt whose stages are timed. */
interface Stages extends Disposable {
  readonly prompt: PagePrompt
  onDelta(delta: Delta): void
}

/** Times the stages of a page; one that the cache knew, or another request computed, has none. */
function timeStages(prompt: PagePrompt, { stageSeconds }: Metrics, meter: PaceMeter): Stages {
  let reading: BegunReading | null = null
  let prompts = 1
  let shownAt: number | null = null
  let spokenAt: number | null = null
  const observe = (stage: string, since: number, until = performance.now()) =>
    stageSeconds.observe({ stage }, (until - since) / 1000)
  return {
    prompt: {
      ...prompt,
      image: async (signal) => {
        reading ??= meter.begin(prompt.model.id, prompt.task)
        const startedAt = performance.now()
        const image = await prompt.image(signal)
        prompts = Math.max(1, imagesToRead(image).length)
        observe('rasterize', startedAt)
        shownAt = performance.now()
        return image
      },
    },
    onDelta(delta) {
      if (delta.type === 'text') spokenAt ??= performance.now()
      // A page that turned out to look like another was drawn, and nobody read it.
      else if (shownAt !== null && delta.cache === 'miss') {
        observe('engine', shownAt)
        if (spokenAt !== null) observe('first_token', shownAt, spokenAt)
        if (isMeasure(delta)) reading?.read(delta.usage.completionTokens / prompts)
      }
    },
    [Symbol.dispose]: () => reading?.[Symbol.dispose](),
  }
}

/** Whether an engine has read the page, and well. */
function isMeasure({ finishReason, blank, isFallback }: EndDelta): boolean {
  return finishReason === 'stop' && !blank && !isFallback
}

function pageResult(end: EndDelta, text: string, request: OcrRequest): PageResult {
  const error = answerError(end, text)
  return {
    status: statusOf(end, error),
    cache: request.cache === 'off' ? 'off' : end.cache,
    attempts: end.attempts,
    reasons: end.reasons,
    engine: end.engine,
    rasterizer: end.rasterizer,
    finishReason: end.finishReason,
    width: end.width,
    height: end.height,
    usage: end.usage,
    warnings: end.warnings,
    agreement: end.agreement,
    confidence: request.confidence ? end.confidence : null,
    error,
  }
}

function statusOf({ blank, isFallback, attempts }: EndDelta, error: GatewayError | null): PageResult['status'] {
  if (blank) return 'blank'
  if (error !== null) return 'failed'
  if (isFallback) return 'fallback'
  return attempts > 1 ? 'repaired' : 'ok'
}

function answerError({ finishReason, usage, blank, engine }: EndDelta, text: string): GatewayError | null {
  if (blank) return null
  // Tesseract finds no text in a picture, and is right; a vision model always has something to say of a page with ink.
  if (finishReason === 'empty' || (finishReason === 'stop' && text === '' && engine === 'vllm')) {
    return new GatewayError(
      'engine_error',
      'The engine answered with nothing, though there is ink on the page. Try again.',
    )
  }
  if (finishReason === 'stop') return null
  return new GatewayError(
    'engine_error',
    `The engine did not read the page whole (finish_reason "${finishReason}", ${usage.completionTokens} tokens). Try again.`,
  )
}

function failedResult(error: GatewayError, request: OcrRequest): PageResult {
  return {
    status: 'failed',
    cache: request.cache === 'off' ? 'off' : 'miss',
    attempts: error instanceof PageFailure ? error.reasons.length : 1,
    reasons: error instanceof PageFailure ? error.reasons : [],
    engine: request.model.engine,
    rasterizer: null,
    finishReason: null,
    width: null,
    height: null,
    usage: { promptTokens: 0, completionTokens: 0 },
    warnings: [],
    agreement: null,
    confidence: null,
    error,
  }
}

/** Returns what is told of a page that could not be read, or drawn. */
export function pageError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown
  return new GatewayError('internal_error', 'The gateway failed to read this page. Its log says why.', {
    cause: thrown,
  })
}

function countPage(result: PageResult, { model }: OcrRequest, metrics: Metrics): void {
  metrics.pages.inc({ status: result.status, model: model.id })
  metrics.cache.inc({ result: result.cache })
  if (result.error !== null) metrics.errors.inc({ code: result.error.code })
  if (result.cache === 'hit' || result.cache === 'joined') return
  metrics.tokens.inc({ kind: 'prompt', model: model.id }, result.usage.promptTokens)
  metrics.tokens.inc({ kind: 'completion', model: model.id }, result.usage.completionTokens)
}
