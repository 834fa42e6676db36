import { addTo, NOTHING, OTHERS, type Counts, type UsageRow, type Who } from './counts.ts'

/** What was counted and is not kept yet. */
export interface Pending {
  add(row: Who & { readonly day: string; readonly counts: Partial<Counts> }): void
  /** Hands it over, and begins anew. */
  take(): UsageRow[]
  readonly rows: number
}

/** So many callers and models are told apart while nothing can be kept. */
const MOST_ROWS = 2000

/** Creates it: nothing so far. */
export function createPending(mostRows = MOST_ROWS): Pending {
  let rows = new Map<string, UsageRow & { readonly counts: Record<keyof Counts, number> }>()
  return {
    add({ day, key: caller, model, counts }) {
      const nameOf = (key: string): string => JSON.stringify([day, key, model])
      const own = nameOf(caller)
      const isTold = rows.size < mostRows || rows.has(own)
      const [key, name] = isTold ? [caller, own] : [OTHERS, nameOf(OTHERS)]
      const row = rows.get(name) ?? { day, key, model, counts: { ...NOTHING } }
      addTo(row.counts, counts)
      rows.set(name, row)
    },
    take() {
      const taken = [...rows.values()]
      rows = new Map()
      return taken
    },
    get rows() {
      return rows.size
    },
  }
}
