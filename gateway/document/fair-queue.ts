/** A queue in which owners take turns: one with a thousand items does not hold up one with a single item. */
export interface FairQueue<Item> {
  readonly size: number
  push(owner: string, item: Item): void
  /** Takes the longest-waiting item of the owner whose turn it is. */
  shift(): Item | undefined
  remove(owner: string, item: Item): void
  /** Takes all items of an owner. */
  removeAll(owner: string): readonly Item[]
  /** Takes everything. */
  clear(): readonly Item[]
}

/** Creates an empty queue. */
export function createFairQueue<Item>(): FairQueue<Item> {
  // Invariant: no owner is without items, and the first owner is the next.
  const owners = new Map<string, Item[]>()
  let size = 0
  return {
    get size() {
      return size
    },
    push(owner, item) {
      const items = owners.get(owner)
      if (items === undefined) owners.set(owner, [item])
      else items.push(item)
      size++
    },
    shift() {
      for (const [owner, items] of owners) {
        const item = items.shift()
        owners.delete(owner)
        if (items.length > 0) owners.set(owner, items)
        size--
        return item
      }
      return undefined
    },
    remove(owner, item) {
      const items = owners.get(owner) ?? []
      const at = items.indexOf(item)
      if (at === -1) return
      items.splice(at, 1)
      if (items.length === 0) owners.delete(owner)
      size--
    },
    removeAll(owner) {
      const items = owners.get(owner) ?? []
      owners.delete(owner)
      size -= items.length
      return items
    },
    clear() {
      const items = [...owners.values()].flat()
      owners.clear()
      size = 0
      return items
    },
  }
}
