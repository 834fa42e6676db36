import { GatewayError } from '../errors.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { timeIsUp, type Deadline } from './deadline.ts'
import type { KeptReading } from './kept-readings.ts'
import type { PageResult } from './page-event.ts'

/** Decides what becomes of the pages of a request that are not read when its client's time is up, or the gateway's. */
export interface LatePages {
  readonly deadline: AbortSignal
  /** Fires when nothing more is to be begun: the pages that an engine has taken are read to their end. */
  readonly leaving: AbortSignal
  /** Notes a page that was read in time. */
  inTime(result: PageResult): void
  /** Takes over the reading of a page that an engine may be at; false: it is of no use to anybody, and must be aborted. */
  takeOver(reading: KeptReading): boolean
  /** Takes over the reading of a page that an engine has taken, whose client has left and comes again; false as above. */
  leave(reading: KeptReading): boolean
  /** Notes a page that was not read in time. Throws where that fails the request at once. */
  late(): void
  /** Whether a page was not begun, because the gateway stops: the request will fail. */
  readonly isCut: boolean
  /** Throws when the request was cut, or has no page but late ones. */
  end(): void
  /** The readings that were taken over. */
  readonly kept: readonly KeptReading[]
}

/** Where requests end before their pages do. */
export interface LateServices {
  /** Whether there is a cache in which a page can be found again. */
  readonly keepsAnswers: boolean
  /** Aborted when the client has left. */
  readonly client: AbortSignal
  readonly leaving: AbortSignal
}

/** Creates the decision for a request of so many pages. */
export function createLatePages(
  request: Pick<OcrRequest, 'cache' | 'onDeadline' | 'onDisconnect'>,
  { signal, isHopeless }: Deadline,
  pages: number,
  { keepsAnswers, leaving, client }: LateServices,
): LatePages {
  const kept: KeptReading[] = []
  let done = 0
  let late = 0
  let cut = 0
  const error = (): GatewayError => timeIsUp(request, { done, pages, isHopeless, keepsAnswers })
  // A request that fails is sent again. One that is answered may never be.
  const willFail = (): boolean => request.onDeadline === 'fail' || done === 0
  const keep = (reading: KeptReading): boolean => {
    const isUseful = keepsAnswers && request.cache !== 'off'
    if (isUseful) kept.push(reading)
    return isUseful
  }
  return {
    deadline: signal,
    leaving,
    inTime({ error: failure, isFallback }) {
      if (failure === null && !isFallback) done += 1
    },
    takeOver: (reading) => willFail() && keep(reading),
    // A refresh that is sent again begins anew.
    leave: (reading) => client.aborted && request.onDisconnect === 'finish' && request.cache === 'use' && keep(reading),
    late() {
      if (!signal.aborted) {
        cut += 1
        return
      }
      if (request.onDeadline === 'fail') throw error()
      late += 1
    },
    get isCut() {
      return cut > 0
    },
    end() {
      if (cut > 0) throw stopped(done, pages)
      if (late > 0 && late === pages) throw error()
    },
    kept,
  }
}

function stopped(done: number, pages: number): GatewayError {
  const message = `This gateway stops, and begins no more pages: ${done} of ${pages} are read. Send the request again: what the cache keeps is not read again.`
  return new GatewayError('draining', message)
}
