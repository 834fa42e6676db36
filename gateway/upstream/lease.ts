import { GatewayError } from '../errors.ts'
import { createFirsts, placesBeyond } from '../schedule/firsts.ts'
import { createLaneRoom, type LaneRoom } from '../schedule/lane-room.ts'
import type { Turn } from '../schedule/turn.ts'
import type { AdaptiveLimit, SentPage } from './adaptive-limit.ts'
import type { Breaker } from './breaker.ts'
import type { UpstreamConnection, UpstreamRequest, UpstreamResponse } from './connection.ts'
import type { UpstreamHealth } from './health.ts'
import type { ServerShare } from './limit-share.ts'

/** One request's claim on an upstream: it counts as in flight until it is released, by hand or by `using`. */
export interface UpstreamLease extends Disposable {
  readonly url: string
  /** Fires when the upstream is found gone, dead or asleep: it may never answer what it has not begun to answer. */
  readonly lost: AbortSignal
  /** Fires when the server has too many pages, and this one is to be given back. */
  readonly excess: AbortSignal
  /** Sends over the upstream's own connections; see UpstreamConnection. A failure tells the others to go elsewhere. */
  send(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse>
  /** Says that something of the answer has come, with so many characters of text. */
  heard(characters: number): void
  /** Says that the first text of the answer has come. */
  begun(): void
  /** Says that a page image may take no more than so many tokens, as the server has refused one that takes more. */
  imageRefused(maxImageTokens: number): void
  /**
   * Says how it went, for the breaker and the limit; `refused` is an answer that took no reading, `aborted` one that the
   * server itself ended, as when it is put to sleep. Is not called for a request that was left.
   */
  ended(outcome: 'answered' | 'refused' | 'failed' | 'aborted'): void
  /** May be called twice. */
  release(): void
}

/** `page`: counts against the limit; `forwarded`: a request that is passed through, and does not. */
export type LeaseKind = 'page' | 'forwarded'

/** What an upstream tells those who watch it. */
export interface UpstreamEvents {
  /** Pages of a model that wait for room. */
  readonly waitingFor: (modelId: string) => number
  /** There may be room, or none any more. */
  readonly onChange: () => void
  /** It should be looked at again. */
  readonly onTrouble: () => void
}

/** The parts of an upstream that its leases use. */
export interface LeasedParts {
  readonly connection: UpstreamConnection
  readonly health: UpstreamHealth
  readonly limit: AdaptiveLimit
  readonly share: ServerShare
  readonly breaker: Breaker
  readonly events: UpstreamEvents
  readonly onImageRefused: (maxImageTokens: number) => void
}

/** Whose request it is. */
export interface LeaseTurn extends Pick<Turn, 'lane' | 'key' | 'request'> {
  /** Whether it is not given back. */
  readonly stays?: boolean
}

/** The leases of one upstream. */
export interface Leases {
  /** Counts one page more as in flight; without a turn a request that is passed through. */
  take(turn: LeaseTurn | null): UpstreamLease
  /** Whether a page may go beyond the limit, as it is its request's first one here. */
  readonly takesFirst: (turn: LeaseTurn) => boolean
  /** Held now. */
  readonly count: (kind: LeaseKind) => number
  /** Who is in the places for pages. */
  readonly places: LaneRoom
}

/** Creates the leases, none of them held. */
export function createLeases(parts: LeasedParts): Leases {
  const { limit, share, breaker } = parts
  const places = createLaneRoom()
  const firsts = createFirsts()
  const part = () => share.part(limit.current)
  const isAlone = () => (share.gateways() ?? 1) <= 1
  const mayGoBeyond = () => limit.origin() !== 'pinned' && isAlone() && breaker.state() === 'closed'
  let forwarded = 0

  /** Counts a request; returns how it leaves, and how it goes on where it is a page. */
  function enter(turn: LeaseTurn | null, giveBack: () => void) {
    if (turn === null) {
      forwarded += 1
      return { sent: null, leave: () => void (forwarded -= 1) }
    }
    // A request's first page is what its client waits for.
    const stays = turn.stays === true || !firsts.holds(turn)
    const forget = firsts.hold(turn, places.room(turn.lane, part()) <= 0)
    const leave = places.enter(turn.lane)
    const sending = { kept: places.kept(part()), giveBack: stays ? null : giveBack }
    return { sent: limit.sent(places.active, sending), leave: () => [leave, forget].forEach((it) => it()) }
  }

  function take(turn: LeaseTurn | null): UpstreamLease {
    const excess = new AbortController()
    return createLease(parts, { ...enter(turn, () => excess.abort()), excess: excess.signal })
  }

  return {
    take,
    takesFirst: (turn) => mayGoBeyond() && firsts.mayGo(turn, placesBeyond(part())),
    count: (kind) => (kind === 'page' ? places.active : forwarded),
    places,
  }
}

/** A place that a request has. */
interface Held {
  /** How it goes on; null: it is no page. */
  readonly sent: SentPage | null
  readonly leave: () => void
  readonly excess: AbortSignal
}

function createLease(parts: LeasedParts, { sent, leave, excess }: Held): UpstreamLease {
  const { connection, health, share, breaker, events } = parts
  const trial = breaker.sent()
  let isHeld = true
  const release = () => {
    if (!isHeld) return
    isHeld = false
    leave()
    sent?.left()
    share.left()
    events.onChange()
  }
  return {
    url: connection.url,
    lost: health.lost(),
    excess,
    send: (request, signal) => send(parts, request, signal),
    heard(characters) {
      health.heard()
      sent?.heard(characters)
    },
    begun: () => sent?.begun(),
    imageRefused: (maxImageTokens) => parts.onImageRefused(maxImageTokens),
    ended(outcome) {
      if (!isHeld) return
      if (outcome === 'failed' || outcome === 'aborted') trial.failed()
      else trial.succeeded()
      if (outcome === 'answered') sent?.answered()
      if (outcome === 'aborted') events.onTrouble()
    },
    release,
    [Symbol.dispose]: release,
  }
}

async function send(
  { connection, health, events }: LeasedParts,
  request: UpstreamRequest,
  signal: AbortSignal,
): Promise<UpstreamResponse> {
  try {
    const response = await connection.send(request, signal)
    // 404: another model is served now. 503: the engine is dead, starting, or full.
    if (response.status === 404 || response.status === 503) events.onTrouble()
    return response
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'engine_unavailable') {
      // A connection that broke may have been one of many; one that was not accepted says that the server is gone.
      if (error.kind === 'no_connection') health.failed(error)
      events.onTrouble()
    }
    throw error
  }
}
