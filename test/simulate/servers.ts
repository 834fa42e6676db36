import { createHeap } from './heap.ts'
import { createLevel, type Level } from './measures.ts'
import type { Engine } from './scenario.ts'

/** An engine while it is simulated. */
export interface Server<Page> {
  readonly used: number
  readonly hasRoom: boolean
  /** Pages per second when it is full. */
  readonly rate: number
  /** How long a page of ordinary work would take that came now. */
  readonly secondsOfNext: number
  readonly use: Level
  begin(page: Page, work: number, now: number): void
  /** When the next page is read, if none comes meanwhile. */
  nextEnd(): number
  end(now: number): Page | undefined
}

/**
 * Creates an idle server. All its pages go on at one pace, 1 ÷ the seconds of a page beside as many: so they are kept by how
 * far the pace will have come when each is read, and a change of pace moves none of them.
 */
export function createServer<Page>({ places, secondsAt }: Engine): Server<Page> {
  const pages = createHeap<Page>()
  const use = createLevel()
  let came = 0
  let since = 0
  const pace = () => (pages.size === 0 ? 0 : 1 / secondsAt(pages.size))
  const goOn = (now: number) => {
    came += pace() * (now - since)
    since = now
  }
  return {
    use,
    rate: places / secondsAt(places),
    get used() {
      return pages.size
    },
    get hasRoom() {
      return pages.size < places
    },
    get secondsOfNext() {
      return secondsAt(pages.size + 1)
    },
    begin(page, work, now) {
      goOn(now)
      pages.push(came + work, page)
      use.set(pages.size, now)
    },
    nextEnd: () => (pages.size === 0 ? Infinity : since + Math.max(0, pages.nextDue() - came) / pace()),
    end(now) {
      goOn(now)
      const page = pages.pop()
      use.set(pages.size, now)
      return page
    },
  }
}

/**
 * Returns the server that a page is sent to, as the gateway chooses: the one that answers first; and none where a busy one
 * will answer all that wait before a slower one with room had answered this page.
 */
export function chooseServer<Page>(servers: readonly Server<Page>[], waiting: number): Server<Page> | null {
  let best: Server<Page> | null = null
  for (const server of servers) if (server.hasRoom && (best === null || isSooner(server, best))) best = server
  if (best === null) return null
  const { secondsOfNext } = best
  const isWorthWaiting = servers.some(
    ({ hasRoom, used, rate }) => !hasRoom && (used + waiting) / rate < secondsOfNext * (1 - 1e-9),
  )
  return isWorthWaiting ? null : best
}

/** Of two that would take as long, the one with more room for its size. */
const isSooner = <Page>(one: Server<Page>, other: Server<Page>): boolean =>
  one.secondsOfNext < other.secondsOfNext ||
  (one.secondsOfNext === other.secondsOfNext && one.used / one.rate < other.used / other.rate)
