import type { PageImage } from '../page/page.ts'
import { createSharedTurn, type SharedTurn } from '../schedule/turn.ts'
import type { PageAnswer } from './page-answer.ts'
import type { Draw, DrawOptions, PageToRead } from './page-to-read.ts'

/** Reads a page. */
export type ReadPage = (page: PageToRead, signal: AbortSignal) => Promise<PageAnswer>

interface Waiter {
  readonly page: PageToRead
  readonly leaveTurn: () => void
}

/** The work on one key, and the pages that wait for it. */
interface Flight {
  readonly kind: FlightKind
  readonly outcome: PromiseWithResolvers<PageAnswer>
  /** Waiters that have not left, in order of arrival. */
  readonly waiters: Set<Waiter>
  /** The most urgent waiter's: an interactive page that joins the reading of a batch must not wait in the batch's lane. */
  readonly turn: SharedTurn
  readonly controller: AbortController
  isOver: boolean
  /** Whose the answer is when it is there: the first that has not left. The others share it. */
  payer: Waiter | null
  /** Frees the key: the next page that asks starts a flight of its own. */
  readonly free: () => void
}

/** The readings that run, by their keys. */
export interface Flights {
  /** Reads a key, or waits for the reading that runs. */
  readonly join: (key: string, page: PageToRead, signal: AbortSignal, read: ReadPage) => Promise<PageAnswer>
  /** Whether a key is being read. */
  readonly isFlying: (key: string) => boolean
}

/**
 * Creates a `join` that reads a key once for all pages that ask for it at the same time. A page with `use` joins any
 * flight; a page with `refresh` joins only another `refresh`, because a `use` flight may answer from the cache. A page
 * that wants confidence joins only a flight that asks for it. A flight's signal is aborted when its last waiter leaves.
 */
export function createFlights(): Flights {
  // Of one key there are as many as there are kinds.
  const flights = new Map<string, readonly Flight[]>()

  function start(key: string, page: PageToRead): Flight {
    const flight: Flight = {
      kind: kindOf(page),
      outcome: Promise.withResolvers(),
      waiters: new Set(),
      turn: createSharedTurn(page.turn),
      controller: new AbortController(),
      isOver: false,
      payer: null,
      free: () => {
        const left = (flights.get(key) ?? []).filter((other) => other !== flight)
        if (left.length > 0) flights.set(key, left)
        else flights.delete(key)
      },
    }
    flights.set(key, [...(flights.get(key) ?? []), flight])
    return flight
  }

  async function join(key: string, page: PageToRead, signal: AbortSignal, read: ReadPage): Promise<PageAnswer> {
    signal.throwIfAborted()
    const running = toJoin(flights.get(key) ?? [], page)
    const flight = running ?? start(key, page)
    const waiter: Waiter = { page, leaveTurn: flight.turn.join(page.turn) }
    flight.waiters.add(waiter)
    if (running === undefined) void run(flight, page, read)
    const answer = await waitFor(flight, waiter, signal)
    return flight.payer === waiter || answer.cache === 'hit' ? answer : { ...answer, cache: 'joined' }
  }

  return { join, isFlying: (key) => flights.has(key) }
}

/** How two flights of one key may differ. */
interface FlightKind {
  readonly cache: PageToRead['cache']
  readonly confidence: boolean
}

function kindOf({ cache, question: { confidence } }: PageToRead): FlightKind {
  return { cache, confidence }
}

/** Returns the flight of its key that a page may join, the freshest first. */
function toJoin(flights: readonly Flight[], page: PageToRead): Flight | undefined {
  if (flights.length === 0) return undefined
  const { cache, confidence } = kindOf(page)
  const caches = cache === 'use' ? (['refresh', 'use'] as const) : (['refresh'] as const)
  const confidences = confidence ? [true] : [true, false]
  const kinds = caches.flatMap((kind) => confidences.map((says) => ({ cache: kind, confidence: says })))
  return kinds
    .map((wanted) => flights.find(({ kind }) => kind.cache === wanted.cache && kind.confidence === wanted.confidence))
    .find((flight) => flight !== undefined)
}

async function run(flight: Flight, page: PageToRead, read: ReadPage): Promise<void> {
  const draw: Draw = (signal, options) => drawForWaiters(flight, signal, options)
  try {
    const answer = await read({ ...page, draw, turn: flight.turn.turn }, flight.controller.signal)
    end(flight)
    flight.outcome.resolve(answer)
  } catch (error) {
    end(flight)
    flight.outcome.reject(error)
  }
}

/** Ends a flight. Called before its waiters get the answer, so that a page that asks from now on looks in the store. */
function end(flight: Flight): void {
  flight.isOver = true
  flight.payer = first(flight.waiters)
  flight.free()
}

function first([waiter]: Iterable<Waiter>): Waiter | null {
  return waiter ?? null
}

/** Waits for a flight's answer. When aborted, leaves at once with the signal's reason. */
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
    waiter.leaveTurn()
  }
}

/** Removes a waiter, and aborts the work when no waiter is left. */
function leave(flight: Flight, waiter: Waiter, reason: unknown): void {
  if (!flight.waiters.delete(waiter) || flight.waiters.size > 0 || flight.isOver) return
  // The key is freed before the work has ended, so that no page joins work that is being aborted.
  flight.free()
  flight.controller.abort(reason)
}

/**
 * Draws the page with the first waiter's document. When that waiter has left and its document is closed, the next one
 * draws.
 */
async function drawForWaiters(
  { waiters, turn, controller }: Flight,
  signal: AbortSignal,
  options?: DrawOptions,
): Promise<PageImage> {
  // A Set is iterated live: waiters that left meanwhile are skipped, and those that came meanwhile are visited.
  for (const waiter of waiters) {
    try {
      return await waiter.page.draw(signal, { ...options, turn: turn.turn })
    } catch (error) {
      if (signal.aborted || waiters.has(waiter)) throw error
    }
  }
  throw controller.signal.reason
}
