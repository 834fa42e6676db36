/** How much of a window is taken. */
export interface WindowState {
  readonly limit: number
  /** What is left of the window. */
  readonly remaining: number
  /** How long it lasts still, in milliseconds; 0: none has begun. */
  readonly resetMs: number
}

/** What was taken of a window. */
export interface Taken extends WindowState {
  readonly granted: number
}

/** What is asked of a window. */
export interface WindowWish {
  readonly name: string
  readonly limit: number
  readonly wanted: number
  /** Whether less than what is wanted is taken where there is no more. */
  readonly takesLess: boolean
}

/** Windows of a fixed length, each of which begins when the first of it is taken. */
export interface Windows {
  /** Takes of a window; with nothing wanted, it is only looked at. */
  take(wish: WindowWish): Promise<Taken>
}

/** Names that have not been asked for are forgotten when so many have been. */
const SWEEP_EVERY = 1000

/** Creates windows that only this process knows. */
export function createMemoryWindows(lengthMs: number, now = () => performance.now()): Windows {
  const windows = new Map<string, { used: number; readonly end: number }>()
  let asked = 0

  function sweep(): void {
    asked += 1
    if (asked % SWEEP_EVERY > 0) return
    for (const [name, { end }] of windows) if (end <= now()) windows.delete(name)
  }

  return {
    async take({ name, limit, wanted, takesLess }) {
      sweep()
      const known = windows.get(name)
      const current = known === undefined || known.end <= now() ? null : known
      const free = Math.max(0, limit - (current?.used ?? 0))
      const granted = wanted <= free ? wanted : takesLess ? free : 0
      if (granted === 0) return { granted, limit, remaining: free, resetMs: current === null ? 0 : current.end - now() }
      const window = current ?? { used: 0, end: now() + lengthMs }
      windows.set(name, window)
      window.used += granted
      return { granted, limit, remaining: free - granted, resetMs: window.end - now() }
    },
  }
}
