import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core'
import type { ComponentChildren, VNode } from 'preact'
import { useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks'

/** A list of which only what is near the view is in the document. */
export interface ListHandle {
  /** Which item stands at the upper edge, and how much of it is above. */
  place(): Place
  /** In pixels. */
  width(): number
  goTo(place: Place): void
}

/** A place in a list: an item, and a share of its height. */
export interface Place {
  readonly index: number
  readonly share: number
}

interface Props {
  readonly label: string
  readonly count: number
  readonly keyOf: (index: number) => number
  /** The height of an item before it was ever seen, in pixels. */
  readonly estimate: (index: number) => number
  readonly children: (index: number) => ComponentChildren
  readonly onScroll: () => void
  readonly handle: { current: ListHandle | null }
}

/** So many items beside those in view are drawn. */
const OVERSCAN = 2

/** Shows a list that may be long. */
export function VirtualList({ label, count, keyOf, estimate, children, onScroll, handle }: Props): VNode {
  const scroller = useRef<HTMLDivElement>(null)
  const virtualizer = useVirtualizer(scroller, { count, keyOf, estimate })
  handle.current = handleOf(virtualizer, scroller)
  const items = virtualizer.getVirtualItems()
  const height = `${virtualizer.getTotalSize()}px`
  return (
    <div class="list" ref={scroller} onScroll={onScroll} tabIndex={0} role="region" aria-label={label}>
      <ol class="list-items" style={{ height }}>
        {items.map(({ key, index, start }) => (
          <li
            key={key}
            class="list-item"
            data-index={index}
            aria-setsize={count}
            aria-posinset={index + 1}
            ref={virtualizer.measureElement}
            style={{ transform: `translateY(${start}px)` }}
          >
            {children(index)}
          </li>
        ))}
      </ol>
    </div>
  )
}

type ListVirtualizer = Virtualizer<HTMLDivElement, HTMLLIElement>

function useVirtualizer(
  scroller: { readonly current: HTMLDivElement | null },
  { count, keyOf, estimate }: Pick<Props, 'count' | 'keyOf' | 'estimate'>,
): ListVirtualizer {
  const [, redraw] = useReducer<number, null>((times) => times + 1, 0)
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: estimate,
    getItemKey: keyOf,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    overscan: OVERSCAN,
    onChange: () => redraw(null),
  }
  const [virtualizer] = useState(() => new Virtualizer<HTMLDivElement, HTMLLIElement>(options))
  virtualizer.setOptions(options)
  /* oxlint-disable no-underscore-dangle -- These two are what the package wants its adapters to call. */
  useLayoutEffect(() => virtualizer._didMount(), [])
  useLayoutEffect(() => virtualizer._willUpdate())
  /* oxlint-enable no-underscore-dangle */
  return virtualizer
}

function handleOf(virtualizer: ListVirtualizer, scroller: { readonly current: HTMLDivElement | null }): ListHandle {
  return {
    place: () => {
      const offset = scroller.current?.scrollTop ?? 0
      const item = virtualizer.getVirtualItemForOffset(offset)
      if (item === undefined) return { index: 0, share: 0 }
      return { index: item.index, share: item.size > 0 ? (offset - item.start) / item.size : 0 }
    },
    width: () => scroller.current?.clientWidth ?? 0,
    goTo: ({ index, share }) => {
      const start = virtualizer.getOffsetForIndex(index, 'start')?.[0]
      if (start === undefined) return
      const size = virtualizer.measurementsCache[index]?.size ?? 0
      virtualizer.scrollToOffset(start + share * size, { align: 'start' })
    },
  }
}
