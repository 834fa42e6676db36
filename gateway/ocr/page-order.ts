import { setImmediate } from 'node:timers/promises'

/** How many pages run side by side, and until when. */
export interface PageOrderOptions<Page, Result> {
  /** Pages in flight. */
  readonly lookahead: number
  /** Called with a page's index as soon as it has ended, before its turn in page order; must not throw. */
  readonly onEnd?: (index: number) => void
  /** Finds results without running pages; left out: all pages are run. */
  readonly known?: KnownPages<Page, Result> | undefined
  readonly signal: AbortSignal
}

/** Results that are found, many together. */
export interface KnownPages<Page, Result> {
  /** Whether it is worth looking, by a page's index. */
  readonly mayBe: (index: number) => boolean
  /** Returns the result of each page; null for one that must be run. */
  readonly find: (pages: readonly Page[], signal: AbortSignal) => Promise<readonly (Result | null)[]>
}

/**
 * Pages that may be started and not yet yielded, for each page of the lookahead. A slow page must not leave engines
 * idle, and an ended page is only a few kilobytes of text.
 */
const MAX_AHEAD = 13

/** Of many pages that may be started, the first are to be drawn already while the others are. */
const BEGUN_AT_ONCE = 8

/** A page that has been started. */
interface Run<Page, Result> {
  readonly index: number
  readonly page: Page
  /** The end of its run, or of the search for it, after which it may be run; never rejects. Null: it has ended. */
  pending: Promise<void> | null
  /** Null until it has ended. */
  outcome: PromiseSettledResult<Result> | null
}

/**
 * Runs pages side by side and yields their results in page order, those together that are there. Pages that may be known are looked for together, as many as
 * there is room for; after each such search everything else in the process has its turn. When the consumer leaves or a page
 * throws, every run is aborted, and the generator ends only after all of them have.
 */
export async function* inPageOrder<Page, Result>(
  pages: Iterable<Page>,
  run: (page: Page, signal: AbortSignal) => Promise<Result>,
  { signal, ...options }: PageOrderOptions<Page, Result>,
): AsyncGenerator<readonly Result[], void, undefined> {
  // A signal of its own: each look at one that is made of others goes through them, several times a page.
  const leave = new AbortController()
  const follow = () => leave.abort(signal.reason)
  if (signal.aborted) follow()
  signal.addEventListener('abort', follow, { once: true })
  const { runs, fill, rest } = createRuns(pages, run, { ...options, signal: leave.signal })
  try {
    for (;;) {
      fill()
      const [first] = runs
      if (first === undefined) {
        const isOthersTurn = rest()
        if (isOthersTurn === null) return
        await isOthersTurn
        signal.throwIfAborted()
        continue
      }
      while (first.pending !== null) await first.pending
      if (first.outcome?.status === 'rejected') throw first.outcome.reason
      const results = resultsAtHead(runs)
      yield results
      // Until they are taken, they are ahead.
      runs.splice(0, results.length)
    }
  } finally {
    signal.removeEventListener('abort', follow)
    if (runs.length > 0) leave.abort(new DOMException('The reader of these pages has left.', 'AbortError'))
    for (const one of runs) while (one.pending !== null) await one.pending
  }
}

/** Returns the results up to the first page that has none yet, or has failed. */
function resultsAtHead<Page, Result>(runs: readonly Run<Page, Result>[]): Result[] {
  const results: Result[] = []
  for (const { outcome } of runs) {
    if (outcome?.status !== 'fulfilled') break
    results.push(outcome.value)
  }
  return results
}

/** Creates the runs of pages: `runs` are those that were started and not yielded, and whoever yields one removes it. */
function createRuns<Page, Result>(
  pages: Iterable<Page>,
  run: (page: Page, signal: AbortSignal) => Promise<Result>,
  { lookahead, onEnd, known, signal }: PageOrderOptions<Page, Result>,
) {
  const queue = pages[Symbol.iterator]()
  const runs: Run<Page, Result>[] = []
  let started = 0
  let inFlight = 0
  let isOver = false
  const others = createOthersTurn(() => fill())

  async function runOne(one: Run<Page, Result>): Promise<void> {
    end(one, await settle(run(one.page, signal)))
    fill()
  }

  function end(one: Run<Page, Result>, outcome: PromiseSettledResult<Result>): void {
    one.pending = null
    one.outcome = outcome
    inFlight -= 1
    onEnd?.(one.index)
  }

  async function search(group: readonly Run<Page, Result>[], look: KnownPages<Page, Result>): Promise<void> {
    const outcomes = await searchFor(group, look, signal)
    for (const [at, one] of group.entries()) {
      const outcome = outcomes[at] ?? null
      if (outcome === null) one.pending = runOne(one)
      else end(one, outcome)
    }
    others.begin()
  }

  /** Starts as many pages as there is room for; of many, some each turn of the event loop. */
  function fill(): void {
    if (others.turn() !== null || signal.aborted) return
    const group: Run<Page, Result>[] = []
    let begun = 0
    while (begun < BEGUN_AT_ONCE && !isOver && inFlight < lookahead && runs.length < lookahead * MAX_AHEAD) {
      const next = queue.next()
      isOver = next.done === true
      if (next.done === true) break
      const one: Run<Page, Result> = { index: started++, page: next.value, pending: null, outcome: null }
      runs.push(one)
      inFlight += 1
      if (known?.mayBe(one.index) === true) group.push(one)
      else {
        one.pending = runOne(one)
        begun += 1
      }
    }
    if (begun === BEGUN_AT_ONCE) others.begin()
    if (group.length === 0 || known === undefined) return
    const pending = search(group, known)
    for (const one of group) one.pending = pending
  }

  return { runs, fill, rest: others.turn }
}

/** Lets everything else in the process have its turn; `goOn` is called after it. */
function createOthersTurn(goOn: () => void) {
  let turn: Promise<void> | null = null
  async function pass(): Promise<void> {
    await setImmediate()
    turn = null
    goOn()
  }
  return { turn: () => turn, begin: () => void (turn ??= pass()) }
}

/** Returns how the search for each page has ended; null where it must be run. */
async function searchFor<Page, Result>(
  group: readonly Run<Page, Result>[],
  { find }: KnownPages<Page, Result>,
  signal: AbortSignal,
): Promise<(PromiseSettledResult<Result> | null)[]> {
  const pages = group.map(({ page }) => page)
  const found = await settle(find(pages, signal))
  return pages.map((_, index) => {
    if (found.status === 'rejected') return found
    const value = found.value[index] ?? null
    if (value !== null) return { status: 'fulfilled', value }
    return signal.aborted ? { status: 'rejected', reason: signal.reason } : null
  })
}

async function settle<Result>(running: Promise<Result>): Promise<PromiseSettledResult<Result>> {
  try {
    return { status: 'fulfilled', value: await running }
  } catch (reason) {
    return { status: 'rejected', reason }
  }
}
