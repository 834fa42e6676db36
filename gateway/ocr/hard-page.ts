import { isFarBelow, type AgreementLevel } from '../read/evidence/agreement-level.ts'
import { attemptReasons, type AttemptReason } from '../read/page-answer.ts'
import type { ErrorCode } from '../errors.ts'
import type { PageResult } from './page-event.ts'

/** What an engine has failed at, another one may read. What could not be drawn, none can. */
const ENGINE_ERRORS: ReadonlySet<ErrorCode> = new Set(['engine_error', 'engine_unavailable', 'engine_timeout'])

/** Tells whether a page is worth asking another model for: it was not read, or its text layer says something else. */
export function isHard(result: PageResult, level: AgreementLevel): boolean {
  if (result.status === 'blank') return false
  if (result.error !== null) return ENGINE_ERRORS.has(result.error.code)
  return result.status === 'fallback' || disagrees(result, level)
}

function disagrees({ agreement, warnings }: PageResult, level: AgreementLevel): boolean {
  return warnings.some(({ code }) => code === 'text_disagrees') || (agreement !== null && isFarBelow(agreement, level))
}

/** Tells whether another model's reading of a hard page is better than that of the page's own. */
export function isBetter(other: PageResult, own: PageResult): boolean {
  if (other.status !== 'ok' && other.status !== 'repaired') return false
  if (own.error !== null || own.status === 'fallback') return true
  return (other.agreement ?? 0) > (own.agreement ?? 0)
}

/** Returns the page as another model has read it: repaired, after all attempts that did not count. */
export function repairedBy(other: PageResult, own: PageResult): PageResult {
  const uncounted = own.reasons.length < own.attempts ? [reasonOf(own)] : []
  return {
    ...other,
    status: 'repaired',
    attempts: own.attempts + other.attempts,
    reasons: [...own.reasons, ...uncounted, ...other.reasons],
  }
}

/** Why the last attempt does not count after all. */
function reasonOf({ error }: PageResult): AttemptReason {
  if (error === null) return 'low_agreement'
  return attemptReasons.find((reason) => reason === error.code) ?? 'engine_error'
}
