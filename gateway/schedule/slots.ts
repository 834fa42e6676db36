import { createLaneRoom } from './lane-room.ts'
import { createTurnQueue, type TurnQueue } from './turn-queue.ts'
import type { Turn } from './turn.ts'

/** Gives a slot back; calling it again does nothing. */
export type Release = () => void

/** Permission to run, for so many at a time. */
export interface Slots {
  /** Waits for a slot; those who wait take turns. Throws the signal's reason when aborted before there is one. */
  acquire(turn: Turn, signal: AbortSignal): Promise<Release>
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

  function wait(turn: Turn, signal: AbortSignal): Promise<Release> {
    const granted = inQueue(queue, turn, () => grant(turn), signal)
    // Those who wait may all be of the lane that has no room.
    refill()
    return granted
  }

  return {
    async acquire(turn, signal) {
      signal.throwIfAborted()
      if (queue.size === 0 && hasRoom(turn.lane)) return grant(turn)
      return firsts.mayGo(turn, beyond(capacity())) ? grant(turn, true) : await wait(turn, signal)
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

/** One key may have so large a part of the slots beyond the capacity. */
const PART_OF_A_KEY = 0.5

/**
 * Which requests hold slots, and who has one beyond the capacity. A request's first page has to be ready when the next place
 * is free: if it were drawn only then, pages of long documents that are drawn already would take all places of a small
 * server, and it would wait for another round.
 */
function createFirsts() {
  const requests = createCounts()
  const keysBeyond = createCounts()
  let beyond = 0
  return {
    get beyond() {
      return beyond
    },
    /** Whether a page may have one of so many slots beyond the capacity. */
    mayGo: ({ lane, key, request }: Turn, most: number): boolean =>
      lane === 'interactive' &&
      requests.of(request) === 0 &&
      beyond < most &&
      keysBeyond.of(key) < most * PART_OF_A_KEY,
    /** Counts a slot; returns how it is given back. */
    hold({ key, request }: Pick<Turn, 'key' | 'request'>, isBeyond: boolean): () => void {
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

/** Waits in a queue until it is said that there is a slot. */
function inQueue(
  queue: TurnQueue<() => void>,
  turn: Turn,
  grant: () => Release,
  signal: AbortSignal,
): Promise<Release> {
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
    queue.push(turn, admit)
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
