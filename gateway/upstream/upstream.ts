import type { ServedModel } from '../profile/model-profile.ts'
import type { Turn } from '../schedule/turn.ts'
import { createAdaptiveLimit, type AdaptiveLimit } from './adaptive-limit.ts'
import { createBreaker } from './breaker.ts'
import type { BreakerState } from './breaker.ts'
import { connectUpstream } from './connection.ts'
import type { ConnectionOptions } from './connection.ts'
import { createHealth } from './health.ts'
import type { UpstreamHealth, UpstreamLog } from './health.ts'
import { createImageLimit } from './image-limit.ts'
import { askLoad, createPressure } from './pressure.ts'
import type { Pressure, PressureStatus } from './pressure.ts'
import { createLeases } from './lease.ts'
import { unshared } from './limit-share.ts'
import type { LimitShares, ServerShare } from './limit-share.ts'
import type { RecentPace } from './recent-pace.ts'
import type { Leases, LeaseTurn, UpstreamEvents, UpstreamLease } from './lease.ts'
import { watchReadings } from './readings.ts'
import type { ChooseProfile } from './served-models.ts'

/** What all upstreams have in common. */
export interface UpstreamOptions extends ConnectionOptions {
  readonly chooseProfile: ChooseProfile
  /** Pages in flight, as an operator wants it; null: found out. */
  readonly concurrency: number | null
  /** The share of its KV cache from which on a server is sent no more pages; left out: it is sent pages all the same. */
  readonly maxKvCacheUsage?: number | null
  /** Shares the servers' places with other gateways; left out: there are none. */
  readonly shares?: LimitShares
  readonly onLog?: UpstreamLog
}

/** What `/ready` and the metrics say of one upstream. */
export interface UpstreamStatus extends PressureStatus {
  readonly url: string
  /** Null when it answers. */
  readonly problem: string | null
  /** What an operator should know, though it answers. */
  readonly warnings: readonly string[]
  /** Served-model names, the last that were heard. */
  readonly models: readonly string[]
  readonly breaker: BreakerState
  /** Pages and forwarded requests. */
  readonly inFlight: number
  /** Pages, by lane. */
  readonly lanes: Readonly<Record<Turn['lane'], number>>
  /** Most pages in flight, those of all gateways that share it. */
  readonly limit: number
  /** Most pages in flight of this gateway's. */
  readonly part: number
  /** How the limit came to be; `replica`: another gateway finds it out. */
  readonly limitFrom: 'pinned' | 'found' | 'searching' | 'replica'
  /** Gateways that share it, this one included; null: none does, as far as is known. */
  readonly gateways: number | null
  /** Pages of this gateway that wait for room at it or another one of its models. */
  readonly waiting: number
  /** What the answers of the last minute took. */
  readonly recent: RecentPace
  /** vLLM's; null: it does not say. */
  readonly version: string | null
}

/** One vLLM server: what it serves, whether it is well, and how much it has to do. */
export interface Upstream {
  readonly url: string
  /** What it serves, or served when it was last heard. */
  models(): readonly ServedModel[]
  /** Whether it answers, as far as is known. */
  isWell(): boolean
  /** Whether it should be asked: it is well, and does not fail at most pages. */
  isAvailable(): boolean
  /** Whether it has answered lately: one that is late may be busy, and others come first. */
  isPrompt(): boolean
  /** Whether it is known to sleep. */
  isAsleep(): boolean
  /** Asks it whether it sleeps, if it seems well and is one that can. Throws the signal's reason. */
  askAsleep(signal: AbortSignal): Promise<boolean>
  /** Pages of a lane that it can be sent now; one at a time while it is on trial. */
  room(lane: Turn['lane']): number
  /** Whether it can be sent a page though it has no room, as that is its request's first page here. */
  takesFirst(turn: LeaseTurn): boolean
  /** Most pages in flight, but for first ones of requests. */
  limit(): number
  /** The most tokens that it takes of a page image, once it has refused one. */
  maxImageTokens(): number | null
  /** How long so many pages more would take to be answered, those in flight included, in seconds, as far as is known. */
  waitFor(more: number): number
  status(): UpstreamStatus
  /** Says whether an answer agreed with a page's text layer that can be trusted. */
  compared(agrees: boolean): void
  /** Asks what it serves and how it is. Never throws. */
  discover(signal: AbortSignal): Promise<void>
  /** Counts one page more as in flight; without a turn a request that is passed through. */
  lease(turn: LeaseTurn | null): UpstreamLease
  close(): Promise<void>
}

/** Creates one upstream, not yet asked. */
export function createUpstream(baseUrl: string, options: UpstreamOptions, events: UpstreamEvents): Upstream {
  const { chooseProfile, concurrency: pinned, shares = unshared, onLog, maxKvCacheUsage = null } = options
  const connection = connectUpstream(baseUrl, options)
  const limit = createAdaptiveLimit({ ...events, pinned, share: () => share, onDoubt: () => pressure.listen() })
  const log = (level: 'info' | 'warn', message: string) => onLog?.(level, message, { url: connection.url })
  const imageLimit = createImageLimit(log)
  const readings = watchReadings(log)
  const ask = (signal: AbortSignal) => askLoad(connection, signal)
  const pressure = createPressure({ ask, maxKvCacheUsage, listener: limit, onChange: events.onChange, onLog: log })
  const breaker = createUpstreamBreaker(log, events)
  // What was found out before the server was gone says nothing about the one that is there now.
  const onRecovery = () => [breaker, readings, imageLimit].forEach((it) => it.reset())
  const health = createHealth(connection, { chooseProfile, onLog, onRecovery, onChange: events.onChange })
  const demand = () => ({ ...limit.demand(), inFlight: pages(), waiting: isAvailable() ? waiting() : 0 })
  const share: ServerShare = shares.join({ url: connection.url, demand, adopt: limit.adopt, onChange: events.onChange })
  const leases = createLeases({ connection, health, limit, share, breaker, events, onImageRefused: imageLimit.refused })
  const isWell = () => health.problem() === null
  const isAvailable = () => isWell() && breaker.state() !== 'open'
  const waiting = () => health.models().reduce((sum, { id }) => sum + events.waitingFor(id), 0)
  const pages = () => leases.count('page')
  const isHeldBack = () => pressure.holdsBack(pages())
  function roomIn(lane: Turn['lane']): number {
    if (isHeldBack()) return 0
    const part = share.part(limit.current)
    const room = leases.places.room(lane, breaker.state() === 'closed' ? part : Math.min(1, part))
    if (room <= 0) [share, limit].forEach((it) => it.wanted())
    return room
  }

  return {
    url: connection.url,
    models: () => health.models(),
    isWell,
    isAvailable,
    isPrompt: () => !health.isLate(),
    isAsleep: () => health.isAsleep(),
    askAsleep: (signal) => health.askAsleep(signal),
    room: (lane) => (isWell() ? roomIn(lane) : 0),
    takesFirst: (turn) => isWell() && !isHeldBack() && leases.takesFirst(turn),
    limit: () => limit.current,
    maxImageTokens: () => imageLimit.max(),
    waitFor: (more) =>
      isHeldBack() ? Infinity : limit.secondsFor(placesOf(leases).inFlight + share.others().active + more),
    status: () => ({
      url: connection.url,
      warnings: [...health.warnings(), ...readings.warnings(), ...share.warnings()],
      ...heardOf(health),
      breaker: breaker.state(),
      ...placesOf(leases),
      ...limitOf(limit, share),
      waiting: waiting(),
      ...pressure.status(),
    }),
    compared: (agrees) => readings.compared(agrees),
    discover: (signal) => askAll(health, pressure, signal),
    lease: (turn) => leases.take(turn),
    close: () => connection.close(),
  }
}

/** What a server says of its own work is not waited for. */
function askAll(health: UpstreamHealth, pressure: Pressure, signal: AbortSignal): Promise<void> {
  void pressure.read(signal)
  return health.discover(signal)
}

const placesOf = ({ count, places }: Leases) => ({
  inFlight: count('page') + count('forwarded'),
  lanes: { interactive: places.count('interactive'), batch: places.count('batch') },
})

type LimitStatus = Pick<UpstreamStatus, 'limit' | 'part' | 'limitFrom' | 'gateways' | 'recent'>

const limitOf = (limit: AdaptiveLimit, share: ServerShare): LimitStatus => ({
  limit: limit.current,
  part: share.part(limit.current),
  limitFrom: limit.origin() === 'pinned' || share.leads() ? limit.origin() : 'replica',
  gateways: share.gateways(),
  recent: limit.recent(),
})

const heardOf = (health: UpstreamHealth) => ({
  problem: health.problem(),
  version: health.version(),
  models: health.models().map(({ id }) => id),
})

function createUpstreamBreaker(log: (level: 'info' | 'warn', message: string) => void, events: UpstreamEvents) {
  return createBreaker({
    onChange(state) {
      const [level, message] = breakerNews[state]
      log(level, message)
      if (state === 'open') events.onTrouble()
      events.onChange()
    },
  })
}

const breakerNews = {
  open: ['warn', 'upstream fails at most pages and is left alone for a while'],
  'half-open': ['info', 'upstream is tried with one page'],
  closed: ['info', 'upstream answers again'],
} as const satisfies Record<BreakerState, readonly ['info' | 'warn', string]>
