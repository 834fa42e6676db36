import type { OcrModel } from '../profile/question.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { PageAllowance } from '../access/page-allowance.ts'
import type { AdmittedPages, Admission } from '../schedule/admission.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { UsageMeter } from '../usage/meter.ts'
import { startDeadline } from './deadline.ts'
import { figureCutter } from './figures.ts'
import { unlessFinished, type FinishedPages } from './finished-pages.ts'
import type { KeptReadings } from './kept-readings.ts'
import { createFoundPages } from './known-pages.ts'
import { createLatePages, type LatePages } from './late-pages.ts'
import type { OcrEvent } from './page-event.ts'
import { inPageOrder } from './page-order.ts'
import { permitPages, readingsOf } from './page-permits.ts'
import { planRequest, type PlanServices } from './plan.ts'
import { createPreviews } from './previews.ts'
import type { PaceMeter } from './reading-pace.ts'
import { completed } from './complete-page.ts'
import { recognize, type PlannedPage, type RecognizeServices } from './recognize.ts'

/** The services and limits of the pipeline. */
export interface OcrServices extends PlanServices, RecognizeServices {
  readonly admission: Admission
  /** How many pages the caller of a request may have read. */
  readonly allowance: Pick<PageAllowance, 'admit'>
  /** Counts what callers use, and holds them to their budgets. */
  readonly usage: Pick<UsageMeter, 'open'>
  /** Measures what pages take; dry runs estimate from it. */
  readonly meter: PaceMeter
  /** Throws `engine_unavailable` when no upstream serves a model any more. */
  readonly expectEngine: (model: OcrModel, signal: AbortSignal) => Promise<void>
  readonly lookahead: number
  /** Begins the spans of what no client waits for; left out: that is not traced. */
  readonly tracer?: Tracer
  /** Readings that go on for requests that will be sent again. */
  readonly kept: KeptReadings
  /** Whether there is a cache in which answers are found again. */
  readonly keepsAnswers: boolean
  /** Pages that the request has read before, in another process perhaps; left out: none, and none are noted. */
  readonly finished?: FinishedPages
  /** Fires when no page is to be begun any more; those that an engine has taken are finished. Left out: never. */
  readonly leaving?: AbortSignal
}

const NEVER = new AbortController().signal

/** Runs the pipeline: reads the pages of a request's documents side by side, and yields what happens in page order, that together which comes together. */
export async function* ocr(
  request: OcrRequest,
  services: OcrServices,
  signal: AbortSignal,
): AsyncGenerator<readonly OcrEvent[], void, undefined> {
  services.admission.check(request.turn.lane)
  await services.expectEngine(request.model, signal)
  await using opened = new AsyncDisposableStack()
  const plan = opened.use(await planRequest(request, services, signal))
  const { finished, keepsAnswers, leaving = NEVER, lookahead } = services
  // What is done needs no engine, so it takes no place in the queue.
  const isDone = plan.numbers.map((page, index) => plan.isKnown(index) || finished?.has(page) === true)
  const paying = new Set(plan.numbers.filter((_, index) => isDone[index] === false))
  const toRead = paying.size
  const { key, lane } = request.turn
  const admitted = opened.use(services.admission.admit(toRead, request.model.id, lane, key))
  const account = opened.use(await services.usage.open({ key, model: request.model.id }, readingsOf(request, toRead)))
  const permits = await permitPages(services.allowance, request, toRead)
  // Those that wait for a later window are in nobody's way.
  if (permits.perWindow < toRead) admitted.keepOnly(permits.perWindow)
  yield [plan.opened]
  using deadline = startDeadline(request.deadline)
  const late = createLatePages(request, deadline, plan.opened.pages, { keepsAnswers, leaving, client: signal })
  const reading = { ...services, account, ...(request.figures == null ? {} : { cutFigures: figureCutter(request) }) }
  const shown = request.preview === true ? createPreviews(signal, AbortSignal.any([deadline.signal, leaving])) : null
  const pages = shown?.watch(plan.pages) ?? plan.pages
  const permitted = { ...reading, permit: (pageSignal: AbortSignal) => permits.next(pageSignal) }
  const found = createFoundPages(request, { ...reading, finished }, late)
  const servicesOf = ({ number: { page } }: PlannedPage) =>
    paying.has(page) ? { ...permitted, onTaken: () => admitted.taken(page) } : reading
  const read = (page: PlannedPage, pageSignal: AbortSignal) =>
    unlessFinished(
      page.number,
      finished,
      () => recognize(found.toRead(page), request, servicesOf(page), late, pageSignal),
      (kept) => completed(page.page, kept, request, reading, pageSignal),
    )
  // A page that is to be shown is drawn, known or not.
  const known = shown === null ? { mayBe: plan.isKnown, find: found.find } : undefined
  const onEnd = (index: number) => {
    // A page that was aborted, or is late, does not show how fast pages are read.
    const isCut = signal.aborted || deadline.signal.aborted || leaving.aborted
    if (isDone[index] === false && !isCut) admitted.ended(plan.numbers[index])
  }
  let isCut = false
  const start = (left: AbortSignal) =>
    inPageOrder(pages, shown?.noting(read) ?? read, { lookahead, onEnd, known, signal: left })
  try {
    for await (const events of shown?.among(start) ?? start(signal)) {
      if (isCut) continue
      const cutAt = late.isCut ? events.findIndex(isPending) : -1
      isCut = cutAt >= 0
      // What follows a page that is not begun is finished for the cache alone.
      yield isCut ? events.slice(0, cutAt) : events
    }
    late.end()
  } finally {
    if (late.kept.length > 0) keepLate(late, admitted, services.kept, opened.move())
  }
}

const isPending = (event: OcrEvent): boolean => event.type === 'page-end' && event.result.status === 'pending'

/** Lets late pages be read on, in their places of the queue. Their documents stay open until the readings have ended. */
function keepLate({ kept }: LatePages, admitted: AdmittedPages, readings: KeptReadings, opened: AsyncDisposable): void {
  admitted.keepBegun(kept.length)
  for (const { ended } of kept) void ended.then(() => admitted.ended())
  readings.keep(kept, opened)
}
