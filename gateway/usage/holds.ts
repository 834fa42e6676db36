import { LEASE, type Hold } from './store.ts'

/** The pages of budgets that this process holds for its requests. */
export interface Holds {
  add(hold: Hold): void
  /** Says that so many of its pages were read, or, of all of them, that they are not wanted any more. */
  shrink(id: string, pages: number): void
  /** Returns those of which the store has to be told, now and then all: what it has not heard of for long is nobody's. */
  take(now: number): Hold[]
}

const GIVEN_BACK = 0

/** Creates them: none so far. */
export function createHolds(): Holds {
  const holds = new Map<string, Hold>()
  const changed = new Set<string>()
  let renewedAt = -Infinity
  return {
    add: (hold) => void holds.set(hold.id, hold),
    shrink(id, pages) {
      const known = holds.get(id)
      if (known === undefined || pages === 0) return
      holds.set(id, { ...known, pages: Math.max(GIVEN_BACK, known.pages - pages) })
      changed.add(id)
    },
    take(now) {
      if (now - renewedAt > LEASE / 3) {
        renewedAt = now
        for (const id of holds.keys()) changed.add(id)
      }
      const taken = Array.from(changed, (id) => holds.get(id)).filter((hold) => hold !== undefined)
      changed.clear()
      for (const { id, pages } of taken) if (pages === GIVEN_BACK) holds.delete(id)
      return taken
    },
  }
}
