import type { Holds } from './holds.ts'
import type { Pending } from './pending.ts'
import type { UsageBatch, UsageStore } from './store.ts'

/** Brings what was counted to the store. */
export interface Keeper {
  /** Keeps all that was counted until now. Throws what the store throws: then it is kept the next time. */
  flush(): Promise<void>
  /** Rows that are not kept yet. */
  readonly rows: number
}

/** Creates it. */
export function createKeeper(
  store: Pick<UsageStore, 'add'>,
  pending: Pending,
  holds: Pick<Holds, 'take'>,
  now: () => number,
): Keeper {
  let unsent: UsageBatch | null = null
  let number = 0

  function nextBatch(): UsageBatch | null {
    const told = holds.take(now())
    if (pending.rows === 0 && told.length === 0) return null
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
      if (!isOld) return
    }
  }

  return {
    flush: inTurn(send),
    get rows() {
      return pending.rows + (unsent?.rows.length ?? 0)
    },
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
