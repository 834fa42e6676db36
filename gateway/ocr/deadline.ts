import type { OcrRequest } from '../request/ocr-request.ts'
import type { PageEvent, PageResult } from './page-event.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { PlannedPage } from './recognize.ts'

/** What is left for stitching, and for the answer's way back, of the time that the client gave. */
const MARGIN_SHARE = 0.05
const MIN_MARGIN_MILLISECONDS = 1000

/** Starts the clock of a request: its signal fires shortly before the client stops waiting. */
export function startDeadline(deadline: number | null): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController()
  if (deadline === null) return { signal: controller.signal, [Symbol.dispose]() {} }
  const left = deadline - performance.now()
  const margin = Math.max(MIN_MARGIN_MILLISECONDS, left * MARGIN_SHARE)
  const timer = setTimeout(() => controller.abort(), Math.max(0, left - margin))
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) }
}

/** Reads a page until the deadline; one that is not read by then is `pending`, which is counted, and its work ends. */
export async function* untilDeadline(
  { number }: PlannedPage,
  request: OcrRequest,
  metrics: Pick<Metrics, 'pages'>,
  deadline: AbortSignal,
  signal: AbortSignal,
  read: (signal: AbortSignal) => AsyncIterable<PageEvent>,
): AsyncGenerator<PageEvent, void, undefined> {
  try {
    deadline.throwIfAborted()
    yield* read(AbortSignal.any([signal, deadline]))
  } catch (error) {
    if (!deadline.aborted || signal.aborted) throw error
    metrics.pages.inc({ status: 'pending', model: request.model.id })
    yield { type: 'page-start', page: number }
    yield { type: 'page-end', page: number, result: pendingResult(request) }
  }
}

function pendingResult({ model, cache }: OcrRequest): PageResult {
  return {
    status: 'pending',
    cache: cache === 'off' ? 'off' : 'miss',
    attempts: 0,
    reasons: [],
    engine: model.engine,
    rasterizer: null,
    finishReason: null,
    width: null,
    height: null,
    usage: { promptTokens: 0, completionTokens: 0 },
    warnings: [],
    agreement: null,
    confidence: null,
    error: null,
  }
}
