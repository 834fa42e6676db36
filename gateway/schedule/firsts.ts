import type { Turn } from './turn.ts'

/** One key may have so large a part of the places beyond. */
const PART_OF_A_KEY = 0.5

/**
 * First pages of requests may be so large a share of the limit, beyond it. A server that takes all pages at once works at them from
 * then on; where pages wait in a server's own queue, they come as far forward there as they would have come here.
 */
const SHARE_BEYOND = 1 / 8

/** Returns how many pages more than so many may be at a server, where they are the first ones of requests. */
export const placesBeyond = (places: number): number => Math.max(1, places * SHARE_BEYOND)

/** Which requests hold places, and who has one beyond them: a request's first page need not wait until a long document's are through. */
export interface Firsts {
  /** Places beyond that are held. */
  readonly beyond: number
  /** Whether a request holds a place. */
  readonly holds: (turn: Pick<Turn, 'request'>) => boolean
  /** Whether a page may have one of so many places beyond. */
  readonly mayGo: (turn: Turn, most: number) => boolean
  /** Counts a place; returns how it is given back. */
  readonly hold: (turn: Pick<Turn, 'key' | 'request'>, isBeyond: boolean) => () => void
}

/** Creates it, with no place held. */
export function createFirsts(): Firsts {
  const requests = createCounts()
  const keysBeyond = createCounts()
  let beyond = 0
  return {
    get beyond() {
      return beyond
    },
    holds: ({ request }) => requests.of(request) > 0,
    mayGo: ({ lane, key, request }, most) =>
      lane === 'interactive' &&
      requests.of(request) === 0 &&
      beyond < most &&
      keysBeyond.of(key) < most * PART_OF_A_KEY,
    hold({ key, request }, isBeyond) {
      const change = (by: 1 | -1) => {
        requests.change(request, by)
        if (!isBeyond) return
        keysBeyond.change(key, by)
        beyond += by
      }
      change(1)
      return () => change(-1)
    },
  }
}

/** How often each name is there; those that are not cost nothing. */
function createCounts() {
  const counts = new Map<string, number>()
  const of = (name: string) => counts.get(name) ?? 0
  return {
    of,
    change(name: string, by: 1 | -1): void {
      const count = of(name) + by
      if (count === 0) counts.delete(name)
      else counts.set(name, count)
    },
  }
}
