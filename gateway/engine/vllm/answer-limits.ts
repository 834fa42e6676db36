import type { AnswerLimits } from './answer-timer.ts'

/** An engine that hangs costs a page one attempt, whatever time the page has: no silence may take more of it than this share. */
const MAX_SILENCE_SHARE = 1 / 3

/** Returns how long an engine may be silent: as configured, and no longer than a good part of the page's whole time. */
export function answerLimits(configured: AnswerLimits, pageTimeoutSeconds: number): AnswerLimits {
  const max = pageTimeoutSeconds * MAX_SILENCE_SHARE
  return {
    firstTokenTimeoutSeconds: Math.min(configured.firstTokenTimeoutSeconds, max),
    idleTimeoutSeconds: Math.min(configured.idleTimeoutSeconds, max),
  }
}
