import type { PageToRead } from '../read/page-to-read.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { orAborted } from '../schedule/or-aborted.ts'
import type { Log } from '../telemetry/log.ts'
import type { CutFigures } from './figures.ts'
import type { CheckFormulas } from './formulas/check.ts'
import type { Formula } from './markdown/find-formulas.ts'
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

type Asked = Pick<OcrRequest, 'id' | 'span' | 'answersJson'>

/** Whether there is nothing to add to a page that was read. */
export function isComplete(result: PageResult, request: Asked, services: CompleteServices): boolean {
  return services.cutFigures === undefined && formulasToCheck(result, request, services).length === 0
}

function formulasToCheck(result: PageResult, request: Asked, { checkFormulas }: CompleteServices): readonly Formula[] {
  return checkFormulas === undefined ? [] : formulasOf(result, request)
}

/**
 * Adds what is not kept of a page that was read: the pictures that are wanted, and what is wrong with its formulas. A page for
 * which that cannot be done, or not in time, has its text all the same. Throws the signal's reason when aborted.
 */
export async function completed(
  page: PageToRead,
  result: PageResult,
  request: Asked,
  services: CompleteServices,
  signal: AbortSignal,
): Promise<PageResult> {
  signal.throwIfAborted()
  const { cutFigures, checkFormulas, log, hurry } = services
  const formulas = formulasToCheck(result, request, services)
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
