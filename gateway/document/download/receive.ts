import type { GatewayError } from '../../errors.ts'
import { noRoom, type ByteBudget, type Reservation } from '../../schedule/byte-budget.ts'
import { watchStillness } from '../../schedule/stillness.ts'
import { connectionFailed, downloadFailed, type Fetched } from './failure.ts'
import type { Hop } from './hop.ts'

/** The bounds of what is received. */
export interface ReceiveLimits {
  readonly maxBytes: number
  /** Returns the refusal of more. */
  readonly tooLarge: () => GatewayError
  readonly budget: ByteBudget
  /** The name of the API key on whose behalf it is received. */
  readonly key: string | null
  /** How long it may stand still. */
  readonly idleSeconds: number
  /** How long the whole download may take. */
  readonly maxSeconds: number
}

/** What an answer of no announced length takes at first. */
const FIRST_BYTES = 64 * 1024

/** When others wait for room, what will not arrive in time is given up sooner. */
const LATE_AFTER_SECONDS = 10

/** What was received, and its part of the budget. */
export interface Received {
  readonly bytes: Uint8Array
  readonly reservation: Reservation
}

/**
 * Receives the body of an answer, within its part of the budget, which whoever holds the bytes gives back. Throws `document_too_large` before more than so many bytes
 * are read, `queue_full` where there is no room, and `download_failed` for what stands still or breaks off.
 */
export async function receive(
  hop: Hop,
  fetched: Fetched,
  limits: ReceiveLimits,
  signal: AbortSignal,
): Promise<Received> {
  const announced = announcedBytes(hop)
  if (announced !== null && announced > limits.maxBytes) throw limits.tooLarge()
  const arrival: Arrival = { startedAt: Infinity, bytes: 0, expected: announced ?? 0 }
  const tooSlow = (): void => {
    hop.body.destroy(downloadFailed(fetched, 'sent the document too slowly', { retry: true }))
  }
  const reservation = await limits.budget.reserve(announced ?? FIRST_BYTES, {
    key: limits.key,
    signal: () => signal,
    endIfLate: () => {
      if (isLate(arrival, limits.maxSeconds)) tooSlow()
    },
  })
  const stillness = watchStillness(limits.idleSeconds, tooSlow)
  arrival.startedAt = performance.now()
  try {
    const bytes = createBytes(announced)
    for await (const piece of hop.body as AsyncIterable<Uint8Array>) {
      stillness.moved(piece.length)
      const end = (arrival.bytes += piece.length)
      if (end > limits.maxBytes) throw limits.tooLarge()
      arrival.expected = bytes.capacityFor(end)
      if (announced === null && !reservation.resize(arrival.expected)) throw noRoom()
      bytes.add(piece)
    }
    const whole = bytes.whole()
    reservation.resize(whole.length)
    return { bytes: whole, reservation }
  } catch (error) {
    reservation.release()
    signal.throwIfAborted()
    throw connectionFailed(fetched, error)
  } finally {
    stillness.stop()
  }
}

function announcedBytes(hop: Hop): number | null {
  const length = hop.header('content-length') ?? ''
  return /^\d{1,15}$/.test(length) ? Number(length) : null
}

interface Arrival {
  startedAt: number
  bytes: number
  expected: number
}

/** Tells whether what arrives comes so slowly that it will not be there in time. */
function isLate({ startedAt, bytes, expected }: Arrival, maxSeconds: number): boolean {
  const seconds = (performance.now() - startedAt) / 1000
  return seconds > LATE_AFTER_SECONDS && (bytes / seconds) * maxSeconds < expected
}

/** Bytes that come in pieces. They are copied: a piece may be a byte, and hold a buffer of kilobytes. */
interface Bytes {
  /** Returns how much memory so many bytes take. */
  capacityFor(end: number): number
  add(piece: Uint8Array): void
  /** Returns all of them, in a buffer of their own; nothing is added then. */
  whole(): Uint8Array
}

function createBytes(announced: number | null): Bytes {
  // Memory that is not written to is not taken.
  let held = new Uint8Array(announced ?? FIRST_BYTES)
  let length = 0
  const capacityFor = (end: number): number =>
    end <= held.length ? held.length : Math.max(FIRST_BYTES, 2 ** Math.ceil(Math.log2(end)))
  // What is left behind is given back at once: the garbage collector may not come by for minutes.
  const resize = (bytes: number): void => {
    if (bytes !== held.length) held = new Uint8Array(held.buffer.transfer(bytes))
  }
  return {
    capacityFor,
    add(piece) {
      const end = length + piece.length
      resize(capacityFor(end))
      held.set(piece, length)
      length = end
    },
    whole() {
      resize(length)
      return held
    },
  }
}
