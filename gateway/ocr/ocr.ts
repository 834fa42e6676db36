import type { OcrModel } from '../profile/question.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { Admission } from '../schedule/admission.ts'
import { startDeadline } from './deadline.ts'
import type { OcrEvent } from './page-event.ts'
import { inPageOrder } from './page-order.ts'
import { planRequest, type PlanServices } from './plan.ts'
import type { PaceMeter } from './reading-pace.ts'
import { recognize, type PlannedPage, type RecognizeServices } from './recognize.ts'

/** The services and limits of the pipeline. */
export interface OcrServices extends PlanServices, RecognizeServices {
  readonly admission: Admission
  /** Measures what pages take; dry runs estimate from it. */
  readonly meter: PaceMeter
  /** Throws `engine_unavailable` when no upstream serves a model any more. */
  readonly expectEngine: (model: OcrModel, signal: AbortSignal) => Promise<void>
  readonly lookahead: number
}

/** Runs the pipeline: reads the pages of a request's documents side by side, and yields what happens in page order. */
export async function* ocr(
  request: OcrRequest,
  services: OcrServices,
  signal: AbortSignal,
): AsyncGenerator<OcrEvent, void, undefined> {
  services.admission.check()
  await services.expectEngine(request.model, signal)
  await using plan = await planRequest(request, services, signal)
  // Hits need no engine, so they take no place in the queue.
  using admitted = services.admission.admit(plan.opened.pages - plan.opened.cachedPages, request.model.id)
  yield plan.opened
  using deadline = startDeadline(request.deadline)
  const read = (page: PlannedPage, pageSignal: AbortSignal) =>
    recognize(page, request, services, deadline.signal, pageSignal)
  const onEnd = (index: number) => {
    // A page that was aborted does not show how fast pages are read.
    if (!plan.isKnown(index) && !signal.aborted) admitted.ended()
  }
  yield* inPageOrder(plan.pages, read, { lookahead: services.lookahead, onEnd, signal })
}
