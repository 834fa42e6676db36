import type { OcrRequest } from '../request/ocr-request.ts'
import { startTimeLimit } from '../schedule/time-limit.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { PageEnd } from './page-event.ts'
import { pendingResult } from './page-result.ts'
import type { PlannedPage } from './recognize.ts'

/** The share of the client's time that is kept for stitching and for sending the answer. */
const MARGIN_SHARE = 0.05
const MIN_MARGIN_MILLISECONDS = 1000

/** Starts the deadline of a request: its signal fires shortly before the client stops waiting. */
export function startDeadline(deadline: number | null): Disposable & { readonly signal: AbortSignal } {
  if (deadline === null) return { signal: new AbortController().signal, [Symbol.dispose]() {} }
  const left = deadline - performance.now()
  const margin = Math.max(MIN_MARGIN_MILLISECONDS, left * MARGIN_SHARE)
  return startTimeLimit(left - margin, () => new DOMException("The client's time is up.", 'TimeoutError'))
}

/**
 * Reads a page until the deadline. A page that is not read by then is aborted, and counted and returned as `pending`.
 */
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
