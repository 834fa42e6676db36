import type { Owners, Shares } from './shares.ts'
import type { Turn } from './turn.ts'

/**
 * A queue in which owners take turns: interactive work goes before batch work, keys take turns, and so do the requests of
 * a key. A request with a thousand items does not hold up one with a single item. No item is in it twice.
 */
export interface TurnQueue<Item> {
  readonly size: number
  /** Items of one lane. */
  sizeOf(lane: Turn['lane']): number
  /** An item moves when its turn changes: to the end of its new owner's. `isAgain`: it was out before, and comes before those that were not. */
  push(turn: Turn, item: Item, isAgain?: boolean): void
  /**
   * Takes the longest-waiting item of the request whose turn it is; of interactive work alone where batch work may not go,
   * and of keys alone that may go now.
   */
  shift(mayBatch?: boolean, mayKey?: MayKey): Item | undefined
  /** Takes an item out, wherever it stands; false when it is not there. */
  remove(item: Item): boolean
  /** Takes everything, in no one's turn. */
  clear(): readonly Item[]
}

/** One item in so many is of the batch lane while both lanes have some, so that batch work does not starve. */
const BATCH_SHARE = 8

/** Says whether the work of a key may go now. */
type MayKey = (key: string) => boolean

/** Where an item stands. */
interface Place {
  readonly lane: Turn['lane']
  readonly owners: Owners
}

/** Creates an empty queue. With an account of shares, the turn is that of the owner who has had least; else it goes round. */
export function createTurnQueue<Item>(shares: Shares | null = null): TurnQueue<Item> {
  const lanes = { interactive: createRing<Item>(shares, []), batch: createRing<Item>(shares, []) }
  const places = new Map<Item, Place & { readonly forget: () => void }>()
  let sinceBatch = 0

  function nextLanes(mayBatch: boolean): readonly Ring<Item>[] {
    const { interactive, batch } = lanes
    if (batch.size === 0 || !mayBatch) return [interactive]
    if (interactive.size === 0) return [batch]
    sinceBatch = (sinceBatch + 1) % BATCH_SHARE
    return sinceBatch === 0 ? [batch, interactive] : [interactive, batch]
  }

  function push(turn: Turn, item: Item, isAgain = false): void {
    // Kept, because the turn may be another's by the time the item leaves.
    const place: Place = { lane: turn.lane, owners: [turn.key, turn.request] }
    const move = () => {
      if (remove(item)) push(turn, item, isAgain)
    }
    places.set(item, { ...place, forget: turn.onChange?.(move) ?? (() => {}) })
    shares?.arrive(turn)
    lanes[place.lane].push(place.owners, item, isAgain)
  }

  function forget(item: Item): void {
    const place = places.get(item)
    if (place === undefined) return
    place.forget()
    places.delete(item)
    const { lane, owners } = place
    shares?.leave({ lane, key: owners[0] ?? '', request: owners[1] ?? '' })
  }

  function remove(item: Item): boolean {
    const place = places.get(item)
    if (place === undefined) return false
    forget(item)
    return lanes[place.lane].remove(place.owners, item)
  }

  return {
    get size() {
      return places.size
    },
    sizeOf: (lane) => lanes[lane].size,
    push,
    shift(mayBatch = true, mayKey) {
      const item = firstOf(nextLanes(mayBatch), mayKey)
      if (item !== undefined) forget(item)
      return item
    },
    remove,
    clear() {
      const items = [...lanes.interactive.clear(), ...lanes.batch.clear()]
      for (const item of items) forget(item)
      return items
    },
  }
}

function firstOf<Item>(rings: readonly Ring<Item>[], mayKey?: MayKey): Item | undefined {
  for (const ring of rings) {
    const item = ring.shift(mayKey)
    if (item !== undefined) return item
  }
  return undefined
}

/** Items whose owners take turns, and within each owner the owners below. */
interface Ring<Item> {
  readonly size: number
  push(owners: Owners, item: Item, isAgain: boolean): void
  /** Only of an outer owner who may go. */
  shift(mayOwner?: MayKey): Item | undefined
  remove(owners: Owners, item: Item): boolean
  clear(): Item[]
}

/** All items of a ring have owners of the same depth, below those `above`. */
function createRing<Item>(shares: Shares | null, above: Owners): Ring<Item> {
  // Invariant: no owner is without items, and the first owner is the next among those who have had as much.
  const rings = new Map<string, Ring<Item>>()
  let size = 0

  function next(mayOwner: MayKey): string | undefined {
    const owners = rings.keys().filter(mayOwner)
    if (shares === null) return owners.next().value
    let least = Infinity
    let found: string | undefined
    for (const owner of owners) {
      const had = shares.had([...above, owner])
      if (had < least) [least, found] = [had, owner]
    }
    return found
  }

  return {
    get size() {
      return size
    },
    push([owner = '', ...inner], item, isAgain) {
      const ring =
        rings.get(owner) ?? (inner.length > 0 ? createRing<Item>(shares, [...above, owner]) : createLine<Item>())
      rings.set(owner, ring)
      ring.push(inner, item, isAgain)
      size++
    },
    shift(mayOwner = () => true) {
      const owner = next(mayOwner)
      const ring = owner === undefined ? undefined : rings.get(owner)
      if (owner === undefined || ring === undefined) return undefined
      const item = ring.shift()
      rings.delete(owner)
      if (ring.size > 0) rings.set(owner, ring)
      size--
      return item
    },
    remove([owner = '', ...inner], item) {
      const ring = rings.get(owner)
      if (ring?.remove(inner, item) !== true) return false
      if (ring.size === 0) rings.delete(owner)
      size--
      return true
    },
    clear() {
      const items = [...rings.values()].flatMap((ring) => ring.clear())
      rings.clear()
      size = 0
      return items
    },
  }
}

/** The items of one owner, first come first served: those before others that were out before. */
function createLine<Item>(): Ring<Item> {
  // A Set keeps its order and lets one leave from the middle without a search.
  const [again, items] = [new Set<Item>(), new Set<Item>()]
  return {
    get size() {
      return again.size + items.size
    },
    push: (_, item, isAgain) => void (isAgain ? again : items).add(item),
    shift() {
      const from = again.size > 0 ? again : items
      for (const item of from) {
        from.delete(item)
        return item
      }
      return undefined
    },
    remove: (_, item) => again.delete(item) || items.delete(item),
    clear() {
      const all = [...again, ...items]
      again.clear()
      items.clear()
      return all
    },
  }
}
