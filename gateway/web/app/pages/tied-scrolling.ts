import { useEffect, useRef } from 'preact/hooks'
import type { Side } from './reading-view.tsx'
import type { ListHandle, Place } from './virtual-list.tsx'

/** Two lists that show the same page. */
export interface Tie {
  /** What a list needs to be tied. */
  list(side: Side): { readonly handle: { current: ListHandle | null }; readonly onScroll: () => void }
  /** What makes a side the one that the other follows: whoever touches it. */
  lead(side: Side): {
    readonly onPointerEnter: () => void
    readonly onPointerDown: () => void
    readonly onWheel: () => void
    readonly onFocusCapture: () => void
  }
  /** In pixels. */
  width(side: Side): number
  /** Shows an item on both sides. */
  goTo(index: number): void
  /** Goes on by so many items, or back. */
  turn(items: number, count: number): void
}

/** Items of which less is left in view have been passed. */
const PASSED_SHARE = 0.9

/** Ties two lists to each other: where one is scrolled, the other follows to the same page. */
export function useTiedScrolling(side: Side, onLook: (index: number) => void): Tie {
  const lists = {
    pages: useRef<ListHandle | null>(null),
    text: useRef<ListHandle | null>(null),
  }
  const leader = useRef<Side | null>(null)
  const place = useRef<Place>({ index: 0, share: 0 })
  const frame = useRef(0)

  /** The side that was hidden catches up once it is shown. */
  useEffect(() => lists[side].current?.goTo(place.current), [side])
  useEffect(() => () => cancelAnimationFrame(frame.current), [])

  const follow = (led: Side): void => {
    const list = lists[led].current
    if (list === null || leader.current !== led) return
    place.current = list.place()
    lists[led === 'pages' ? 'text' : 'pages'].current?.goTo(place.current)
    onLook(place.current.index)
  }
  const goTo = (index: number): void => {
    leader.current = null
    place.current = { index, share: 0 }
    lists.pages.current?.goTo(place.current)
    lists.text.current?.goTo(place.current)
    onLook(index)
  }
  return {
    list: (side) => ({
      handle: lists[side],
      onScroll: () => {
        if (leader.current !== side) return
        cancelAnimationFrame(frame.current)
        frame.current = requestAnimationFrame(() => follow(side))
      },
    }),
    lead: (side) => {
      const take = (): void => {
        leader.current = side
      }
      return { onPointerEnter: take, onPointerDown: take, onWheel: take, onFocusCapture: take }
    },
    width: (side) => lists[side].current?.width() ?? 0,
    goTo,
    turn: (items, count) => {
      const { index, share } = place.current
      const from = share > PASSED_SHARE ? index + 1 : index
      if (count > 0) goTo(Math.min(count - 1, Math.max(0, from + items)))
    },
  }
}
