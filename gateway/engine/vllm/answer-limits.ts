import type { AnswerLimits } from './answer-timer.ts'

/**
 * The share of a page's time that one silence may take, so that an engine that hangs costs one attempt and not the
 * page.
 */
const MAX_SILENCE_SHARE = 1 / 3

/** Returns how long an engine may be silent: as configured, and no longer than a share of the page's whole time. */
export function answerLimits(configured: AnswerLimits, pageTimeoutSeconds: number): AnswerLimits {
  const max = pageTimeoutSeconds * MAX_SILENCE_SHARE
  return {
    firstTokenTimeoutSeconds: Math.min(configured.firstTokenTimeoutSeconds, max),
    idleTimeoutSeconds: Math.min(configured.idleTimeoutSeconds, max),
  }
}
