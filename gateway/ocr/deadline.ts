import type { OcrRequest } from '../request/ocr-request.ts'
import { startTimeLimit } from '../schedule/time-limit.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { PageEnd } from './page-event.ts'
import { pendingResult } from './page-result.ts'
import type { PlannedPage } from './recognize.ts'

/** What is left for stitching, and for the answer's way back, of the time that the client gave. */
const MARGIN_SHARE = 0.05
const MIN_MARGIN_MILLISECONDS = 1000

/** Starts the clock of a request: its signal fires shortly before the client stops waiting. */
export function startDeadline(deadline: number | null): Disposable & { readonly signal: AbortSignal } {
  if (deadline === null) return { signal: new AbortController().signal, [Symbol.dispose]() {} }
  const left = deadline - performance.now()
  const margin = Math.max(MIN_MARGIN_MILLISECONDS, left * MARGIN_SHARE)
  return startTimeLimit(left - margin, () => new DOMException("The client's time is up.", 'TimeoutError'))
}

/** Reads a page until the deadline; one that is not read by then is `pending`, which is counted, and its work ends. */
export async function untilDeadline(
  { number }: PlannedPage,
  request: OcrRequest,
  metrics: Pick<Metrics, 'pages'>,
  deadline: AbortSignal,
  signal: AbortSignal,
  read: (signal: AbortSignal) => Promise<PageEnd>,
): Promise<PageEnd> {
  try {
    deadline.throwIfAborted()
    return await read(AbortSignal.any([signal, deadline]))
  } catch (error) {
    if (!deadline.aborted || signal.aborted) throw error
    metrics.pages.inc({ status: 'pending', model: request.model.id })
    return { type: 'page-end', page: number, result: pendingResult(request) }
  }
}
