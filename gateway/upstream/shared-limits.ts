import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { PlacesGrant, PlacesReport, RedisPlaces } from '../store/redis-places.ts'
import type { LimitShares, ServerShare, SharingServer } from './limit-share.ts'

/** How often a gateway says how it is: while something has changed that others wait for, while it has pages, and else. In milliseconds. */
const SOON = 25
const BUSY = 250
const REST = 1000
/** Who is answered later than that, in milliseconds, takes Redis to be away: soon the others take it to be dead. */
const LATE = 1000
/** A gateway that stops waits no longer for Redis to note it, in milliseconds. */
const LEAVE_TIMEOUT = 500
/** Before Redis has answered once, a gateway goes on as one of so many that all have as much: it may not be alone. */
const UNTOLD_SHARE = 4

/** One server, as this gateway sees it. */
interface Server extends SharingServer {
  granted: PlacesGrant | null
  /** What was said last. */
  said: PlacesReport | null
}

const WARNING =
  'Redis does not say in time which part of the limit is for this gateway: it goes on with the part that it had, or an even one if that is more.'

/**
 * Shares limits: each gateway says again and again what it has at each server and what waits, and is told its part. While
 * nobody answers in time it goes on with the part that it has, or with an even one where that is more: load may have moved
 * to it meanwhile.
 */
export function createSharedLimits(places: RedisPlaces): LimitShares {
  const id = randomUUID()
  const servers = new Map<string, Server>()
  const alarm = createAlarm(tick)
  let isAway = true

  async function tick(): Promise<void> {
    const askedAt = performance.now()
    const late = setTimeout(away, LATE)
    late.unref()
    // The connection itself says so in the log.
    const changed = await report(askedAt).catch(away)
    clearTimeout(late)
    for (const server of changed) server.onChange()
    const pause = Math.min(...servers.values().map((server) => (isAway ? REST : pauseOf(server))))
    // From question to question: the others wait no longer where answers are slow.
    alarm.set(askedAt + pause - performance.now())
  }

  function away(): readonly Server[] {
    isAway = true
    for (const server of servers.values()) server.onChange()
    return []
  }

  async function report(askedAt: number): Promise<readonly Server[]> {
    for (const server of servers.values()) server.said = reportOf(server)
    const said = Object.fromEntries(servers.values().map(({ url, said: each }) => [url, each] as const))
    const grants = await places.report(id, said as Record<string, PlacesReport>)
    isAway = performance.now() - askedAt > LATE
    return [...servers.values()].filter((server) => take(server, grants[server.url], isAway))
  }

  function join(joining: SharingServer): ServerShare {
    const server: Server = { ...joining, granted: null, said: null }
    servers.set(server.url, server)
    alarm.set(0)
    return shareOf(server, { isAway: () => isAway, reportSoon: () => alarm.set(SOON) })
  }

  return {
    join,
    async close() {
      alarm.close()
      if (isAway) return
      await Promise.race([places.leave(id, [...servers.keys()]).catch(() => {}), delay(LEAVE_TIMEOUT)])
    },
  }
}

function shareOf(
  server: Server,
  { isAway, reportSoon }: { readonly isAway: () => boolean; readonly reportSoon: () => void },
): ServerShare {
  return {
    leads: () => server.granted?.leads ?? true,
    part: (limit) => Math.max(isAway() ? evenPart(server, limit) : 0, partOf(server, limit)),
    others: () => server.granted ?? supposedOthers(server),
    gateways: () => server.granted?.gateways ?? null,
    warnings: () => (isAway() ? [WARNING] : []),
    wanted() {
      // Who has said so waits for the others.
      if (server.said?.waiting === 0) reportSoon()
    },
    left() {
      if (server.granted !== null && (server.said?.held ?? 0) > server.granted.part) reportSoon()
    },
  }
}

/** Runs something after a while; the earliest of several counts. What is set while it runs waits until it is over. */
function createAlarm(run: () => Promise<void>) {
  let isClosed = false
  let isRunning = false
  let timer: NodeJS.Timeout | undefined
  let dueAt = Infinity

  async function ring(): Promise<void> {
    dueAt = Infinity
    isRunning = true
    await run()
    isRunning = false
    if (dueAt < Infinity) start()
  }

  function start(): void {
    clearTimeout(timer)
    if (isClosed) return
    timer = setTimeout(() => void ring(), Math.max(0, dueAt - performance.now()))
    timer.unref()
  }

  return {
    set(milliseconds: number): void {
      const at = performance.now() + milliseconds
      if (at >= dueAt) return
      dueAt = at
      if (!isRunning) start()
    },
    close(): void {
      isClosed = true
      clearTimeout(timer)
    },
  }
}

/** A part stands until the next grant; by what the one who finds out the limit has raised it since, nobody else has more. */
function partOf(server: Server, limit: number): number {
  const { granted } = server
  if (granted === null) return evenPart(server, limit)
  const raised = granted.leads ? Math.max(0, limit - granted.limit) : 0
  return Math.min(limit, granted.part + raised)
}

function evenPart({ granted }: Server, limit: number): number {
  return Math.max(1, Math.floor(limit / (granted?.gateways ?? UNTOLD_SHARE)))
}

/** Without them the limit of a gateway that is told nothing would seem never to be reached, and stay where searches begin. */
function supposedOthers(server: Server): ReturnType<ServerShare['others']> {
  const { inFlight, unbegun, limit } = server.demand()
  const share = limit / evenPart(server, limit) - 1
  return { active: inFlight * share, unbegun: unbegun * share }
}

function reportOf(server: Server): PlacesReport {
  const own = server.demand()
  const { granted } = server
  if (granted !== null) return { ...own, held: Math.max(own.inFlight, partOf(server, own.limit)), leads: granted.leads }
  // Found out beside others that may not be there: little, and the search goes on as it begins, which is fast.
  const limit = own.isSettled ? Math.ceil(own.limit / UNTOLD_SHARE) : own.limit
  return { ...own, limit, isSettled: false, held: own.inFlight, leads: false }
}

/** Takes a grant over; returns whether something has changed. */
function take(server: Server, grant: PlacesGrant | undefined, isLate: boolean): boolean {
  if (grant === undefined) return false
  if (isLate) return giveBack(server, grant)
  const before = server.granted
  server.granted = grant
  if (before?.leads !== true) server.adopt(grant.limit, grant.isSettled)
  return before?.part !== grant.part || before.leads !== grant.leads
}

/** What is granted late may be others' by now, as this gateway seemed dead: it only takes away. */
function giveBack(server: Server, { part }: PlacesGrant): boolean {
  const { granted } = server
  if (granted === null || part >= granted.part) return false
  server.granted = { ...granted, part }
  return true
}

function pauseOf({ granted, said, demand }: Server): number {
  const { inFlight, waiting } = demand()
  if (granted === null || said === null) return SOON
  const mayGiveBack = said.held > granted.part && inFlight < said.held
  const isShort = granted.target > granted.part && waiting > 0
  if (mayGiveBack || isShort) return SOON
  return inFlight + waiting > 0 ? BUSY : REST
}
