import type { PageImage } from '../page/page.ts'
import type { Delta, Engine, PagePrompt } from '../engine/engine.ts'

interface Waiter {
  readonly prompt: PagePrompt
  /** Whether this one's asking started the work. */
  readonly isFirst: boolean
  wake: () => void
}

/** One page's work, and all who wait for it. */
interface Flight {
  readonly deltas: Delta[]
  /** Those who have not left, in the order they came. */
  readonly waiters: Set<Waiter>
  readonly controller: AbortController
  /** Set once: nothing more will be told. */
  outcome: { readonly error?: unknown } | undefined
  /** Frees the page key for the next one who asks. */
  readonly free: () => void
}

/**
 * Wraps an engine so that equal page keys asked at once are computed once: who comes later gets all deltas from the
 * beginning. `use` joins whatever is in flight; `refresh` joins only another `refresh`, as the former may come from the
 * cache; who asks for confidence joins only work that was asked for it. The work has its own signal, aborted when the
 * last waiter has left.
 */
export function joinedEngine(engine: Engine): Engine {
  const flights = new Map<string, Flight>()

  function start(prompt: PagePrompt): Flight {
    const key = flightKey(prompt, prompt)
    const flight: Flight = {
      deltas: [],
      waiters: new Set(),
      controller: new AbortController(),
      outcome: undefined,
      free: () => {
        if (flights.get(key) === flight) flights.delete(key)
      },
    }
    flights.set(key, flight)
    return flight
  }

  return async function* joined(prompt, signal) {
    signal.throwIfAborted()
    const running = kindsToJoin(prompt)
      .map((kind) => flights.get(flightKey(prompt, kind)))
      .find((it) => it !== undefined)
    const flight = running ?? start(prompt)
    const waiter: Waiter = { prompt, isFirst: running === undefined, wake: () => undefined }
    flight.waiters.add(waiter)
    const leave = () => leaveFlight(flight, waiter, signal)
    signal.addEventListener('abort', leave, { once: true })
    try {
      if (waiter.isFirst) void run(engine, flight, prompt)
      yield* follow(flight, waiter, signal)
    } finally {
      signal.removeEventListener('abort', leave)
      leave()
    }
  }
}

/** What sets two flights of one page apart. */
type FlightKind = Pick<PagePrompt, 'cache' | 'confidence'>

/** Returns which flights have what a prompt asks for, the freshest first. */
function kindsToJoin({ cache, confidence }: PagePrompt): FlightKind[] {
  const caches = cache === 'use' ? (['refresh', 'use'] as const) : (['refresh'] as const)
  const confidences = confidence ? [true] : [true, false]
  return caches.flatMap((kind) => confidences.map((says) => ({ cache: kind, confidence: says })))
}

function flightKey({ pageKey }: PagePrompt, { cache, confidence }: FlightKind): string {
  return `${cache} ${confidence} ${pageKey}`
}

async function run(engine: Engine, flight: Flight, prompt: PagePrompt): Promise<void> {
  const { signal } = flight.controller
  const image = (imageSignal: AbortSignal) => imageForWaiters(flight, imageSignal)
  try {
    for await (const delta of engine({ ...prompt, image }, signal)) {
      signal.throwIfAborted()
      if (flight.outcome !== undefined) continue
      flight.deltas.push(delta)
      // The answer is whole here; an engine that still tidies up must not hold it back.
      if (delta.type === 'end') settle(flight, {})
      wakeAll(flight)
    }
    settle(flight, {})
  } catch (error) {
    settle(flight, { error })
  }
}

function settle(flight: Flight, outcome: { readonly error?: unknown }): void {
  if (flight.outcome !== undefined) return
  flight.outcome = outcome
  flight.free()
  wakeAll(flight)
}

function wakeAll(flight: Flight): void {
  for (const waiter of flight.waiters) waiter.wake()
}

/** Draws the page with the first waiter's document; one that was closed because its waiter left passes it on to the next. */
async function imageForWaiters({ waiters, controller }: Flight, signal: AbortSignal): Promise<PageImage> {
  // A Set is iterated live: who left meanwhile is not visited, who came meanwhile is.
  for (const waiter of waiters) {
    try {
      return await waiter.prompt.image(signal)
    } catch (error) {
      if (signal.aborted || waiters.has(waiter)) throw error
    }
  }
  throw controller.signal.reason
}

function leaveFlight(flight: Flight, waiter: Waiter, signal: AbortSignal): void {
  if (!flight.waiters.delete(waiter)) return
  waiter.wake()
  if (flight.waiters.size > 0 || flight.outcome !== undefined) return
  // Freed before the work has ended: the next one who asks must not join what is being given up.
  flight.free()
  flight.controller.abort(
    signal.aborted ? signal.reason : new DOMException('Nobody waits for this page.', 'AbortError'),
  )
}

async function* follow(flight: Flight, waiter: Waiter, signal: AbortSignal): AsyncGenerator<Delta> {
  let next = 0
  for (;;) {
    signal.throwIfAborted()
    const delta = flight.deltas[next]
    if (delta !== undefined) {
      next += 1
      yield labelled(delta, waiter)
    } else if (flight.outcome !== undefined) {
      if ('error' in flight.outcome) throw flight.outcome.error
      return
    } else {
      await new Promise<void>((resolve) => (waiter.wake = resolve))
    }
  }
}

function labelled(delta: Delta, { isFirst }: Waiter): Delta {
  if (delta.type !== 'end' || delta.cache === 'hit' || isFirst) return delta
  return { ...delta, cache: 'joined' }
}
