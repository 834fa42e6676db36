import { GatewayError } from '../errors.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { startTimeLimit } from '../schedule/time-limit.ts'

/** The share of the client's time that is kept for stitching and for sending the answer. */
const MARGIN_SHARE = 0.05
const MIN_MARGIN_MILLISECONDS = 1000
/** A client that gives no more than this has no use for being told to try again. */
const MIN_TIME_MILLISECONDS = 1000

/** When a request must be answered. */
export interface Deadline extends Disposable {
  /** Fires shortly before the client stops waiting. */
  readonly signal: AbortSignal
  /** Whether the time is too short to begin with. */
  readonly isHopeless: boolean
}

/** Starts the deadline of a request, once its documents are open. */
export function startDeadline(deadline: number | null): Deadline {
  if (deadline === null) return { signal: new AbortController().signal, isHopeless: false, [Symbol.dispose]() {} }
  const left = deadline - performance.now()
  const margin = Math.min(Math.max(MIN_MARGIN_MILLISECONDS, left * MARGIN_SHARE), left / 2)
  const limit = startTimeLimit(left - margin, () => new DOMException("The client's time is up.", 'TimeoutError'))
  return {
    signal: limit.signal,
    isHopeless: left <= MIN_TIME_MILLISECONDS,
    [Symbol.dispose]: () => limit[Symbol.dispose](),
  }
}

/** Returns the error of a request whose time was up: what is done, and whether asking again goes on from there. */
export function timeIsUp(
  { cache }: Pick<OcrRequest, 'cache'>,
  found: {
    readonly done: number
    readonly pages: number
    readonly isHopeless: boolean
    readonly keepsAnswers: boolean
  },
): GatewayError {
  const resumes = cache === 'use' && found.keepsAnswers
  const pages = `${found.done} of ${found.pages} ${found.pages === 1 ? 'page was' : 'pages were'} read`
  const advice = found.isHopeless
    ? 'That is too short to read anything: give it more time, or stream the answer.'
    : resumes
      ? 'Send the request again: it goes on from there, and the pages that are being read now are finished meanwhile. Or stream the answer, which has no time limit.'
      : `Asking again would begin anew, because ${cache === 'use' ? 'this gateway has no cache' : `ocr.cache is "${cache}"`}: give it more time, or stream the answer.`
  return new GatewayError(
    'engine_timeout',
    `${pages} in the time that the client gives (X-Stainless-Timeout, X-Stainless-Read-Timeout). ${advice} With ocr.on_deadline "partial" the pages that are done are the answer.`,
    { retry: resumes && !found.isHopeless },
  )
}
