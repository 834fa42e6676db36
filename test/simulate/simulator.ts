import { seededRandom } from '../support/seeded-random.ts'
import { createHeap } from './heap.ts'
import { createLevel, createSpread, type Spread } from './measures.ts'
import { createQueue } from './queue.ts'
import type { Scenario } from './scenario.ts'
import { chooseServer, createServer } from './servers.ts'

/** What came of a scenario. Documents that arrived in the warm-up are in none of it, and times are those of pages that are read. */
export interface Outcome {
  readonly documents: number
  readonly pages: number
  /** From the arrival of its document until a page is at an engine. */
  readonly waitSeconds: Spread
  /** From the arrival of its document until a page is read. */
  readonly pageSeconds: Spread
  /** Until the whole document is read. */
  readonly documentSeconds: Spread
  /** Until the page of a document that has one page is read: what somebody sees who waits for one. */
  readonly singleSeconds: Spread
  /** Most pages that had arrived and were not read. */
  readonly mostQueued: number
  /** The share of all engines' places that were taken, while documents arrived. */
  readonly engineUse: number
  /** The work that they were given, of the most that they can do. */
  readonly engineLoad: number
  readonly drawerUse: number
  /** When the last page was read. */
  readonly endedAt: number
}

interface Document {
  readonly arrivedAt: number
  readonly isCounted: boolean
  readonly isSingle: boolean
  readonly gateway: number
  /** Pages that have no slot yet. */
  waiting: number
  inFlight: number
  unread: number
  isInTurn: boolean
}

/** The gateway draws a quarter more pages than the engines read, and eight at least. */
const drawnAhead = (places: number): number => places + Math.max(8, Math.ceil(places / 4))

/** Plays a scenario to its end: the same seed, the same outcome. */
export function simulate(scenario: Scenario): Outcome {
  const play = createPlay(scenario)
  while (play.step());
  return play.outcome()
}

function createPlay(scenario: Scenario) {
  const { seconds, warmUpSeconds = 0, lookahead, drawers } = scenario
  const seeded = seededRandom(scenario.seed)
  const random = () => seeded.next()
  const servers = scenario.engines.map((engine) => createServer<Document>(engine))
  const places = scenario.engines.reduce((sum, engine) => sum + engine.places, 0)
  const gateways = Array.from({ length: scenario.gateways }, () => ({ free: drawers, queue: createQueue<Document>() }))
  const drawing = createHeap<Document>()
  const turns = createQueue<Document>()
  const drawn = createQueue<Document>()
  const measures = { wait: createSpread(), page: createSpread(), document: createSpread(), single: createSpread() }
  const queued = createLevel()
  const drawerUse = createLevel()
  const counts = { documents: 0, pages: 0, arrived: 0, unread: 0, waiting: 0, lastEnd: 0, work: 0 }
  const uses: { engine: number; drawer: number } = { engine: NaN, drawer: NaN }
  let free = drawnAhead(places)
  let isWarm = warmUpSeconds === 0
  let now = 0
  let nextArrival = arriveAfter(0)

  /** Thinning: as many as would arrive at the highest rate, of which the share arrives that the moment has. */
  function arriveAfter(second: number): number {
    const { maxDocuments = Infinity, maxDocumentsPerSecond, documentsPerSecond } = scenario
    if (counts.arrived >= maxDocuments) return Infinity
    if (maxDocumentsPerSecond === Infinity) return second
    for (let at = second; at < seconds;) {
      at -= Math.log(1 - random()) / maxDocumentsPerSecond
      if (at < seconds && random() * maxDocumentsPerSecond <= documentsPerSecond(at)) return at
    }
    return Infinity
  }

  function arrive(): void {
    const all = scenario.pagesOfDocument(random)
    let unknown = 0
    for (let page = 0; page < all; page++) if (scenario.knownShare === 0 || random() >= scenario.knownShare) unknown++
    const isCounted = now >= warmUpSeconds
    const gateway = counts.arrived++ % gateways.length
    const document = { arrivedAt: now, isCounted, isSingle: all === 1, gateway, waiting: unknown, inFlight: 0, unread: unknown, isInTurn: false } // prettier-ignore
    if (isCounted) counts.documents++
    if (isCounted) counts.pages += all
    counts.unread += unknown
    counts.waiting += unknown
    queued.set(counts.unread, now)
    takeTurn(document)
    nextArrival = arriveAfter(now)
  }

  function takeTurn(document: Document): void {
    if (document.isInTurn || document.waiting === 0 || document.inFlight >= drawnAhead(lookahead)) return
    document.isInTurn = true
    turns.push(document)
  }

  /** Pages with a slot are drawn, drawn ones go to engines, for as long as there is room. */
  function advance(): void {
    while (free > 0 && turns.size > 0) giveSlot(turns.shift() as Document)
    while (drawn.size > 0) {
      const server = chooseServer(servers, counts.waiting)
      if (server === null) return
      const document = drawn.shift() as Document
      counts.waiting--
      if (document.isCounted) measures.wait.add(now - document.arrivedAt)
      const work = scenario.workOfPage(random)
      if (isWarm && now < seconds) counts.work += work
      server.begin(document, work, now)
    }
  }

  function giveSlot(document: Document): void {
    free--
    document.isInTurn = false
    document.waiting--
    document.inFlight++
    takeTurn(document)
    const gateway = gateways[document.gateway] as (typeof gateways)[number]
    if (gateway.free > 0) draw(document)
    else gateway.queue.push(document)
  }

  function draw(document: Document): void {
    const gateway = gateways[document.gateway] as (typeof gateways)[number]
    gateway.free--
    drawing.push(now + scenario.drawSeconds(random), document)
    drawerUse.set(drawing.size, now)
  }

  function endDrawing(): void {
    const document = drawing.pop() as Document
    const gateway = gateways[document.gateway] as (typeof gateways)[number]
    gateway.free++
    drawerUse.set(drawing.size, now)
    drawn.push(document)
    const next = gateway.queue.shift()
    if (next !== undefined) draw(next)
  }

  function endReading(server: (typeof servers)[number]): void {
    const document = server.end(now) as Document
    free++
    document.inFlight--
    document.unread--
    counts.unread--
    counts.lastEnd = now
    queued.set(counts.unread, now)
    takeTurn(document)
    if (!document.isCounted) return
    const took = now - document.arrivedAt
    measures.page.add(took)
    if (document.isSingle) measures.single.add(took)
    if (document.unread === 0) measures.document.add(took)
  }

  const meanUse = () => servers.reduce((sum, { use }) => sum + use.mean(now), 0) / places

  function look(next: number): void {
    if (!isWarm && next >= warmUpSeconds) {
      isWarm = true
      now = warmUpSeconds
      for (const level of [queued, drawerUse, ...servers.map(({ use }) => use)]) level.restart(now)
    }
    if (Number.isNaN(uses.engine) && next >= seconds) {
      now = seconds
      Object.assign(uses, { engine: meanUse(), drawer: drawerUse.mean(now) / (gateways.length * drawers) })
    }
  }

  return {
    /** Does what is next; returns whether there was anything. */
    step(): boolean {
      let server: (typeof servers)[number] | null = null
      let end = Infinity
      for (const each of servers) {
        if (each.state.nextEnd >= end) continue
        server = each
        end = each.state.nextEnd
      }
      const next = Math.min(nextArrival, drawing.nextDue(), end)
      look(next)
      if (next === Infinity) return false
      now = next
      if (next === end && server !== null) endReading(server)
      else if (next === drawing.nextDue()) endDrawing()
      else arrive()
      advance()
      return true
    },
    outcome: (): Outcome => ({
      documents: counts.documents,
      pages: counts.pages,
      waitSeconds: measures.wait,
      pageSeconds: measures.page,
      documentSeconds: measures.document,
      singleSeconds: measures.single,
      mostQueued: queued.most,
      engineUse: uses.engine,
      engineLoad: counts.work / (servers.reduce((sum, { rate }) => sum + rate, 0) * (seconds - warmUpSeconds)),
      drawerUse: uses.drawer,
      endedAt: counts.lastEnd,
    }),
  }
}
