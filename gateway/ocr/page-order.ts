/** How many pages run side by side, and until when. */
export interface PageOrderOptions {
  /** Pages in flight. */
  readonly lookahead: number
  /** Called with a page's index as soon as it has ended, before its turn in page order; must not throw. */
  readonly onEnd?: (index: number) => void
  readonly signal: AbortSignal
}

/**
 * Pages that may be started and not yet yielded, for each page of the lookahead. A slow page must not leave engines
 * idle, and an ended page is only a few kilobytes of text.
 */
const MAX_AHEAD = 16

/** A page that has been started. */
interface Run<Result> {
  /** Never rejects. */
  readonly outcome: Promise<PromiseSettledResult<Result>>
}

/**
 * Runs pages side by side and yields their results in page order. When the consumer leaves or a page throws, every run
 * is aborted, and the generator ends only after all of them have.
 */
export async function* inPageOrder<Page, Result>(
  pages: Iterable<Page>,
  run: (page: Page, signal: AbortSignal) => Promise<Result>,
  { lookahead, onEnd, signal }: PageOrderOptions,
): AsyncGenerator<Result, void, undefined> {
  // A signal of its own: each look at one that is made of others goes through them, several times a page.
  const leave = new AbortController()
  const runSignal = leave.signal
  const follow = () => leave.abort(signal.reason)
  if (signal.aborted) follow()
  signal.addEventListener('abort', follow, { once: true })
  const queue = pages[Symbol.iterator]()
  const runs: Run<Result>[] = []
  let started = 0
  let inFlight = 0
  let isOver = false
  const start = (page: Page): void => {
    const index = started++
    inFlight += 1
    const ended = () => {
      inFlight -= 1
      onEnd?.(index)
      fill()
    }
    runs.push({ outcome: settle(run(page, runSignal), ended) })
  }
  const hasRoom = (): boolean => !runSignal.aborted && inFlight < lookahead && runs.length < lookahead * MAX_AHEAD
  const fill = (): void => {
    while (!isOver && hasRoom()) {
      const next = queue.next()
      if (next.done === true) isOver = true
      else start(next.value)
    }
  }
  try {
    for (fill(); runs[0] !== undefined; fill()) {
      const outcome = await runs[0].outcome
      if (outcome.status === 'rejected') throw outcome.reason
      yield outcome.value
      runs.shift()
    }
  } finally {
    signal.removeEventListener('abort', follow)
    leave.abort(new DOMException('The reader of these pages has left.', 'AbortError'))
    await Promise.all(runs.map(({ outcome }) => outcome))
  }
}

async function settle<Result>(running: Promise<Result>, onEnd: () => void): Promise<PromiseSettledResult<Result>> {
  try {
    const value = await running
    return { status: 'fulfilled', value }
  } catch (reason) {
    return { status: 'rejected', reason }
  } finally {
    onEnd()
  }
}
