/** For how long a key is known for a slow task, and for having had any, in milliseconds. */
const SLOW_FOR = 10_000
const SEEN_FOR = 60_000
/** So many tasks in a row, two requests of one page, show that a key's are quick. */
const PROVEN_AFTER = 4
/** Where so many keys are known, the one that asked last the longest ago is forgotten. */
const MAX_KNOWN = 1000

/** How a key's tasks have been of late: 0 one was slow, 1 nothing is known, 2 all were quick. */
export type Rank = 0 | 1 | 2

/** How the tasks of each key have been: those of a lower rank leave what others need at once. */
export interface Standings {
  /** Notes that a key has a task. */
  noteSeen(key: string): void
  /** Notes that a task of a key was quick. */
  noteQuick(key: string): void
  /** Notes that a task of a key is slow, or was too much. */
  noteSlow(key: string): void
  rankOf(key: string): Rank
  /** The highest rank of the keys that had tasks of late. */
  highest(): Rank
  /** Whether these keys are not all of one rank. */
  areMixed(): boolean
}

interface Standing {
  seenAt: number
  slowAt: number
  quickInARow: number
}

/** Creates an account of no keys; `now` is in milliseconds. */
export function createStandings(now = () => performance.now()): Standings {
  // The one that asked last comes last.
  const known = new Map<string, Standing>()

  function note(key: string): Standing {
    const standing = known.get(key) ?? { seenAt: 0, slowAt: -Infinity, quickInARow: 0 }
    standing.seenAt = now()
    known.delete(key)
    known.set(key, standing)
    const [oldest] = known.keys()
    if (oldest !== undefined && known.size > MAX_KNOWN) known.delete(oldest)
    return standing
  }

  function rank({ slowAt, quickInARow }: Standing): Rank {
    if (quickInARow >= PROVEN_AFTER) return 2
    return now() - slowAt < SLOW_FOR ? 0 : 1
  }

  function ranks(): Set<Rank> {
    return new Set(
      known
        .values()
        .filter(({ seenAt }) => now() - seenAt < SEEN_FOR)
        .map(rank),
    )
  }

  return {
    noteSeen: (key) => void note(key),
    noteQuick: (key) => void (note(key).quickInARow += 1),
    noteSlow(key) {
      Object.assign(note(key), { slowAt: now(), quickInARow: 0 })
    },
    rankOf(key) {
      const standing = known.get(key)
      return standing === undefined ? 1 : rank(standing)
    },
    highest: () => (ranks().has(2) ? 2 : ranks().has(1) ? 1 : 0),
    areMixed: () => ranks().size > 1,
  }
}
