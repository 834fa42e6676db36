/** First in, first out. */
export interface Queue<Item> {
  readonly size: number
  push(item: Item): void
  shift(): Item | undefined
}

/** Creates an empty queue; taking the first of very many costs no more than of few. */
export function createQueue<Item>(): Queue<Item> {
  let items: Item[] = []
  let first = 0
  return {
    get size() {
      return items.length - first
    },
    push: (item) => void items.push(item),
    shift() {
      const item = items[first++]
      if (first > 1024 && first * 2 > items.length) [items, first] = [items.slice(first), 0]
      if (first > items.length) [items, first] = [[], 0]
      return item
    },
  }
}
