import { createHeap } from './heap.ts'
import { createLevel, type Level } from './measures.ts'
import type { Engine } from './scenario.ts'

/** An engine while it is simulated. */
export interface Server<Page> {
  readonly places: number
  /** Pages per second when it is full. */
  readonly rate: number
  readonly use: Level
  readonly state: {
    readonly used: number
    /** How long a page of ordinary work would take that came now. */
    readonly secondsOfNext: number
    /** When the next page is read, if none comes meanwhile. */
    readonly nextEnd: number
  }
  /** How much ordinary work each page has got by a moment that was there from the beginning: 1 is a page. */
  came(now: number): number
  begin(page: Page, work: number, now: number): void
  end(now: number): Page | undefined
  /** Gives up a page; false when it was not begun. */
  leave(page: Page, now: number): boolean
}

/**
 * Creates an idle server. All its pages go on at one pace, 1 ÷ the seconds of a page beside as many: so they are kept by how
 * far the pace will have come when each is read, and a change of pace moves none of them.
 */
export function createServer<Page>({ places, secondsAt }: Engine): Server<Page> {
  const pages = createHeap<Page>()
  const use = createLevel()
  // What is asked of all servers at each step is kept, and reckoned anew only where it changes.
  const state = { used: 0, secondsOfNext: secondsAt(1), nextEnd: Infinity, came: 0, since: 0, pace: 0 }
  const goOn = (now: number) => {
    state.came += state.pace * (now - state.since)
    state.since = now
  }
  const settle = (now: number) => {
    state.used = pages.size
    state.secondsOfNext = secondsAt(state.used + 1)
    state.pace = state.used === 0 ? 0 : 1 / secondsAt(state.used)
    state.nextEnd = state.used === 0 ? Infinity : now + Math.max(0, pages.nextDue() - state.came) / state.pace
    use.set(state.used, now)
  }
  return {
    use,
    places,
    rate: places === Infinity ? Infinity : places / secondsAt(places),
    state,
    came: (now) => state.came + state.pace * (now - state.since),
    begin(page, work, now) {
      goOn(now)
      pages.push(state.came + work, page)
      settle(now)
    },
    end(now) {
      goOn(now)
      const page = pages.pop()
      settle(now)
      return page
    },
    leave(page, now) {
      goOn(now)
      const isThere = pages.remove(page)
      settle(now)
      return isThere
    },
  }
}

/**
 * Returns the server that a page is sent to, as the gateway chooses: the one that answers first; and none where a busy one
 * will answer all that wait before a slower one with room had answered this page.
 */
export function chooseServer<Page>(servers: readonly Server<Page>[], waiting: number): Server<Page> | null {
  let best: Server<Page> | null = null
  // When the first of those without room will have read what it has and all that wait.
  let soonest = Infinity
  for (const server of servers) {
    const { used } = server.state
    if (used >= server.places) soonest = Math.min(soonest, (used + waiting) / server.rate)
    else if (best === null || isSooner(server, best)) best = server
  }
  return best !== null && soonest < best.state.secondsOfNext * (1 - 1e-9) ? null : best
}

/** Of two that would take as long, the one with more room for its size. */
function isSooner<Page>({ state: one, rate }: Server<Page>, { state: other, rate: otherRate }: Server<Page>): boolean {
  if (one.secondsOfNext !== other.secondsOfNext) return one.secondsOfNext < other.secondsOfNext
  return one.used / rate < other.used / otherRate
}
