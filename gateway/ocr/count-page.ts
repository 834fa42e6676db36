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

/** Returns how the metrics name a page; it is counted for the model whose text it has. */
function pageLabels(status: PageStatus, { format }: PageToRead, model: string, { turn }: OcrRequest) {
  return { status, model, key: keyLabel(turn.key), format }
}

/** Counts a page that is left as it is, or read on for the request's next try. */
export function countPending(page: PageToRead, request: OcrRequest, { metrics }: PageCounters): void {
  metrics.pages.inc(pageLabels('pending', page, request.model.id, request))
  metrics.recent.page({ status: 'pending', cache: 'off' })
}

/** A page that was found in the cache, with its result. */
export interface FoundPage {
  readonly result: PageResult
  readonly page: PageToRead
}

/** Counts pages that were found in the cache; those at once that follow each other and count alike, as nearly all do. */
export function countFound(
  found: readonly FoundPage[],
  request: OcrRequest,
  seconds: number,
  counters: PageCounters,
): void {
  let from = 0
  for (let to = 1; to <= found.length; to++) {
    const first = found[from]!
    const next = found[to]
    if (next !== undefined && countsAlike(first, next)) continue
    countPage(first.result, first.page, request, seconds, counters, to - from)
    from = to
  }
}

function countsAlike({ result, page }: FoundPage, other: FoundPage): boolean {
  const { status, warnings } = other.result
  return (
    result.status === status &&
    page.format === other.page.format &&
    result.warnings.length === warnings.length &&
    result.warnings.every(({ code }, index) => code === warnings[index]?.code)
  )
}

/**
 * Counts a page that has ended, after so many seconds, in the metrics and in what its caller has used; or so many pages that count
 * alike and have cost nothing.
 */
export function countPage(
  result: PageResult,
  page: PageToRead,
  request: OcrRequest,
  seconds: number,
  { metrics, account }: PageCounters,
  times = 1,
): void {
  const { status, cache, warnings, error, route, verify, model = request.model.id } = result
  metrics.pages.inc(pageLabels(status, page, model, request), times)
  if (route !== undefined) metrics.pageRoutes.inc({ route })
  if (verify?.error === null) metrics.pageRoutes.inc({ route: 'verified' })
  const taken = metrics.pageSeconds.labels({ lane: request.turn.lane, cache })
  for (let left = times; left > 0; left--) taken.observe(seconds)
  metrics.cache.inc({ result: cache }, times)
  metrics.recent.page({ status, cache }, times)
  for (const { code } of warnings) metrics.pageWarnings.inc({ code }, times)
  if (error !== null) countFailure(error.code, request, metrics)
  const ended = {
    pages: times,
    ...(status === 'pending' ? {} : { [columns[status]]: times }),
    pagesCached: isCached(result) ? times : 0,
  }
  account?.add({ ...ended, ...costOf(result, model, metrics) }, model)
}

/** Counts what a reading has cost whose text is not the page's, for the model that was asked. */
export function countOther(
  result: PageResult,
  { model }: Pick<OcrRequest, 'model'>,
  { metrics, account }: PageCounters,
): void {
  account?.add(costOf(result, model.id, metrics), model.id)
}

const isCached = ({ cache }: PageResult): boolean => cache === 'hit' || cache === 'joined'

/** Counts a reading's tokens in the metrics. Returns what it costs its caller: nothing, where no engine was asked for it. */
function costOf(result: PageResult, model: string, metrics: Metrics): Partial<Counts> {
  if (isCached(result)) return { pagesCharged: 0, ...NO_TOKENS }
  const { promptTokens, completionTokens } = result.usage
  metrics.tokens.inc({ kind: 'prompt', model }, promptTokens)
  metrics.tokens.inc({ kind: 'completion', model }, completionTokens)
  return { pagesCharged: wasAsked(result) ? 1 : 0, promptTokens, completionTokens }
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
function wasAsked({ status, error, isEasy }: PageResult): boolean {
  return status !== 'blank' && isEasy !== true && (error === null || ASKED.has(error.code))
}
