import type { IncomingMessage } from 'node:http'
import { GatewayError } from '../errors.ts'
import { freeMemory } from '../request/body/free-memory.ts'
import { noRoom, type ByteBudget, type Reservation } from '../schedule/byte-budget.ts'
import type { GatewayContext } from './context.ts'
import { watchStillness } from '../schedule/stillness.ts'

/** How bodies are received. */
export interface BodyOptions {
  readonly maxBytes: number
  readonly budget: ByteBudget
  /** How long one may stand still. */
  readonly idleSeconds: number
  /** Looks at what has arrived, in one buffer, up to `end`. What it throws refuses the body before the rest is read. */
  readonly onBytes: (bytes: Buffer, end: number) => void
  /** Says that a body is too large; left out: as of a body of JSON. */
  readonly tooLarge?: (maxBytes: number) => GatewayError
}

/** A body, and its part of the budget. */
export interface Body {
  readonly bytes: Buffer
  readonly reservation: Reservation
}

/** A body has so long to arrive whole; when others wait for room, one that will not make it is given up sooner. */
const MAX_SECONDS = 300
const LATE_AFTER_SECONDS = 10

/** What a body of no announced length takes at first. */
const FIRST_BYTES = 64 * 1024

/**
 * Receives a request's body. Throws `body_too_large` before reading more than so many bytes, `queue_full` where the
 * bodies of all requests take too much memory, and `request_timeout` for one that stands still. The reservation ends with the
 * request at the latest.
 */
export async function readBody(
  c: GatewayContext,
  { maxBytes, budget, idleSeconds, onBytes, tooLarge = bodyTooLarge }: BodyOptions,
): Promise<Body> {
  const { incoming, outgoing } = c.env
  const announced = announcedBytes(incoming)
  if (announced !== null && announced > maxBytes) throw tooLarge(maxBytes)
  const arrival: Arrival = { startedAt: Infinity, bytes: 0, expected: announced ?? 0, end: () => {} }
  const holder = {
    key: c.get('record').key,
    signal: () => c.req.raw.signal,
    endIfLate: () => {
      if (isLate(arrival)) arrival.end(tooSlow())
    },
  }
  const reservation = await budget.reserve(announced ?? FIRST_BYTES, holder)
  outgoing.once('close', () => reservation.release())
  askForBody(c)
  const admit = (end: number, capacity: number): void => {
    if (end > maxBytes) throw tooLarge(maxBytes)
    arrival.expected = capacity
    if (announced === null && !reservation.resize(capacity)) throw noRoom()
  }
  try {
    const bytes = await receive(incoming, announced, arrival, { idleSeconds, admit, onBytes })
    return { bytes, reservation }
  } catch (error) {
    // Of a client that had left before, the response does not close any more.
    reservation.release()
    throw error
  }
}

/** Returns how many bytes a body has; null where that is not said. */
export function announcedBytes({ headers }: IncomingMessage): number | null {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers
  if (length !== undefined) return Number(length)
  return encoding === undefined ? 0 : null
}

/** How far a body has come. */
interface Arrival {
  /** In milliseconds; Infinity before it was asked for. */
  startedAt: number
  bytes: number
  expected: number
  end: (error: Error) => void
}

/** Tells whether a body comes so slowly that it will not be there in time. */
function isLate({ startedAt, bytes, expected }: Arrival): boolean {
  const seconds = (performance.now() - startedAt) / 1000
  return seconds > LATE_AFTER_SECONDS && (bytes / seconds) * MAX_SECONDS < expected
}

/** What is asked and told while a body arrives; what throws ends it. */
interface Receiver extends Pick<BodyOptions, 'idleSeconds' | 'onBytes'> {
  /** Asked before so many bytes are held, in a buffer of this capacity. */
  readonly admit: (end: number, capacity: number) => void
}

/**
 * Reads Node's own stream: a web `Request` around it, with a stream of its own, costs as much as all the rest. All
 * listeners are taken off at the end: they would hold the body for as long as the request lives. The stream is not
 * destroyed: the socket must still send the answer.
 */
function receive(
  incoming: IncomingMessage,
  announced: number | null,
  arrival: Arrival,
  { idleSeconds, admit, onBytes }: Receiver,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const stillness = watchStillness(idleSeconds, () => arrival.end(tooSlow()))
  const limit = setTimeout(() => arrival.end(tooSlow()), MAX_SECONDS * 1000)
  let bytes: Buffer = EMPTY
  const take = (piece: Buffer): void => {
    const before = arrival.bytes
    const end = before + piece.length
    // Mostly one piece is all.
    const isWhole = before === 0 && end === announced
    const capacity = isWhole || end > bytes.length ? (announced ?? capacityFor(end)) : bytes.length
    admit(end, capacity)
    if (isWhole) bytes = piece
    else {
      if (capacity > bytes.length) bytes = grown(bytes, before, capacity)
      piece.copy(bytes, before)
    }
    arrival.bytes = end
    onBytes(bytes, end)
  }
  const onData = (piece: Buffer): void => {
    stillness.moved(piece.length)
    try {
      take(piece)
    } catch (error) {
      arrival.end(error as Error)
    }
  }
  const onEnd = (): void => {
    resolve(bytes.subarray(0, arrival.bytes))
    leave()
  }
  const onClose = (): void => arrival.end(new Error('The connection ended before the body.'))
  const leave = (): void => {
    stillness.stop()
    clearTimeout(limit)
    incoming.off('data', onData).off('end', onEnd).off('error', arrival.end).off('close', onClose)
    bytes = EMPTY
    arrival.startedAt = Infinity
  }
  arrival.startedAt = performance.now()
  arrival.end = (error) => {
    freeMemory(bytes)
    leave()
    incoming.pause()
    reject(error)
  }
  incoming.on('data', onData).on('end', onEnd).on('error', arrival.end).on('close', onClose)
  if (incoming.destroyed) onClose()
  return promise
}

const EMPTY = Buffer.alloc(0)

/** Of no announced length: room for twice as much, so that what was received is not copied often. */
function capacityFor(end: number): number {
  return Math.max(FIRST_BYTES, 2 ** Math.ceil(Math.log2(end)))
}

function grown(bytes: Buffer, length: number, capacity: number): Buffer {
  // Memory that is not written to is not taken.
  const larger = Buffer.allocUnsafeSlow(capacity)
  bytes.copy(larger, 0, 0, length)
  freeMemory(bytes)
  return larger
}

/** Tells a client that waits for it to send its body: only now, when nothing has refused the request without it. */
export function askForBody(c: GatewayContext): void {
  const { incoming, outgoing } = c.env
  const waits = incoming.httpVersion !== '1.0' && /100-continue/i.test(incoming.headers.expect ?? '')
  if (waits) outgoing.writeContinue()
}

function bodyTooLarge(maxBytes: number): GatewayError {
  return new GatewayError(
    'body_too_large',
    `The request body is larger than ${maxBytes} bytes. Send fewer or smaller documents, or raise GATEWAY_MAX_BODY_BYTES.`,
  )
}

/** Returns the refusal of a body that stands still. */
export function tooSlow(): GatewayError {
  return new GatewayError(
    'request_timeout',
    'The request body stood still, or came too slowly to arrive in time. Send it again, on a faster connection.',
  )
}
