import { randomUUID } from 'node:crypto'
import { GatewayError } from '../errors.ts'
import { dayOf, monthOf, nextMonth } from './counts.ts'
import { inTime } from './in-time.ts'
import type { BudgetState, Hold, UsageStore } from './store.ts'

/** What budgets are made of. */
export interface BudgetOptions {
  readonly store: Pick<UsageStore, 'hold'>
  /** Returns how many pages a caller may have read in a month; null: any number. */
  readonly budgetOf: (key: string) => Promise<number | null>
  readonly onTrouble: (error: unknown) => void
  readonly now: () => number
}

/** Holds pages of a caller's month for a request; null: it needs none. Throws `rate_limit_exceeded`. */
export type HoldPages = (key: string, pages: number) => Promise<Hold | null>

/** A store that did not answer is not asked for so long: each request would wait for it. In milliseconds. */
const PAUSE = 2000
/** How long a request waits for its pages, in milliseconds. */
const PATIENCE = 500

/**
 * Creates what holds pages. While the store is away nobody is refused for that: what is read is charged all the same, when it is
 * back.
 */
export function createBudgets({ store, budgetOf, onTrouble, now }: BudgetOptions): HoldPages {
  let askAt = -Infinity
  return async function holdPages(key, pages) {
    const limit = pages === 0 ? null : await budgetOf(key)
    if (limit === null || performance.now() < askAt) return null
    const day = dayOf(now())
    const wanted: Hold = { id: randomUUID(), key, month: monthOf(day), pages }
    // What is held too late is nobody's soon.
    const state = await inTime(store.hold(wanted, limit), PATIENCE).catch((error: unknown) => {
      askAt = performance.now() + PAUSE
      onTrouble(error)
      return null
    })
    if (state === null) return null
    if (!state.isHeld) throw overBudget({ key, limit, pages, day }, state)
    return wanted
  }
}

/** Pages that a request wants read, of a caller whose month has so many. */
interface BudgetWish {
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
function overBudget(wish: BudgetWish, { charged, held }: BudgetState): GatewayError {
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
