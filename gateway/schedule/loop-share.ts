/** How long long work may hold the event loop at a time, all of it together: `/health` must answer between two slices. */
const SLICE_MS = 10

// There is one event loop in the process, so there is one line before it.
const waiting: (() => void)[] = []
let sliceBegan = -Infinity

/**
 * Lets everything else have its turn, where long work has held the event loop for a while. Work that takes more than some
 * milliseconds calls it between its steps; of many that wait, one goes on each turn.
 */
export async function shareLoop(): Promise<void> {
  if (waiting.length === 0 && performance.now() - sliceBegan < SLICE_MS) return
  await new Promise<void>((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(nextSlice)
  })
}

function nextSlice(): void {
  sliceBegan = performance.now()
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(nextSlice)
}
