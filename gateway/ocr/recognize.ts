import { reworded, toGatewayError, type GatewayError } from '../errors.ts'
import type { PageWarning } from '../page/page.ts'
import type { PageToRead } from '../read/page-to-read.ts'
import { readPage, type ReadServices } from '../read/read-page.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { SampleKeeper } from '../samples/keeper.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { completed, type CompleteServices } from './complete-page.ts'
import { withFields, type FieldServices } from './fields/page-fields.ts'
import type { KeptReading } from './kept-readings.ts'
import type { LatePages } from './late-pages.ts'
import type { PageEnd, PageNumber, PageResult } from './page-event.ts'
import type { PageOfDocument } from './another-reading.ts'
import { countOther, countPage, countPending, type PageCounters } from './count-page.ts'
import { watchForSample } from './page-sample.ts'
import { routePage, type RoutingServices } from './route-page.ts'
import { beginPageSpan, endPageSpan, endUnreadSpan } from './page-span.ts'
import { answeredResult, failedResult, pendingResult } from './page-result.ts'

/** A page of a request: its numbers, and how it is read. */
export interface PlannedPage {
  readonly number: PageNumber
  /** What its document makes less certain, however the page is read. */
  readonly warnings: readonly PageWarning[]
  readonly page: PageOfDocument
}

/** The services that recognize a page. */
export interface RecognizeServices extends PageCounters, CompleteServices, FieldServices {
  readonly reading: ReadServices
  readonly metrics: Metrics
  /** Keeps pages that were hard to read; left out: none are. */
  readonly samples?: SampleKeeper
  /** Waits until the caller may have another page read; left out: it may. */
  readonly permit?: (signal: AbortSignal) => Promise<void>
  /** Called when the request's own model is asked to read the page, or a part of it. */
  readonly onTaken?: () => void
}

/**
 * Reads one page until the deadline, or until nothing more is begun, cleans its text and counts it. A failed page is a result like any other, unless the
 * request says `fail` for page errors: then its error is thrown. Throws the signal's reason when aborted.
 */
export async function recognize(
  planned: PlannedPage,
  request: OcrRequest,
  services: RecognizeServices,
  late: LatePages,
  signal: AbortSignal,
): Promise<PageEnd> {
  const { number, page } = planned
  const traced = { ...page, span: beginPageSpan(request, number) }
  const result = await resultInTime(traced, request, services, late, signal)
  if (result.error !== null && request.onPageError === 'fail') throw namingPage(result.error, number)
  return endOfPage(planned, result)
}

/** Returns the end of a page, with what its document makes less certain. */
export function endOfPage({ number, warnings }: PlannedPage, result: PageResult): PageEnd {
  const warned = warnings.length === 0 ? result : { ...result, warnings: [...warnings, ...result.warnings] }
  return { type: 'page-end', page: number, result: warned }
}

/** The error of one page stands for the whole request: it must say which page that is. */
function namingPage(error: GatewayError, { page, document, documentPage }: PageNumber): GatewayError {
  const name = document === 1 ? `Page ${page}` : `Page ${page} (page ${documentPage} of document ${document})`
  return error.message.startsWith(`${name} `) ? error : reworded(error, `${name}: ${error.message}`)
}

async function resultInTime(
  page: PageOfDocument,
  request: OcrRequest,
  services: RecognizeServices,
  late: LatePages,
  signal: AbortSignal,
): Promise<PageResult> {
  signal.throwIfAborted()
  const isOver = late.deadline.aborted || late.leaving.aborted
  const end = isOver ? 'left' : await endInTime(startReading(page, request, services), late, signal)
  if (typeof end !== 'string') {
    late.inTime(end)
    return end
  }
  signal.throwIfAborted()
  late.late()
  // A page that is read on is counted when it has ended.
  if (end === 'left') countPending(page, request, services)
  return pendingResult(request)
}

/**
 * Waits for a reading until the deadline; then it goes on for the request's next try, or it is aborted and left. When nothing
 * more is to be begun, it is waited for if an engine has taken the page, and left if not.
 */
async function endInTime(
  reading: Reading,
  late: LatePages,
  signal: AbortSignal,
): Promise<PageResult | 'goes on' | 'left'> {
  const { promise: isLate, resolve } = Promise.withResolvers<'goes on' | 'left'>()
  const onAbort = () => {
    if (reading.isTaken() && late.leave(reading)) resolve('goes on')
    else reading.abort(signal.reason)
  }
  const onDeadline = () => {
    // What the page is compared with is not waited for: it ends at once.
    if (signal.aborted || reading.hurry(late.deadline.reason)) return
    const goesOn = reading.isBegun() && late.takeOver(reading)
    // From now on the reading is none of this request's.
    if (goesOn) signal.removeEventListener('abort', onAbort)
    else reading.abort(late.deadline.reason)
    resolve(goesOn ? 'goes on' : 'left')
  }
  const onLeaving = () => {
    if (signal.aborted || reading.isTaken()) return
    reading.abort(late.leaving.reason)
    resolve('left')
  }
  signal.addEventListener('abort', onAbort, { once: true })
  late.leaving.addEventListener('abort', onLeaving, { once: true })
  late.deadline.addEventListener('abort', onDeadline, { once: true })
  try {
    const end = await Promise.race([isLate, reading.result])
    if (end === 'left') await reading.ended
    return end
  } finally {
    signal.removeEventListener('abort', onAbort)
    late.deadline.removeEventListener('abort', onDeadline)
    late.leaving.removeEventListener('abort', onLeaving)
  }
}

/** A page that is being read, for a request or for its next try. */
interface Reading extends KeptReading {
  readonly result: Promise<PageResult>
  /** Whether the page has its slot: it is drawn, or at an engine. */
  readonly isBegun: () => boolean
  /** Whether an engine has begun with it. */
  readonly isTaken: () => boolean
  /** Ends what is waited for beside the page's own text; false: that is not read yet. */
  readonly hurry: (reason: unknown) => boolean
}

function startReading(page: PageOfDocument, request: OcrRequest, services: RecognizeServices): Reading {
  const { pagesInFlight } = services.metrics
  const leave = new AbortController()
  let isBegun = false
  let isTaken = false
  let isRead = false
  const watched = <Page extends PageToRead>(one: Page, onTaken = () => {}): Page => ({
    ...one,
    span: page.span,
    draw: (signal, options) => {
      isBegun = true
      return one.draw(signal, options)
    },
    onTaken() {
      isTaken = true
      onTaken()
    },
  })
  const seen = { ...watched(page, services.onTaken), another: (asked: OcrRequest) => watched(page.another(asked)) }
  const hurrying = new AbortController()
  const waits = { hurry: hurrying.signal, onRead: () => void (isRead = true) }
  const read = async (): Promise<PageResult> => {
    try {
      await services.permit?.(leave.signal)
      pagesInFlight.inc()
      return await resultOf(seen, request, services, waits, leave.signal).finally(() => pagesInFlight.dec())
    } catch (thrown) {
      endUnreadSpan(page.span, thrown)
      throw thrown
    }
  }
  const result = read()
  return {
    result,
    ended: Promise.allSettled([result]).then(() => undefined),
    isBegun: () => isBegun,
    isTaken: () => isTaken,
    hurry: (reason) => {
      if (isRead) hurrying.abort(reason)
      return isRead
    },
    abort: (reason) => leave.abort(reason),
  }
}

/** Reads, cleans and counts a page. Throws the signal's reason when aborted. */
async function resultOf(
  page: PageOfDocument,
  request: OcrRequest,
  services: RecognizeServices,
  waits: Pick<RoutingServices, 'hurry' | 'onRead'>,
  signal: AbortSignal,
): Promise<PageResult> {
  const startedAt = performance.now()
  const sampled = watchForSample(page, request, services.samples ?? null)
  const routing: RoutingServices = {
    ...waits,
    read: (one, asked, readSignal) => readResult(one, asked, services, readSignal),
    withFields: (read, fieldSignal) => withFields(sampled.page, read, request, { ...services, ...waits }, fieldSignal),
    countOther: (other, asked) => countOther(other, asked, services),
  }
  const read = await routePage(sampled.page, request, routing, signal)
  sampled.ended(read)
  const result = await completed(page, read, request, { ...services, hurry: waits.hurry }, signal)
  countPage(result, page, request, (performance.now() - startedAt) / 1000, services)
  endPageSpan(page.span, result)
  return result
}

async function readResult(
  page: PageToRead,
  request: OcrRequest,
  { reading, log }: RecognizeServices,
  signal: AbortSignal,
): Promise<PageResult> {
  const logged = (result: PageResult, cause: unknown = result.error): PageResult => {
    const ids = { request_id: request.id, trace_id: request.span?.traceId }
    if (result.error !== null) log.warn({ ...ids, code: result.error.code, err: cause }, 'page failed')
    return result
  }
  try {
    const answer = await readPage(page, reading, signal)
    // The cross-check has noted the agreement of a page that was read now.
    if (answer.agreement !== null && answer.cache !== 'miss') page.level.note(answer.agreement)
    return logged(answeredResult(answer, request))
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    const error = pageError(thrown)
    return logged(failedResult(error, request), error.cause ?? error)
  }
}

/** Returns the error of a page that could not be read or drawn: `internal_error` for anything but a GatewayError. */
export function pageError(thrown: unknown): GatewayError {
  return toGatewayError(thrown, 'The gateway failed to read this page. Its log says why.')
}
