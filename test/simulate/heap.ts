/** What is due first comes out first; what was put in first, where both are due at once. */
export interface Heap<Item> {
  readonly size: number
  push(due: number, item: Item): void
  /** When the next one is due; `Infinity` where there is none. */
  nextDue(): number
  pop(): Item | undefined
  /** Takes an item out, wherever it is; false when it is not there. */
  remove(item: Item): boolean
}

interface Entry<Item> {
  readonly due: number
  readonly order: number
  readonly item: Item
}

/** Creates an empty heap. */
export function createHeap<Item>(): Heap<Item> {
  let entries: Entry<Item>[] = []
  let order = 0
  return {
    get size() {
      return entries.length
    },
    nextDue: () => entries[0]?.due ?? Infinity,
    push(due, item) {
      entries.push({ due, order: order++, item })
      rise(entries)
    },
    pop() {
      const first = entries[0]
      const last = entries.pop()
      if (entries.length > 0 && last !== undefined) sink(entries, last)
      return first?.item
    },
    remove(item) {
      const others = entries.filter((entry) => entry.item !== item)
      const isThere = others.length < entries.length
      entries = []
      for (const entry of others) {
        entries.push(entry)
        rise(entries)
      }
      return isThere
    },
  }
}

const isBefore = <Item>(a: Entry<Item>, b: Entry<Item>): boolean =>
  a.due < b.due || (a.due === b.due && a.order < b.order)

/** Moves the last entry up to where it belongs. */
function rise<Item>(entries: Entry<Item>[]): void {
  let at = entries.length - 1
  const entry = entries[at] as Entry<Item>
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(entry, entries[parent] as Entry<Item>)) break
    entries[at] = entries[parent] as Entry<Item>
    at = parent
  }
  entries[at] = entry
}

/** Puts an entry in the place of the first one, and moves it down to where it belongs. */
function sink<Item>(entries: Entry<Item>[], entry: Entry<Item>): void {
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= entries.length) break
    if (child + 1 < entries.length && isBefore(entries[child + 1] as Entry<Item>, entries[child] as Entry<Item>))
      child++
    if (!isBefore(entries[child] as Entry<Item>, entry)) break
    entries[at] = entries[child] as Entry<Item>
    at = child
  }
  entries[at] = entry
}
