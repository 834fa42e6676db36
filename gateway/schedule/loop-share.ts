/** How long long work may hold the event loop at a time, all of it together: `/health` must answer between two slices. */
const SLICE_MS = 10

// There is one event loop in the process, so there is one line of each kind before it.
const slices = createLine()
const afterthoughts = createLine()
let sliceBegan = -Infinity

/**
 * Lets everything else have its turn, where long work has held the event loop for a while. Work that takes more than some
 * milliseconds calls it between its steps; of many that wait, one goes on each turn.
 */
export async function shareLoop(): Promise<void> {
  if (slices.isEmpty() && performance.now() - sliceBegan < SLICE_MS) return
  await slices.wait()
  sliceBegan = performance.now()
}

/**
 * Waits until what has come already is taken, and what it led to is sent; of many that wait, one goes on each turn. For work that nobody
 * outside waits for as urgently: where many answers end together, the next pages leave between two of those that are looked at.
 */
export function afterOthers(): Promise<void> {
  return afterthoughts.wait()
}

/** Creates a line of which one goes on each turn of the event loop. */
function createLine() {
  const waiting: (() => void)[] = []

  function next(): void {
    waiting.shift()?.()
    if (waiting.length > 0) setImmediate(next)
  }

  return {
    isEmpty: () => waiting.length === 0,
    wait: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve)
        // After a whole turn: what is sent now leaves at the end of this one.
        if (waiting.length === 1) setImmediate(setImmediate, next)
      }),
  }
}
