import { createResponseStream, streamEvent, type ResponseStep } from '../answer/response-stream.ts'
import type { StreamEvent, StreamEvents } from '../answer/writer.ts'
import { GatewayError, type ErrorCode } from '../errors.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import type { Changes } from './changes.ts'
import type { KeptResponse } from './kept.ts'
import { headOf } from './read.ts'
import type { ResponseStore } from './store.ts'

/** The events of a background response, from one of them on. */
export interface LiveResponse {
  readonly events: StreamEvents
  keepAlive(): StreamEvent
  errorEvent(error: GatewayError): StreamEvent
}

/** What is needed to follow a response. */
export interface LiveServices {
  readonly store: ResponseStore
  readonly changes: Changes
  readonly lifecycle: { readonly draining: boolean }
}

/** So many pieces are taken at a time. */
const PIECES = 100

/**
 * Follows a background response: what was, and what is, until it ends; its events after the one with that number. Each is made
 * again from the pieces of its text, and has the number that it always had. Throws `invalid_value` for a number that no event has yet.
 */
export function follow(
  response: KeptResponse,
  after: number,
  services: LiveServices,
  signal: AbortSignal,
): LiveResponse {
  const last = lastNumber(response, services.store.countPieces(response.id))
  if (after > last) throw beyond(after, last)
  const stream = createResponseStream(headOf(response))
  const eventsOf = (step: Parameters<typeof stream.next>[0]): StreamEvent[] =>
    stream
      .next(step)
      .filter(({ sequence_number: number }) => number > after)
      .map(streamEvent)

  async function* events(): StreamEvents {
    yield eventsOf({ type: 'created' })
    for await (const steps of stepsOf(response, services, signal)) yield steps.flatMap(eventsOf)
  }

  return {
    events: events(),
    keepAlive: () => streamEvent(stream.keepAlive()),
    errorEvent: (error) => streamEvent(stream.broken(error)),
  }
}

async function* stepsOf(
  { id, owner }: KeptResponse,
  { store, changes, lifecycle }: LiveServices,
  signal: AbortSignal,
): AsyncGenerator<readonly ResponseStep[], void, undefined> {
  let isBegun = false
  let number = 0
  for (;;) {
    // Asked for first: what happens while the rest is looked at would be missed.
    const change = changes.next(id, signal)
    change.catch(() => {})
    const progress = store.progress(id, owner)
    if (progress === null) throw removed()
    if (progress.isBegun && !isBegun) yield [{ type: 'begun' }]
    isBegun = progress.isBegun
    for (let pieces = store.pieces(id, number, PIECES); pieces.length > 0; pieces = store.pieces(id, number, PIECES)) {
      yield pieces.map(({ text, page }) => ({ type: 'text', text, page }))
      number += pieces.length
      // Of hundreds that follow one response, all are told of a piece at the same moment.
      await shareLoop()
    }
    if (progress.endedAt !== null) return yield [endOf(store.find(id, owner))]
    if (lifecycle.draining) throw draining()
    await change
    await shareLoop()
  }
}

function endOf(response: KeptResponse | null): ResponseStep {
  if (response === null) throw removed()
  const { done, error } = response
  if (done !== null) return { type: 'done', response: done }
  if (error === null) return { type: 'failed', error: new GatewayError('client_gone', 'The response was cancelled.') }
  const { code, message, param } = error
  return { type: 'failed', error: new GatewayError(code as ErrorCode, message, { param: param ?? undefined }) }
}

/** Returns the number of the last event that there is; see the steps of `createResponseStream`. */
function lastNumber({ isBegun, endedAt, done }: KeptResponse, pieces: number): number {
  const ends = endedAt === null ? 0 : done === null ? 1 : 4
  return 1 + (isBegun ? 3 : 0) + pieces + ends
}

function beyond(after: number, last: number): GatewayError {
  return new GatewayError(
    'invalid_value',
    `starting_after is ${after}, and the last event so far has the number ${last}. Send the sequence_number of the last event that you have.`,
    { param: 'starting_after' },
  )
}

function removed(): GatewayError {
  return new GatewayError('response_not_found', 'The response was deleted.')
}

function draining(): GatewayError {
  return new GatewayError(
    'draining',
    'This gateway is stopping; the response goes on. Ask for its stream again, with starting_after.',
  )
}
