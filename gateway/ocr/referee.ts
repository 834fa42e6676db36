import { findDifferences } from '../read/evidence/differences.ts'
import type { PageToRead } from '../read/page-to-read.ts'
import type { OcrRequest, OtherReader } from '../request/ocr-request.ts'
import { requestOf } from './another-reading.ts'
import type { PageResult, Verification } from './page-event.ts'

/** Reads a page as a request asks. */
export type ReadAs = (page: PageToRead, asked: OcrRequest, signal: AbortSignal) => Promise<PageResult>

/** A second reading of a page, begun beside the first. */
export interface RefereeReading {
  /** What the referee has read; null where it is not served. Never rejects: a reading that was aborted has failed. */
  readonly result: Promise<PageResult | null>
}

/** Begins the referee's reading of a page. */
export function startReferee(
  { question }: OtherReader,
  request: OcrRequest,
  another: (asked: OcrRequest) => PageToRead,
  read: ReadAs,
  signal: AbortSignal,
): RefereeReading {
  if (question === null) return { result: Promise.resolve(null) }
  const asked = requestOf(request, question)
  const result = read(another(asked), asked, signal).catch(() => null)
  return { result }
}

/** Tells how two readings of a page differ; where the referee has not read it, why. */
export function verify(
  result: PageResult,
  { id }: OtherReader,
  other: PageResult | null,
  isLate: boolean,
): Verification {
  const usage = other === null ? { promptTokens: 0, completionTokens: 0 } : freshUsage(other)
  const none = { model: id, usage, agreement: null, differences: [], count: 0 }
  if (other === null) return { ...none, error: isLate ? 'engine_timeout' : 'engine_unavailable' }
  if (other.error !== null) return { ...none, error: other.error.code }
  // The text of a layer is no reading of the page.
  if (other.status === 'fallback') return { ...none, error: 'engine_error' }
  const { agreement, listed, count } = findDifferences(result.text, other.text)
  return { ...none, agreement, differences: listed, count, error: null }
}

/** What a reading has cost now: nothing, where it was found or shared. */
export function freshUsage({ cache, usage }: Pick<PageResult, 'cache' | 'usage'>): PageResult['usage'] {
  return cache === 'hit' || cache === 'joined' ? { promptTokens: 0, completionTokens: 0 } : usage
}
