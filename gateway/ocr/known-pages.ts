import type { PageAnswer } from '../read/page-answer.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { isComplete } from './complete-page.ts'
import { countFound, type FoundPage } from './count-page.ts'
import type { FinishedPages } from './finished-pages.ts'
import type { LatePages } from './late-pages.ts'
import type { PageEnd } from './page-event.ts'
import { beginPageSpan, endPageSpan } from './page-span.ts'
import { answeredResult } from './page-result.ts'
import { endOfPage, type PlannedPage, type RecognizeServices } from './recognize.ts'

/** Pages of a request that are known when it begins. */
export interface FoundPages {
  /** Returns the end of each page that is known and to which nothing is to be added; null for others: they are to be read. */
  readonly find: (planned: readonly PlannedPage[], signal: AbortSignal) => Promise<(PageEnd | null)[]>
  /** Returns a page as it is to be read: with the answer that was found for it. */
  readonly toRead: (planned: PlannedPage) => PlannedPage
}

/**
 * Creates what finds a request's pages. A page that is found is not waited for, so it takes no flight, no signal and no promise
 * of its own. What takes more than its answer (values, pictures, formulas, another model) is left to `recognize`.
 */
export function createFoundPages(
  request: OcrRequest,
  services: RecognizeServices & { readonly finished: FinishedPages | undefined },
  late: LatePages,
): FoundPages {
  const { finished, reading } = services
  const answers = new Map<PlannedPage, PageAnswer>()
  const takesMore = request.routes != null || (request.fields ?? null) !== null

  /** Null where the page takes more than its answer. */
  function endOf(planned: PlannedPage, answer: PageAnswer): FoundPage | null {
    const { number, page } = planned
    const result = answeredResult(answer, request)
    if (result.error !== null || result.surePieces !== undefined || !isComplete(result, request, services)) return null
    if (answer.agreement !== null) page.level.note(answer.agreement)
    endPageSpan(beginPageSpan(request, number), result)
    late.inTime(result)
    return { result, page }
  }

  return {
    async find(planned, signal) {
      const startedAt = performance.now()
      const pages = planned.map(({ page }) => page)
      const found = await reading.findKnown(pages, signal)
      const seconds = (performance.now() - startedAt) / 1000
      const isOver = signal.aborted || late.deadline.aborted || late.leaving.aborted
      const counted: FoundPage[] = []
      const ends = planned.map((one, index) => {
        const answer = found[index] ?? null
        if (answer === null || finished?.has(one.number.page) === true) return null
        const known = isOver || takesMore ? null : endOf(one, answer)
        if (known === null) answers.set(one, answer)
        else counted.push(known)
        return known === null ? null : endOfPage(one, known.result)
      })
      countFound(counted, request, seconds, services)
      for (const end of ends) if (end !== null) await finished?.add(end.page.page, end.result)
      return ends
    },
    toRead(planned) {
      const known = answers.get(planned)
      if (known === undefined) return planned
      answers.delete(planned)
      return { ...planned, page: { ...planned.page, known } }
    },
  }
}
