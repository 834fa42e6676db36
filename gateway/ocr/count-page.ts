import type { ErrorCode } from '../errors.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { PageToRead } from '../read/page-to-read.ts'
import { keyLabel } from '../telemetry/key-label.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Counts } from '../usage/counts.ts'
import type { RequestAccount } from '../usage/meter.ts'
import type { PageResult, PageStatus } from './page-event.ts'

/** Where pages are counted. */
export interface PageCounters {
  readonly metrics: Metrics
  /** Of the page's request; left out: nobody's. */
  readonly account?: Pick<RequestAccount, 'add'>
}

/** Returns how the metrics name a page. */
function pageLabels(status: PageStatus, { format }: PageToRead, { model, turn }: OcrRequest) {
  return { status, model: model.id, key: keyLabel(turn.key), format }
}

/** Counts a page that is left as it is, or read on for the request's next try. */
export function countPending(page: PageToRead, request: OcrRequest, { metrics }: PageCounters): void {
  metrics.pages.inc(pageLabels('pending', page, request))
  metrics.recent.page({ status: 'pending', cache: 'off' })
}

/** Counts a page that has ended, after so many seconds, in the metrics and in what its caller has used. */
export function countPage(
  result: PageResult,
  page: PageToRead,
  request: OcrRequest,
  seconds: number,
  { metrics, account }: PageCounters,
): void {
  const { status, cache, warnings, error, usage } = result
  const model = request.model.id
  const isCached = cache === 'hit' || cache === 'joined'
  metrics.pages.inc(pageLabels(status, page, request))
  metrics.pageSeconds.observe({ lane: request.turn.lane, cache }, seconds)
  metrics.cache.inc({ result: cache })
  metrics.recent.page({ status, cache })
  for (const { code } of warnings) metrics.pageWarnings.inc({ code })
  if (error !== null) countFailure(error.code, request, metrics)
  const { promptTokens, completionTokens } = isCached ? NO_TOKENS : usage
  if (!isCached) {
    metrics.tokens.inc({ kind: 'prompt', model }, promptTokens)
    metrics.tokens.inc({ kind: 'completion', model }, completionTokens)
  }
  account?.add({
    pages: 1,
    ...(status === 'pending' ? {} : { [columns[status]]: 1 }),
    pagesCached: isCached ? 1 : 0,
    pagesCharged: !isCached && wasAsked(result) ? 1 : 0,
    promptTokens,
    completionTokens,
  })
}

function countFailure(code: ErrorCode, { id, model, turn }: OcrRequest, metrics: Metrics): void {
  metrics.errors.inc({ code })
  const caller = turn.key === '' ? null : turn.key
  metrics.recent.failure({ code, route: null, model: model.id, requestId: id, caller })
}

const NO_TOKENS = { promptTokens: 0, completionTokens: 0 }

const columns = {
  ok: 'pagesOk',
  repaired: 'pagesRepaired',
  fallback: 'pagesFallback',
  blank: 'pagesBlank',
  failed: 'pagesFailed',
} as const satisfies Record<Exclude<PageStatus, 'pending'>, keyof Counts>

/** What an engine says of a page that it was asked for; with any other error, none was. */
const ASKED: ReadonlySet<ErrorCode> = new Set(['engine_error', 'engine_timeout'])

/** Tells whether an engine was asked for a page. */
function wasAsked({ status, error }: PageResult): boolean {
  return status !== 'blank' && (error === null || ASKED.has(error.code))
}
