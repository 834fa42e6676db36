import { setTimeout as delay } from 'node:timers/promises'
import { createBudgets, type BudgetOptions } from './budget.ts'
import { inTime } from './in-time.ts'
import { dayOf, type Counts, type UsageRow, type Who } from './counts.ts'
import { createHolds } from './holds.ts'
import { createKeeper } from './keeper.ts'
import { createPending } from './pending.ts'
import type { UsageStore } from './store.ts'

/** Counts what callers use, once, in one place. */
export interface UsageMeter {
  add(who: Who, counts: Partial<Counts>): void
  /** Opens the account of a request that wants so many pages read. Throws `rate_limit_exceeded`, and what finding the caller throws. */
  open(who: Who, pages: number): Promise<RequestAccount>
  /** Yields what all processes have counted, by day; of this one all, of others all but the last second. */
  days(from: string, to: string): AsyncIterable<readonly UsageRow[]>
  /** Keeps what was counted until now. */
  close(): Promise<void>
}

/** What one request uses. Disposing it gives back what it holds of a budget. */
export interface RequestAccount extends AsyncDisposable {
  /** Counts for a model; left out: that of the request. */
  add(counts: Partial<Counts>, model?: string): void
}

/** What a meter needs. */
export interface UsageMeterOptions {
  readonly store: UsageStore
  readonly budgetOf: BudgetOptions['budgetOf']
  /** Told of the first failure to keep what was counted; and at the end, of what is lost. */
  readonly onTrouble: (error: unknown, lost: number | null) => void
  /** Milliseconds of Unix time. */
  readonly now?: () => number
  readonly everyMs?: number
  /** How long the end may wait for a store that does not answer. */
  readonly closeMs: number
}

const EVERY_MS = 1000
/** How long the end of a request waits until what it held is given back, in milliseconds. */
const PATIENCE = 500

/** Creates a meter; it keeps what it has counted each second. */
export function createUsageMeter(options: UsageMeterOptions): UsageMeter {
  const { store, budgetOf, onTrouble, now = Date.now, everyMs = EVERY_MS, closeMs } = options
  const pending = createPending()
  const holds = createHolds()
  const keeper = createKeeper(store, pending, holds, now)
  const trouble = onceAtATime((error) => onTrouble(error, null))
  const holdPages = createBudgets({ store, budgetOf, onTrouble: trouble.tell, now })
  const keep = (): Promise<void> => keeper.flush().then(trouble.isOver, trouble.tell)
  const timer = setInterval(() => void keep(), everyMs)
  timer.unref()

  function add({ key, model }: Who, counts: Partial<Counts>): void {
    pending.add({ day: dayOf(now()), key, model, counts })
  }

  return {
    add,
    async open(who, pages) {
      const held = await holdPages(who.key, pages)
      if (held === null)
        return {
          add: (counts, model = who.model) => add({ ...who, model }, counts),
          [Symbol.asyncDispose]: async () => {},
        }
      holds.add(held)
      return {
        add(counts, model = who.model) {
          add({ ...who, model }, counts)
          holds.shrink(held.id, counts.pagesCharged ?? 0)
        },
        async [Symbol.asyncDispose]() {
          holds.shrink(held.id, held.pages)
          await Promise.race([keep(), delay(PATIENCE, undefined, { ref: false })])
        },
      }
    },
    async *days(from, to) {
      await keeper.flush()
      yield* store.days(from, to)
    },
    async close() {
      clearInterval(timer)
      await inTime(keeper.flush(), closeMs).catch((error: unknown) => onTrouble(error, keeper.rows))
    },
  }
}

/** Tells of a trouble once, until it is over. */
function onceAtATime(tell: (error: unknown) => void) {
  let isTold = false
  return {
    tell: (error: unknown): void => {
      if (!isTold) tell(error)
      isTold = true
    },
    isOver: (): void => void (isTold = false),
  }
}
