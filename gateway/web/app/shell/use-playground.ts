import { useEffect, useReducer } from 'preact/hooks'
import type { Playground } from '../state/playground.ts'
import type { PlaygroundState } from '../state/screen.ts'

/** The state of the playground; what uses it is drawn again when that changes. */
export function usePlayground(playground: Playground): PlaygroundState {
  const redraw = useRedraw()
  useEffect(() => playground.subscribe(redraw), [playground])
  return playground.state()
}

/** Draws again each second while something goes on. */
export function useTicks(isOn: boolean): void {
  const redraw = useRedraw()
  useEffect(() => {
    if (!isOn) return undefined
    const timer = setInterval(redraw, 1000)
    return () => clearInterval(timer)
  }, [isOn])
}

function useRedraw(): () => void {
  const [, redraw] = useReducer<number, null>((times) => times + 1, 0)
  return () => redraw(null)
}
