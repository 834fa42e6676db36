import type { ErrorCode } from '../errors.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
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

/** Counts a page that has ended, in the metrics and in what its caller has used. */
export function countPage(result: PageResult, { model: { id: model } }: OcrRequest, counters: PageCounters): void {
  const { metrics, account } = counters
  const { status, error, usage } = result
  const isCached = result.cache === 'hit' || result.cache === 'joined'
  metrics.pages.inc({ status, model })
  metrics.cache.inc({ result: result.cache })
  if (error !== null) metrics.errors.inc({ code: error.code })
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
