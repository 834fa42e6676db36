import type { Question } from '../profile/question.ts'
import { readPage, type ReadServices } from '../read/read-page.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { Log } from '../telemetry/log.ts'
import { requestOf, type PageOfDocument } from './another-reading.ts'
import type { PageResult } from './page-event.ts'
import { answeredResult } from './page-result.ts'

/** The services with which a page is read once more. */
export interface AnotherReadingServices {
  readonly reading: ReadServices
  readonly log: Log
}

/**
 * Reads a page once more, with another question: its answer has a page key of its own. Takes one of the request's retries. Null
 * where none is left, or the page could not be read. Throws the signal's reason when aborted.
 */
export async function readAgain(
  page: PageOfDocument,
  question: Question,
  request: OcrRequest,
  { reading, log }: AnotherReadingServices,
  signal: AbortSignal,
): Promise<PageResult | null> {
  const { span, onTaken, attemptBudget } = page
  if (!attemptBudget.take()) return null
  const asked = requestOf(request, question)
  try {
    const answer = await readPage({ ...page.another(asked), attemptBudget, span, onTaken }, reading, signal)
    return answeredResult(answer, asked)
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    log.warn({ request_id: request.id, trace_id: request.span?.traceId, err: thrown }, 'page was not read once more')
    return null
  }
}

/** Adds what another reading of a page has cost: what came from the cache has cost nothing. */
export function withCostOf(
  result: PageResult,
  { cache, usage }: Pick<PageResult, 'cache' | 'usage'>,
): Pick<PageResult, 'cache' | 'usage'> {
  if (isKnown(cache)) return { cache: result.cache, usage: result.usage }
  if (isKnown(result.cache)) return { cache, usage }
  const promptTokens = result.usage.promptTokens + usage.promptTokens
  const completionTokens = result.usage.completionTokens + usage.completionTokens
  return { cache: result.cache, usage: { promptTokens, completionTokens } }
}

const isKnown = (cache: PageResult['cache']): boolean => cache === 'hit' || cache === 'joined'
