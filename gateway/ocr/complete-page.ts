import type { PageToRead } from '../read/page-to-read.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { orAborted } from '../schedule/or-aborted.ts'
import type { Log } from '../telemetry/log.ts'
import type { CutFigures } from './figures.ts'
import type { CheckFormulas } from './formulas/check.ts'
import { checkPage } from './formulas/page-formulas.ts'
import type { PageResult } from './page-event.ts'

/** The services that complete a page that was read. */
export interface CompleteServices {
  readonly log: Log
  /** Cuts pictures out of the request's pages; left out: none are. */
  readonly cutFigures?: CutFigures
  /** Checks formulas; left out: none are. */
  readonly checkFormulas?: CheckFormulas
}

/**
 * Adds what is not kept of a page that was read: the pictures that are wanted, and what is wrong with its formulas. A page for
 * which that cannot be done has its text all the same. Throws the signal's reason when aborted.
 */
export async function completed(
  page: PageToRead,
  result: PageResult,
  request: Pick<OcrRequest, 'id' | 'span' | 'answersJson'>,
  { cutFigures, checkFormulas, log }: CompleteServices,
  signal: AbortSignal,
): Promise<PageResult> {
  const orNone = async <Part>(part: Promise<Part | null> | undefined, lacking: string): Promise<Part | null> => {
    try {
      return (await part) ?? null
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      log.warn({ request_id: request.id, trace_id: request.span?.traceId, err: thrown }, lacking)
      return null
    }
  }
  const checked = checkFormulas === undefined ? undefined : orAborted(checkPage(result, request, checkFormulas), signal)
  const [figures, formulas] = await Promise.all([
    orNone(cutFigures?.(page, result, signal), 'pictures were not cut out'),
    orNone(checked, 'formulas were not checked'),
  ])
  return { ...result, ...(figures === null ? {} : { figures }), ...(formulas === null ? {} : { formulas }) }
}
