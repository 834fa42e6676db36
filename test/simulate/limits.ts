import { placesBeyond } from '../../gateway/schedule/firsts.ts'
import { createAdaptiveLimit, type AdaptiveLimit, type SentPage } from '../../gateway/upstream/adaptive-limit.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { createHeap } from './heap.ts'
import type { Draw, Engine } from './scenario.ts'
import { createServer } from './servers.ts'

/** A long document at one server whose limit is found out, and requests of one page beside it. */
export interface LimitScenario {
  /** All pages that it is sent; beyond its places they wait in its own queue, first come, first served. */
  readonly engine: Engine
  /** How many pages at a time bring all that it can do; left out: its places. */
  readonly enough?: number
  /** How often a page's text goes on while it is read, in seconds; left out: it comes at its end. */
  readonly pieceSeconds?: number
  /** Another one from a moment on: it got quicker, slower, or was started again. */
  readonly later?: { readonly at: number; readonly engine: Engine }
  readonly workOfPage: Draw
  /** From when a page has a place until its first text; `Infinity`: its text comes whole at its end. */
  readonly firstTextSeconds: number
  /**
   * What it takes to prepare a page before it may have a place, in seconds, one after the other, as vLLM's server does beside its engine:
   * those pages do not run and do not wait. Left out: nothing.
   */
  readonly prepareSeconds?: Draw
  /** Whether it says each second how many pages run and wait in it. */
  readonly saysLoad?: boolean
  /**
   * How long a gateway on busy cores takes in the mean for each page, and for each piece of text, in seconds, one after the other: it hears
   * of all others the later. Left out: it hears of everything at once.
   */
  readonly busy?: { readonly page: number; readonly piece: number; readonly pause?: Pause }
  readonly drawSeconds: number
  readonly drawers: number
  readonly lookahead: number
  /** How long the document lasts. */
  readonly seconds: number
  /** From here on the limit counts as steady, and throughput as what it costs. */
  readonly steadyFrom: number
  /** Requests of one page, one after the other, each after a pause by chance of up to so long, the first after a second. */
  readonly singles: number
  readonly maxPauseSeconds: number
  readonly seed: number
}

/** Now and then, by chance, it does nothing at all for a while: after so large a share of what it hears. */
export interface Pause {
  readonly share: number
  readonly seconds: number
}

/** What came of it. */
export interface LimitOutcome {
  /** The highest limit from `steadyFrom` on, and the mean over time. */
  readonly steadyLimit: number
  readonly meanLimit: number
  /** The highest ever. */
  readonly mostLimit: number
  /** Work done per second from the first moment on and when steady, as a share of what the full server does. */
  readonly throughput: number
  readonly steadyThroughput: number
  /** Of the requests of one page, in times of what a page takes in the full server, without a queue. */
  readonly median: number
  readonly worst: number
  readonly singles: number
  /** Pages that were taken back from the server. */
  readonly taken: number
}

/** Of a page of ordinary work. */
const CHARACTERS = 3000

interface Page {
  readonly isSingle: boolean
  readonly work: number
  isRead: boolean
  /** It was taken back from the server, and is sent anew. */
  isTaken: boolean
  sent: SentPage | null
}

/** Plays a scenario to the end of its document: the same seed, the same outcome. */
export function simulateLimit(scenario: LimitScenario, make = createAdaptiveLimit): LimitOutcome {
  const play = createLimitPlay(scenario, make)
  while (play.step());
  return play.outcome()
}

function createLimitPlay(scenario: LimitScenario, make: typeof createAdaptiveLimit) {
  const { firstTextSeconds, lookahead, seconds, steadyFrom } = scenario
  const seeded = seededRandom(scenario.seed)
  const random = () => seeded.next()
  const clock = { now: 0, before: 0 }
  const events = createHeap<() => void>()
  const at = (delay: number, run: () => void) => events.push(clock.now + delay, run)
  const limit: AdaptiveLimit = make({
    pinned: null,
    now: () => (clock.before + clock.now) * 1000,
    later: (milliseconds, run) => at(milliseconds / 1000, run),
    onDoubt: () => scenario.saysLoad === true && clock.now - scrapedAt >= 0.25 && sayLoad(),
  })
  if (scenario.pieceSeconds !== undefined) readSome(limit, scenario, clock)
  const server = createQueueingServer(scenario)
  const enough = scenario.enough ?? scenario.engine.places
  const full = scenario.engine.secondsAt(enough)
  const times: number[] = []
  let [drawing, drawn, inFlight, taken, preparedAt, scrapedAt] = [0, 0, 0, 0, 0, -Infinity]
  let single: { page: Page; startedAt: number } | null = null
  const work = { all: 0, steady: 0 }
  const limits = { most: 0, steady: 0, area: 0, since: 0 }

  function draw(): void {
    while (drawing < scenario.drawers && drawing + drawn + documentsInFlight() < lookahead * 1.25) {
      drawing += 1
      at(scenario.drawSeconds, () => {
        drawing -= 1
        drawn += 1
      })
    }
  }

  const hear = createHearing(scenario, random, clock, at)
  const documentsInFlight = () => inFlight - (single?.page.sent ? 1 : 0)

  function send(page: Page): void {
    inFlight += 1
    page.sent = limit.sent(inFlight, { giveBack: page.isSingle ? null : () => takeBack(page) })
    if (scenario.prepareSeconds === undefined) return server.push(page, clock.now)
    preparedAt = Math.max(preparedAt, clock.now) + scenario.prepareSeconds(random)
    at(preparedAt - clock.now, () => page.isTaken || server.push(page, clock.now))
  }

  function takeBack(page: Page): void {
    if (page.isRead) return
    page.isTaken = true
    taken += 1
    server.leave(page, clock.now)
    page.sent?.left()
    inFlight -= 1
    drawn += 1
  }

  function advance(): void {
    draw()
    // A request's first page may go beyond the limit.
    if (single?.page.sent === null && inFlight < limit.current + placesBeyond(limit.current)) send(single.page)
    while (inFlight < limit.current) {
      if (single !== null && single.page.sent === null) send(single.page)
      else if (drawn > 0 && documentsInFlight() < lookahead) {
        drawn -= 1
        send({ isSingle: false, work: scenario.workOfPage(random), isRead: false, isTaken: false, sent: null })
      } else break
    }
    if (
      inFlight >= limit.current &&
      ((single !== null && single.page.sent === null) || (drawn > 0 && documentsInFlight() < lookahead))
    )
      limit.wanted()
    for (const page of server.fill(clock.now)) {
      if (firstTextSeconds < Infinity) at(firstTextSeconds, () => hear('piece', () => begin(page)))
    }
    noteLimit()
  }

  function begin(page: Page): void {
    if (page.isTaken) return
    page.sent?.begun()
    page.sent?.heard(1)
    if (scenario.pieceSeconds !== undefined) goOn(page, scenario.pieceSeconds, server.came(clock.now))
  }

  /** Says how far a page's text has come since a moment, again and again until it is read. */
  function goOn(page: Page, seconds: number, since: number): void {
    at(seconds, () => {
      if (page.isRead || page.isTaken) return
      const came = server.came(clock.now)
      const characters = Math.round(came * CHARACTERS) - Math.round(since * CHARACTERS)
      hear('piece', () => page.isTaken || page.sent?.heard(characters))
      goOn(page, seconds, came)
    })
  }

  function noteLimit(): void {
    const { current } = limit
    limits.most = Math.max(limits.most, current)
    if (clock.now < steadyFrom) return
    limits.steady = Math.max(limits.steady, current)
  }

  function answer(page: Page): void {
    page.isRead = true
    hear('page', () => noteAnswer(page))
  }

  function noteAnswer(page: Page): void {
    page.sent?.begun()
    page.sent?.answered()
    page.sent?.left()
    inFlight -= 1
    work.all += page.work
    if (clock.now >= steadyFrom) work.steady += page.work
    if (page !== single?.page) return
    times.push(clock.now - single.startedAt)
    single = null
    if (times.length < scenario.singles) at(random() * scenario.maxPauseSeconds, ask)
  }

  function ask(): void {
    single = { page: { isSingle: true, work: 1, isRead: false, isTaken: false, sent: null }, startedAt: clock.now }
  }

  function scrape(): void {
    at(sayLoad() === 'answers soon' ? 0.25 : 1, scrape)
  }

  /** Says it if it is asked; returns what is asked. */
  function sayLoad() {
    scrapedAt = clock.now
    const wants = limit.wantsFigures()
    if (wants !== 'nothing') limit.serverSaid({ ...NO_LOAD, running: server.running, waiting: server.waiting })
    return limit.wantsFigures()
  }

  if (scenario.saysLoad === true) at(random(), scrape)
  at(1 + random() * scenario.maxPauseSeconds, ask)
  if (scenario.later !== undefined) at(scenario.later.at, () => server.change(clock.now))
  advance()
  return {
    step(): boolean {
      const next = Math.min(events.nextDue(), server.nextEnd())
      limits.area += limit.current * Math.max(0, Math.min(next, seconds) - Math.max(steadyFrom, clock.now))
      if (next >= seconds) return false
      clock.now = next
      if (next === server.nextEnd()) answer(server.end(next))
      else events.pop()?.()
      advance()
      return true
    },
    outcome(): LimitOutcome {
      const rate = enough / full
      const { places, secondsAt } = (scenario.later ?? scenario).engine
      const most = scenario.later === undefined ? enough : places
      const steadyRate = most / secondsAt(most)
      const sorted = times.toSorted((a, b) => a - b)
      return {
        steadyLimit: limits.steady,
        meanLimit: limits.area / (seconds - steadyFrom),
        mostLimit: limits.most,
        throughput: work.all / (rate * (seconds - full)),
        steadyThroughput: work.steady / (steadyRate * (seconds - steadyFrom)),
        median: (sorted[Math.floor(sorted.length / 2)] ?? NaN) / full,
        worst: (sorted.at(-1) ?? NaN) / full,
        singles: sorted.length,
        taken,
      }
    },
  }
}

/** Returns what hears of pages and of text: at once, or when the gateway has come to it. */
function createHearing(
  { busy }: LimitScenario,
  random: () => number,
  clock: { readonly now: number },
  at: (delay: number, run: () => void) => void,
) {
  let freeAt = 0
  return (what: 'page' | 'piece', run: () => void): void => {
    if (busy === undefined) return run()
    const begins = Math.max(clock.now, freeAt)
    freeAt = begins - busy[what] * Math.log(1 - random())
    if (busy.pause !== undefined && random() < busy.pause.share) freeAt += busy.pause.seconds
    if (begins === clock.now) run()
    else at(begins - clock.now, run)
  }
}

/** Reads a few pages before, one after the other: what the server's text is like is known when the document comes. */
function readSome(limit: AdaptiveLimit, { engine, firstTextSeconds }: LimitScenario, clock: { before: number }): void {
  for (let page = 0; page < 4; page++) {
    const sent = limit.sent(1)
    clock.before += firstTextSeconds
    sent.begun()
    for (let piece = 0; piece < 10; piece++) {
      sent.heard(CHARACTERS / 10)
      clock.before += engine.secondsAt(1) / 10
    }
    sent.answered()
    sent.left()
  }
}

const NO_LOAD = { kvCacheUsage: null, preemptions: null }

/** A server with a queue of its own. */
function createQueueingServer({ engine, later }: LimitScenario) {
  let server = createServer<Page>(engine)
  const queue: Page[] = []
  return {
    get waiting() {
      return queue.length
    },
    get running() {
      return server.state.used
    },
    came: (now: number) => server.came(now),
    push: (page: Page, _now: number) => void queue.push(page),
    /** Gives free places to those that wait; returns them. */
    fill(now: number): readonly Page[] {
      const begun = queue.splice(0, Math.max(0, server.places - server.state.used))
      for (const page of begun) server.begin(page, page.work, now)
      return begun
    },
    nextEnd: () => server.state.nextEnd,
    leave(page: Page, now: number): void {
      const at = queue.indexOf(page)
      if (at >= 0) queue.splice(at, 1)
      else server.leave(page, now)
    },
    end: (now: number): Page => server.end(now) as Page,
    /** What runs is begun anew in the server that comes after it. */
    change(now: number): void {
      if (later === undefined) return
      const next = createServer<Page>(later.engine)
      const running: Page[] = []
      for (let page = server.end(now); page !== undefined; page = server.end(now)) running.push(page)
      queue.unshift(...running)
      server = next
    },
  }
}
