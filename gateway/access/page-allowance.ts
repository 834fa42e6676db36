import { GatewayError } from '../errors.ts'
import { createKeyGates, type Gates } from '../schedule/request-gates.ts'
import type { Release } from '../schedule/slots.ts'
import type { Turn } from '../schedule/turn.ts'
import type { Access } from './access.ts'
import type { Caller } from './caller.ts'
import type { PagePermits, RateLimits } from './rate-limits.ts'
import type { SharedPlaces } from './shared-places.ts'

/** How many pages the callers of requests may have read. */
export interface PageAllowance {
  /** Counts the pages that a request wants read. Throws `rate_limit_exceeded`, and what finding the caller throws. */
  admit(key: string, pages: number): Promise<PagePermits>
  /**
   * Throws `rate_limit_exceeded` where lines of a caller have enough pages here for the places that it has: more of them would
   * only wait for these.
   */
  refuseLine(caller: Caller): void
  /**
   * The same for a line of a batch, until it is disposed of. Of lines with more pages than a minute has, a caller has one at a
   * time here; others are refused, to come back later: they would only hold room that lines of other callers need.
   */
  admitLine(key: string, pages: number): Promise<PagePermits & Disposable>
  /** Lets in a page that is to be drawn and read; waits while its caller has as many as it may. */
  readonly gates: Gates
}

/** So many for each place keep the next ones opened. */
const PAGES_AHEAD = 2
/** In seconds; long before a place could stay empty for long. */
const LOOK_AGAIN = 2

function noPlace(name: string, most: number): GatewayError {
  return new GatewayError(
    'rate_limit_exceeded',
    `${name} may have ${most} pages in flight, and its other lines have more than that.`,
    { retryAfterSeconds: LOOK_AGAIN },
  )
}

/** Creates it; null: the places of pages are those of this gateway alone. */
export function createPageAllowance(access: Access, limits: RateLimits, shared: SharedPlaces | null): PageAllowance {
  const mostOf = (key: string): number => access.known(key)?.limits.pagesInFlight ?? Infinity
  const own = createKeyGates(mostOf)
  const waiting = new Set<string>()
  /** How many pages of lines each caller has. */
  const ofLines = new Map<string, number>()
  const count = (key: string, change: number): void => {
    const pages = (ofLines.get(key) ?? 0) + change
    if (pages === 0) ofLines.delete(key)
    else ofLines.set(key, pages)
  }
  return {
    admit: async (key, pages) => limits.admit(await access.owner(key), pages),
    refuseLine({ name, limits: { pagesInFlight: most } }) {
      if (most !== null && (ofLines.get(name) ?? 0) >= PAGES_AHEAD * most) throw noPlace(name, most)
    },
    async admitLine(key, pages) {
      const caller = await access.owner(key)
      const isLarger = pages > (caller.limits.pagesPerMinute ?? Infinity)
      const mayWait = isLarger && !waiting.has(key)
      if (mayWait) waiting.add(key)
      count(key, pages)
      const leave = (): void => {
        count(key, -pages)
        if (mayWait) waiting.delete(key)
      }
      try {
        return { ...(await limits.admit(caller, pages, mayWait)), [Symbol.dispose]: leave }
      } catch (error) {
        leave()
        throw error
      }
    },
    gates: shared === null ? own : { enter: (turn, signal) => enterBoth(turn, { own, shared, mostOf }, signal) },
  }
}

interface BothGates {
  readonly own: Gates
  readonly shared: SharedPlaces
  readonly mostOf: (key: string) => number
}

/** Those of one gateway take turns at its own gate, so that as many as may be inside at all wait at that of all gateways. */
async function enterBoth(turn: Turn, { own, shared, mostOf }: BothGates, signal: AbortSignal): Promise<Release> {
  const leave = await own.enter(turn, signal)
  const { key } = turn
  const most = mostOf(key)
  if (most === Infinity) return leave
  try {
    const giveBack = await shared.take(key, most, signal)
    return () => {
      giveBack()
      leave()
    }
  } catch (error) {
    leave()
    throw error
  }
}
