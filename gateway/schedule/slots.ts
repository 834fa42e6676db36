import { createFirsts } from './firsts.ts'
import { createLaneRoom } from './lane-room.ts'
import { createTurnQueue, type TurnQueue } from './turn-queue.ts'
import type { Turn } from './turn.ts'

/** Gives a slot back; calling it again does nothing. */
export type Release = () => void

/** Permission to run, for so many at a time. */
export interface Slots {
  /**
   * Waits for a slot; those who wait take turns, and what had one before (`isAgain`) comes before the others of its request. Throws the
   * signal's reason when aborted before there is one.
   */
  acquire(turn: Turn, signal: AbortSignal, isAgain?: boolean): Promise<Release>
  /** Lets in those for whom there is room since the capacity has grown. */
  refill(): void
  /** Lends a slot that its holder, of a lane, does not need for a while to the next; returns how to take it back, at once. */
  lend(lane: Turn['lane']): Release
  /** Slots held now. */
  readonly active: number
  /** Those waiting for one. */
  readonly waiting: number
}

/**
 * Creates slots; `capacity` is asked whenever a slot is wanted or given back. Interactive work may have so many `beyond` it
 * as batch work holds, and so many more go to requests that hold none yet.
 */
export function createSlots(capacity: () => number, beyond: (capacity: number) => number = () => 0): Slots {
  const queue = createTurnQueue<() => void>()
  const room = createLaneRoom({ beyond })
  const firsts = createFirsts()

  function grant({ lane, key, request }: Turn, isBeyond = false): Release {
    const leave = room.enter(lane)
    const forget = firsts.hold({ key, request }, isBeyond)
    let held = true
    return function release() {
      if (!held) return
      held = false
      leave()
      forget()
      refill()
    }
  }

  const hasRoom = (lane: Turn['lane']) => room.room(lane, capacity() + firsts.beyond) > 0

  function refill(): void {
    while (queue.size > 0 && hasRoom('interactive')) {
      const next = queue.shift(hasRoom('batch'))
      if (next === undefined) return
      next()
    }
  }

  function wait(turn: Turn, signal: AbortSignal, isAgain: boolean): Promise<Release> {
    const granted = inQueue((admit) => queue.push(turn, admit, isAgain), { queue, grant: () => grant(turn), signal })
    // Those who wait may all be of the lane that has no room.
    refill()
    return granted
  }

  return {
    async acquire(turn, signal, isAgain = false) {
      signal.throwIfAborted()
      if (queue.size === 0 && hasRoom(turn.lane)) return grant(turn)
      // It has to be ready when the next place is free: if it were drawn only then, pages of long documents that are drawn
      // already would take all places of a small server, and it would wait for another round.
      return firsts.mayGo(turn, beyond(capacity())) ? grant(turn, true) : await wait(turn, signal, isAgain)
    },
    refill,
    lend(lane) {
      const takeBack = room.leave(lane)
      refill()
      return takeBack
    },
    get active() {
      return room.active
    },
    get waiting() {
      return queue.size
    },
  }
}

/** Where a slot is waited for. */
interface Waiting {
  readonly queue: TurnQueue<() => void>
  readonly grant: () => Release
  readonly signal: AbortSignal
}

/** Waits in a queue until it is said that there is a slot. */
function inQueue(push: (admit: () => void) => void, { queue, grant, signal }: Waiting): Promise<Release> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      queue.remove(admit)
      reject(signal.reason)
    }
    // Granted here and not where the promise is awaited: nobody can slip in between.
    const admit = () => {
      signal.removeEventListener('abort', leave)
      resolve(grant())
    }
    push(admit)
    signal.addEventListener('abort', leave, { once: true })
  })
}

/** Slots of each model: one model's pages never take the room of another's. */
export interface ModelSlots {
  readonly slotsFor: (modelId: string) => Slots
  refill(): void
  /** Pages waiting, of all models. */
  readonly waiting: () => number
}

/** Creates slots for every model that is asked for; `capacityOf` is asked as createSlots asks `capacity`. */
export function createModelSlots(
  capacityOf: (modelId: string) => number,
  beyond?: (capacity: number) => number,
): ModelSlots {
  const slots = new Map<string, Slots>()
  return {
    slotsFor(modelId) {
      const known = slots.get(modelId) ?? createSlots(() => capacityOf(modelId), beyond)
      slots.set(modelId, known)
      return known
    },
    refill() {
      for (const each of slots.values()) each.refill()
    },
    waiting: () => [...slots.values()].reduce((sum, each) => sum + each.waiting, 0),
  }
}
