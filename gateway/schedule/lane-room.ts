import type { Turn } from './turn.ts'

/** Who is in the places of something, and who may still enter: batch work takes what interactive work leaves free. */
export interface LaneRoom {
  /** Counts one more of a lane; returns how it leaves. */
  enter(lane: Turn['lane']): () => void
  /** Counts one less of a lane for a while; returns how it comes back. */
  leave(lane: Turn['lane']): () => void
  /** How many more of a lane may enter where there are so many places. */
  room(lane: Turn['lane'], places: number): number
  /** Of so many places, those that batch work leaves free now for interactive work that may come. */
  kept(places: number): number
  /** Those inside. */
  readonly active: number
  /** Those of one lane. */
  count(lane: Turn['lane']): number
}

/** At most one place in so many is kept free: none where there are few, of which one becomes free soon. */
const KEPT_SHARE = 8
/** Places are kept for this time after interactive work has come, and once more, in milliseconds; batch work alone has all. */
const REMEMBERED_FOR = 30_000

/**
 * Creates the room, empty. Kept are as many places as interactive work has lately taken at a time. `beyond` is how many of
 * the places that batch work is in interactive work may have a second time.
 */
export function createLaneRoom({ beyond = () => 0, now = () => performance.now() }: LaneRoomOptions = {}): LaneRoom {
  const inside = { interactive: 0, batch: 0 }
  const most = createRecentMost(now)

  function kept(places: number): number {
    const wanted = Math.min(Math.floor(places / KEPT_SHARE), Math.max(inside.interactive, most.value()))
    return Math.max(0, wanted - inside.interactive)
  }

  const active = () => inside.interactive + inside.batch
  return {
    enter(lane) {
      inside[lane] += 1
      if (lane === 'interactive') most.note(inside.interactive)
      return () => void (inside[lane] -= 1)
    },
    leave(lane) {
      inside[lane] -= 1
      return () => void (inside[lane] += 1)
    },
    room(lane, places) {
      const free = places - active()
      if (lane === 'batch') return free - Math.min(Math.max(0, free), kept(places))
      return free + Math.min(inside.batch, beyond(places))
    },
    kept,
    get active() {
      return active()
    },
    count: (lane) => inside[lane],
  }
}

/** How a room is made. */
export interface LaneRoomOptions {
  readonly beyond?: (places: number) => number
  /** Milliseconds that never run backwards. */
  readonly now?: () => number
}

/** Remembers the most that there were at a time, for a while. */
function createRecentMost(now: () => number) {
  let current = { since: -Infinity, most: 0 }
  let before = 0
  function turn(): void {
    const age = now() - current.since
    if (age < REMEMBERED_FOR) return
    const isNext = age < 2 * REMEMBERED_FOR
    before = isNext ? current.most : 0
    current = { since: isNext ? current.since + REMEMBERED_FOR : now(), most: 0 }
  }
  return {
    note(count: number): void {
      turn()
      current.most = Math.max(current.most, count)
    },
    value(): number {
      turn()
      return Math.max(before, current.most)
    },
  }
}
