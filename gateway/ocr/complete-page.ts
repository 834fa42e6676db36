import type { PageToRead } from '../read/page-to-read.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { orAborted } from '../schedule/or-aborted.ts'
import type { Log } from '../telemetry/log.ts'
import type { CutFigures } from './figures.ts'
import type { CheckFormulas } from './formulas/check.ts'
import { checkPage, formulasOf } from './formulas/page-formulas.ts'
import type { PageResult } from './page-event.ts'

/** The services that complete a page that was read. */
export interface CompleteServices {
  readonly log: Log
  /** Cuts pictures out of the request's pages; left out: none are. */
  readonly cutFigures?: CutFigures
  /** Checks formulas; left out: none are. */
  readonly checkFormulas?: CheckFormulas
  /** Fires when nobody waits any longer for more than the page's own text; left out: never. */
  readonly hurry?: AbortSignal
}

/**
 * Adds what is not kept of a page that was read: the pictures that are wanted, and what is wrong with its formulas. A page for
 * which that cannot be done, or not in time, has its text all the same. Throws the signal's reason when aborted.
 */
export async function completed(
  page: PageToRead,
  result: PageResult,
  request: Pick<OcrRequest, 'id' | 'span' | 'answersJson'>,
  { cutFigures, checkFormulas, log, hurry }: CompleteServices,
  signal: AbortSignal,
): Promise<PageResult> {
  signal.throwIfAborted()
  const formulas = checkFormulas === undefined ? [] : formulasOf(result, request)
  const isWhole = formulas.length === 0 || checkFormulas === undefined
  if (isWhole && cutFigures === undefined) return result
  const limited = hurry === undefined ? signal : AbortSignal.any([signal, hurry])
  const orNone = async <Part>(part: Promise<Part | null> | undefined, lacking: string): Promise<Part | null> => {
    try {
      return (await part) ?? null
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      if (hurry?.aborted !== true)
        log.warn({ request_id: request.id, trace_id: request.span?.traceId, err: thrown }, lacking)
      return null
    }
  }
  const checking = isWhole ? undefined : orAborted(checkPage(formulas, checkFormulas), limited)
  const [figures, checked] = await Promise.all([
    orNone(cutFigures?.(page, result, limited), 'pictures were not cut out'),
    orNone(checking, 'formulas were not checked'),
  ])
  return { ...result, ...(figures === null ? {} : { figures }), ...(checked === null ? {} : { formulas: checked }) }
}
