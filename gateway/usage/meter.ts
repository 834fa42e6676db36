import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { overBudget } from './budget.ts'
import { dayOf, monthOf, type Counts, type UsageRow, type Who } from './counts.ts'
import { createPending } from './pending.ts'
import { LEASE, type Hold, type UsageBatch, type UsageStore } from './store.ts'

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
  add(counts: Partial<Counts>): void
}

/** What a meter needs. */
export interface UsageMeterOptions {
  readonly store: UsageStore
  /** Returns how many pages a caller may have read in a month; null: any number. */
  readonly budgetOf: (key: string) => Promise<number | null>
  /** Told of the first failure to keep what was counted; and at the end, of what is lost. */
  readonly onTrouble: (error: unknown, lost: number | null) => void
  /** Milliseconds of Unix time. */
  readonly now?: () => number
  readonly everyMs?: number
}

const EVERY_MS = 1000
/** A store that did not answer is not asked for budgets for so long: each request would wait for it. In milliseconds. */
const PAUSE = 2000
/** How long a request waits for its pages of a budget, and until they are given back, in milliseconds. */
const PATIENCE = 500

/** Creates a meter; it keeps what it has counted each second. */
export function createUsageMeter(options: UsageMeterOptions): UsageMeter {
  const { store, budgetOf, onTrouble, now = Date.now, everyMs = EVERY_MS } = options
  const pending = createPending()
  const holds = new Map<string, Hold>()
  /** Holds that the store has to be told of. */
  const changed = new Set<string>()
  let unsent: UsageBatch | null = null
  let number = 0
  let isTroubled = false
  let renewedAt = -Infinity
  let askAt = -Infinity

  function nextBatch(): UsageBatch | null {
    if (now() - renewedAt > LEASE / 3) {
      renewedAt = now()
      for (const id of holds.keys()) changed.add(id)
    }
    if (pending.isEmpty && changed.size === 0) return null
    const told = Array.from(changed, (id) => holds.get(id)).filter((hold) => hold !== undefined)
    changed.clear()
    for (const { id, pages } of told) if (pages === GIVEN_BACK) holds.delete(id)
    number += 1
    return { number, rows: pending.take(), holds: told }
  }

  /** What could not be kept goes first, as it was: it may have been kept after all. */
  async function send(): Promise<void> {
    for (;;) {
      const isOld = unsent !== null
      unsent ??= nextBatch()
      if (unsent === null) return
      await store.add(unsent)
      unsent = null
      isTroubled = false
      if (!isOld) return
    }
  }

  const flush = inTurn(send)
  async function keep(): Promise<void> {
    await flush().catch((error: unknown) => {
      if (!isTroubled) onTrouble(error, null)
      isTroubled = true
    })
  }

  async function hold(key: string, pages: number): Promise<Hold | null> {
    const limit = pages === 0 ? null : await budgetOf(key)
    if (limit === null || performance.now() < askAt) return null
    const day = dayOf(now())
    const wanted: Hold = { id: randomUUID(), key, month: monthOf(day), pages }
    const state = await inTime(store.hold(wanted, limit)).catch((error: unknown) => {
      // Nobody is refused for that: what is read is charged all the same.
      askAt = performance.now() + PAUSE
      if (!isTroubled) onTrouble(error, null)
      isTroubled = true
      return null
    })
    if (state === null) return null
    if (!state.isHeld) throw overBudget({ key, limit, pages, day }, state)
    holds.set(wanted.id, wanted)
    return wanted
  }

  function change(id: string, charged: number): void {
    const known = holds.get(id)
    if (known === undefined) return
    holds.set(id, { ...known, pages: Math.max(GIVEN_BACK, known.pages - charged) })
    changed.add(id)
  }

  function add({ key, model }: Who, counts: Partial<Counts>): void {
    pending.add({ day: dayOf(now()), key, model, counts })
  }

  const timer = setInterval(() => void keep(), everyMs)
  timer.unref()
  return {
    add,
    async open(who, pages) {
      const held = await hold(who.key, pages)
      return {
        add(counts) {
          add(who, counts)
          if (held !== null) change(held.id, counts.pagesCharged ?? 0)
        },
        async [Symbol.asyncDispose]() {
          if (held === null) return
          change(held.id, Infinity)
          await Promise.race([keep(), delay(PATIENCE, undefined, { ref: false })])
        },
      }
    },
    async *days(from, to) {
      await flush()
      yield* store.days(from, to)
    },
    async close() {
      clearInterval(timer)
      await flush().catch((error: unknown) => onTrouble(error, pending.rows + (unsent?.rows.length ?? 0)))
    },
  }
}

const GIVEN_BACK = 0

/** What is held too late is nobody's soon. */
async function inTime<Result>(promise: Promise<Result>): Promise<Result> {
  const late = new AbortController()
  const timeout = delay(PATIENCE, undefined, { signal: late.signal, ref: false }).then(() => {
    throw new Error(`The store of usage has not answered for ${PATIENCE} ms.`)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    timeout.catch(() => {})
    late.abort()
  }
}

/** Runs something again for all who ask while it runs; who asks before it begins shares it. */
function inTurn(run: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | null = null
  return () => {
    next ??= last.then(() => {
      next = null
      return run()
    })
    const asked = next
    last = asked.catch(() => {})
    return asked
  }
}
