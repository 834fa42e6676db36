import type { GatewayError } from '../errors.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { timeIsUp, type Deadline } from './deadline.ts'
import type { KeptReading } from './kept-readings.ts'
import type { PageResult } from './page-event.ts'

/** Decides what becomes of the pages of a request that are not read when its client's time is up. */
export interface LatePages {
  readonly deadline: AbortSignal
  /** Notes a page that was read in time. */
  inTime(result: PageResult): void
  /** Takes over the reading of a page that an engine may be at; false: it is of no use to anybody, and must be aborted. */
  takeOver(reading: KeptReading): boolean
  /** Notes a page that was not read in time. Throws where that fails the request. */
  late(): void
  /** Throws when the request has no page but late ones. */
  end(): void
  /** The readings that were taken over. */
  readonly kept: readonly KeptReading[]
}

/** Creates the decision for a request of so many pages; `keepsAnswers`: there is a cache in which a page can be found again. */
export function createLatePages(
  request: Pick<OcrRequest, 'cache' | 'onDeadline'>,
  { signal, isHopeless }: Deadline,
  pages: number,
  keepsAnswers: boolean,
): LatePages {
  const kept: KeptReading[] = []
  let done = 0
  let late = 0
  const error = (): GatewayError => timeIsUp(request, { done, pages, isHopeless, keepsAnswers })
  // A request that fails is sent again. One that is answered may never be.
  const willFail = (): boolean => request.onDeadline === 'fail' || done === 0
  return {
    deadline: signal,
    inTime({ error: failure, isFallback }) {
      if (failure === null && !isFallback) done += 1
    },
    takeOver(reading) {
      const isUseful = keepsAnswers && request.cache !== 'off' && willFail()
      if (isUseful) kept.push(reading)
      return isUseful
    },
    late() {
      if (request.onDeadline === 'fail') throw error()
      late += 1
    },
    end() {
      if (late > 0 && late === pages) throw error()
    },
    kept,
  }
}
