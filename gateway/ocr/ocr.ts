import type { OcrModel } from '../profile/question.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { Admission } from '../schedule/admission.ts'
import { startDeadline, untilDeadline } from './deadline.ts'
import type { OcrEvent } from './page-event.ts'
import { inPageOrder } from './page-order.ts'
import { planRequest, type PlanServices } from './plan.ts'
import type { PaceMeter } from './reading-pace.ts'
import { recognize, type PlannedPage, type RecognizeServices } from './recognize.ts'

/** What the pipeline needs. */
export interface OcrServices extends PlanServices, RecognizeServices {
  readonly admission: Admission
  /** What pages have taken here: what a dry run expects of others. */
  readonly meter: PaceMeter
  /** Throws `engine_unavailable` when nobody serves a model any more. */
  readonly expectEngine: (model: OcrModel, signal: AbortSignal) => Promise<void>
  readonly lookahead: number
}

/** The pipeline: reads the pages of a request's documents side by side and tells what happens, in page order. */
export async function* ocr(
  request: OcrRequest,
  services: OcrServices,
  signal: AbortSignal,
): AsyncGenerator<OcrEvent, void, undefined> {
  services.admission.check()
  await services.expectEngine(request.model, signal)
  await using plan = await planRequest(request, services, signal)
  // What the cache holds costs nobody anything.
  using admitted = services.admission.admit(plan.opened.pages - plan.opened.cachedPages, request.model.id)
  yield plan.opened
  using deadline = startDeadline(request.deadline)
  const read = (page: PlannedPage, pageSignal: AbortSignal) =>
    untilDeadline(page, request, services.metrics, deadline.signal, pageSignal, (runSignal) =>
      recognize(page, request, services, runSignal),
    )
  const onEnd = (index: number) => {
    // A page that was left tells nothing of how fast pages are read.
    if (!plan.isKnown(index) && !signal.aborted) admitted.ended()
  }
  yield* inPageOrder(plan.pages, read, { lookahead: services.lookahead, onEnd, signal })
}
