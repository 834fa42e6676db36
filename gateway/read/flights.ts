import type { PageImage } from '../page/page.ts'
import type { PageAnswer } from './page-answer.ts'
import type { PageToRead } from './page-to-read.ts'

/** Reads a page. */
export type ReadPage = (page: PageToRead, signal: AbortSignal) => Promise<PageAnswer>

interface Waiter {
  readonly page: PageToRead
}

/** The work on one key, and all who wait for it. */
interface Flight {
  readonly outcome: PromiseWithResolvers<PageAnswer>
  /** Those who have not left, in the order they came. */
  readonly waiters: Set<Waiter>
  readonly controller: AbortController
  isOver: boolean
  /** Frees the key for the next one who asks. */
  readonly free: () => void
}

/**
 * Creates a `join` that does the work on a key once for all who ask at the same time. `use` joins whatever is in flight;
 * `refresh` joins only another `refresh`, because the former may come from the cache; a page that wants confidence joins
 * only work that was asked for it. The work has its own signal, aborted when the last waiter has left.
 */
export function createFlights() {
  const flights = new Map<string, Flight>()

  function start(flightKey: string): Flight {
    const flight: Flight = {
      outcome: Promise.withResolvers(),
      waiters: new Set(),
      controller: new AbortController(),
      isOver: false,
      free: () => {
        if (flights.get(flightKey) === flight) flights.delete(flightKey)
      },
    }
    flights.set(flightKey, flight)
    return flight
  }

  return async function join(key: string, page: PageToRead, signal: AbortSignal, read: ReadPage): Promise<PageAnswer> {
    signal.throwIfAborted()
    const running = kindsToJoin(page)
      .map((kind) => flights.get(keyOf(key, kind)))
      .find((flight) => flight !== undefined)
    const flight = running ?? start(keyOf(key, kindOf(page)))
    const waiter: Waiter = { page }
    flight.waiters.add(waiter)
    if (running === undefined) void run(flight, page, read)
    const answer = await waitFor(flight, waiter, signal)
    return running === undefined || answer.cache === 'hit' ? answer : { ...answer, cache: 'joined' }
  }
}

/** What sets two flights of one key apart. */
interface FlightKind {
  readonly cache: PageToRead['cache']
  readonly confidence: boolean
}

function kindOf({ cache, question: { confidence } }: PageToRead): FlightKind {
  return { cache, confidence }
}

/** Returns which flights have what a page asks for, the freshest first. */
function kindsToJoin(page: PageToRead): FlightKind[] {
  const { cache, confidence } = kindOf(page)
  const caches = cache === 'use' ? (['refresh', 'use'] as const) : (['refresh'] as const)
  const confidences = confidence ? [true] : [true, false]
  return caches.flatMap((kind) => confidences.map((says) => ({ cache: kind, confidence: says })))
}

function keyOf(key: string, { cache, confidence }: FlightKind): string {
  return `${cache} ${confidence} ${key}`
}

async function run(flight: Flight, page: PageToRead, read: ReadPage): Promise<void> {
  const draw = (signal: AbortSignal) => drawForWaiters(flight, signal)
  try {
    const answer = await read({ ...page, draw }, flight.controller.signal)
    end(flight)
    flight.outcome.resolve(answer)
  } catch (error) {
    end(flight)
    flight.outcome.reject(error)
  }
}

/** Ends a flight before those who wait are told: who asks now finds the store, and not this flight. */
function end(flight: Flight): void {
  flight.isOver = true
  flight.free()
}

/** Waits for a flight, or leaves it with the signal's reason, at once. */
async function waitFor(flight: Flight, waiter: Waiter, signal: AbortSignal): Promise<PageAnswer> {
  const { promise: gone, reject } = Promise.withResolvers<never>()
  const onAbort = () => {
    leave(flight, waiter, signal.reason)
    reject(signal.reason)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([flight.outcome.promise, gone])
  } finally {
    signal.removeEventListener('abort', onAbort)
    flight.waiters.delete(waiter)
  }
}

/** Takes out one who does not wait any more; with the last one goes the work. */
function leave(flight: Flight, waiter: Waiter, reason: unknown): void {
  if (!flight.waiters.delete(waiter) || flight.waiters.size > 0 || flight.isOver) return
  // Freed before the work has ended: the next one who asks must not join what is being given up.
  flight.free()
  flight.controller.abort(reason)
}

/** Draws the page with the first waiter's document. When that waiter has left and its document is closed, the next one draws. */
async function drawForWaiters({ waiters, controller }: Flight, signal: AbortSignal): Promise<PageImage> {
  // A Set is iterated live: who left meanwhile is not visited, who came meanwhile is.
  for (const waiter of waiters) {
    try {
      return await waiter.page.draw(signal)
    } catch (error) {
      if (signal.aborted || waiters.has(waiter)) throw error
    }
  }
  throw controller.signal.reason
}
