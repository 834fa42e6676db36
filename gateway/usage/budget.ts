import { GatewayError } from '../errors.ts'
import { nextMonth } from './counts.ts'
import type { BudgetState } from './store.ts'

/** Pages that a request wants read, of a caller whose month has so many. */
export interface BudgetWish {
  readonly key: string
  readonly limit: number
  readonly pages: number
  /** `2026-11-28` */
  readonly day: string
}

/** Others give back what they hold and do not need, in seconds. */
const RETRY_AFTER_SECONDS = 5

/**
 * Returns why a request has no pages of a budget: those that are left are too few until the next month, or others hold them
 * now, who may not need them all.
 */
export function overBudget(wish: BudgetWish, { charged, held }: BudgetState): GatewayError {
  const { key, limit, pages, day } = wish
  const left = Math.max(0, limit - charged)
  const rule = `${key} may have ${limit} pages read in a month, of which ${charged} were read. ${left} are left`
  const wanted = `this request has ${pages} that are not in the cache`
  if (pages <= left) {
    return new GatewayError(
      'rate_limit_exceeded',
      `${rule}, ${held} of them are held for requests that are being answered, and ${wanted}. Send it again in ${RETRY_AFTER_SECONDS} seconds.`,
      { retryAfterSeconds: RETRY_AFTER_SECONDS },
    )
  }
  const fewer = left === 0 ? '' : ' Ask for fewer pages with ocr.pages, or'
  return new GatewayError(
    'rate_limit_exceeded',
    `${rule}, and ${wanted}.${fewer}${fewer === '' ? ' Have' : ' have'} pages_per_month of the key raised: the next month begins at ${nextMonth(day)}T00:00:00Z.`,
    { retry: false },
  )
}
