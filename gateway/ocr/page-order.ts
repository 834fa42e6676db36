/** How many pages run side by side, and until when. */
export interface PageOrderOptions {
  /** Pages in flight. */
  readonly lookahead: number
  /** Told of each page that has ended, by its place in the order, before its turn has come. */
  readonly onEnd?: (index: number) => void
  readonly signal: AbortSignal
}

/**
 * Pages started and not yet handed over, for each page in flight: a page that takes its time must not leave engines idle,
 * and what has ended is text, a few kilobytes a page.
 */
const AHEAD = 16

/** One page's events: filled by its run, emptied in its turn. */
interface Lane<Event> {
  readonly events: Event[]
  ended: boolean
  failure: { readonly reason: unknown } | null
  wake: () => void
  readonly done: Promise<void>
}

/**
 * Runs pages side by side and yields their events in page order: the events of the first unfinished page as they come,
 * those of later pages when their turn has come. When the consumer leaves or a page throws, every run is aborted, and
 * the generator ends only after all of them have.
 */
export async function* inPageOrder<Page, Event>(
  pages: Iterable<Page>,
  run: (page: Page, signal: AbortSignal) => AsyncIterable<Event>,
  { lookahead, onEnd, signal }: PageOrderOptions,
): AsyncGenerator<Event, void, undefined> {
  const leave = new AbortController()
  const runSignal = AbortSignal.any([signal, leave.signal])
  const queue = pages[Symbol.iterator]()
  const lanes: Lane<Event>[] = []
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
    lanes.push(startLane(page, run, ended, runSignal))
  }
  const hasRoom = (): boolean => !runSignal.aborted && inFlight < lookahead && lanes.length < lookahead * AHEAD
  const fill = (): void => {
    while (!isOver && hasRoom()) {
      const next = queue.next()
      if (next.done === true) isOver = true
      else start(next.value)
    }
  }
  try {
    for (fill(); lanes[0] !== undefined; fill()) {
      yield* drainLane(lanes[0])
      lanes.shift()
    }
  } finally {
    leave.abort(new DOMException('The reader of these pages has left.', 'AbortError'))
    await Promise.all(lanes.map((lane) => lane.done))
  }
}

function startLane<Page, Event>(
  page: Page,
  run: (page: Page, signal: AbortSignal) => AsyncIterable<Event>,
  onEnd: () => void,
  signal: AbortSignal,
): Lane<Event> {
  const lane: Lane<Event> = { events: [], ended: false, failure: null, wake: () => {}, done: Promise.resolve() }
  const work = async (): Promise<void> => {
    try {
      for await (const event of run(page, signal)) {
        lane.events.push(event)
        lane.wake()
      }
    } catch (reason) {
      lane.failure = { reason }
    } finally {
      lane.ended = true
      lane.wake()
      onEnd()
    }
  }
  return Object.assign(lane, { done: work() })
}

async function* drainLane<Event>(lane: Lane<Event>): AsyncGenerator<Event, void, undefined> {
  for (;;) {
    while (lane.events.length > 0) yield lane.events.shift() as Event
    if (lane.failure !== null) throw lane.failure.reason
    if (lane.ended) return
    await new Promise<void>((resolve) => {
      lane.wake = resolve
    })
  }
}
