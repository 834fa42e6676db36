import { setTimeout as delay } from 'node:timers/promises'
import { GatewayError } from '../errors.ts'
import { orAborted } from '../schedule/or-aborted.ts'
import type { Caller } from './caller.ts'
import type { Taken, Windows, WindowState } from './window.ts'

/** What is counted of callers, by the minute. */
export type Counted = 'requests' | 'pages'

/** How much callers may ask for by the minute. */
export interface RateLimits {
  /** Counts a request. Returns how the caller's window is, and why it is refused; null: it has no limit. */
  request(caller: Caller): Promise<CountedRequest | null>
  /** Looks at the window of the caller's pages; null: it has no limit. */
  pages(caller: Caller): Promise<WindowState | null>
  /**
   * Counts pages that are to be read. Throws `rate_limit_exceeded` where they do not fit into what is left of the window. More
   * than any window holds take one window after the other, unless they may not wait: then these are refused, too.
   */
  admit(caller: Caller, pages: number, mayWait?: boolean): Promise<PagePermits>
}

/** A request that was counted, unless it is refused. */
export interface CountedRequest {
  readonly window: WindowState
  readonly refusal: GatewayError | null
}

/** Permission to read so many pages, now or later. */
export interface PagePermits {
  /** How many of them may be read in one minute; infinite: all. */
  readonly perWindow: number
  /** Waits until one more of them may be read. Throws the signal's reason. */
  readonly next: (signal: AbortSignal) => Promise<void>
}

/** What limits are counted with. */
export interface RateLimitsOptions {
  readonly windows: Windows
  readonly onRefused?: (counted: Counted) => void
}

/** Creates the limits. */
export function createRateLimits({ windows, onRefused = () => {} }: RateLimitsOptions): RateLimits {
  const look = (counted: Counted, name: string, limit: number, wanted: number, takesLess = false): Promise<Taken> =>
    windows.take({ name: `${counted}:${name}`, limit, wanted, takesLess })

  function refusal(counted: Counted, wanted: number, caller: Caller, window: WindowState): GatewayError {
    onRefused(counted)
    return exceeded(counted, wanted, caller, window)
  }

  return {
    async request(caller) {
      const limit = caller.limits.requestsPerMinute
      if (limit === null) return null
      const taken = await look('requests', caller.name, limit, 1)
      return { window: taken, refusal: taken.granted === 1 ? null : refusal('requests', 1, caller, taken) }
    },
    async pages({ name, limits: { pagesPerMinute: limit } }) {
      return limit === null ? null : look('pages', name, limit, 0)
    },
    async admit(caller, pages, mayWait = true) {
      const limit = caller.limits.pagesPerMinute
      if (limit === null || pages === 0) return { perWindow: Infinity, next: async () => {} }
      const isLarger = pages > limit
      const taken = await look('pages', caller.name, limit, pages, isLarger && mayWait)
      if (!(isLarger && mayWait) && taken.granted < pages) throw refusal('pages', pages, caller, taken)
      const more = (wanted: number): Promise<Taken> => look('pages', caller.name, limit, wanted, true)
      return { perWindow: limit, next: permits(pages, taken, more) }
    },
  }
}

/** Windows that nobody has begun are looked at again after so long; others when they are over. In milliseconds. */
const LEAST_WAIT = 20

/** Gives out what was taken; the pages that come when there is nothing left wait together for the next window. */
function permits(pages: number, first: Taken, take: (wanted: number) => Promise<Taken>): PagePermits['next'] {
  let have = first.granted
  let open = pages - first.granted
  let waitMs = first.resetMs
  let taking: Promise<void> | null = null
  let waiting = 0

  async function takeMore(): Promise<void> {
    await delay(Math.max(LEAST_WAIT, waitMs), undefined, { ref: false })
    if (waiting === 0) return
    const { granted, resetMs } = await take(open)
    have += granted
    open -= granted
    waitMs = resetMs
  }

  return async (signal) => {
    for (;;) {
      signal.throwIfAborted()
      if (have > 0) {
        have -= 1
        return
      }
      // What ends early leaves the others of its request to theirs.
      if (open === 0) return
      taking ??= takeMore().finally(() => (taking = null))
      waiting += 1
      await orAborted(taking, signal).finally(() => (waiting -= 1))
    }
  }
}

function exceeded(
  counted: Counted,
  wanted: number,
  { name }: Caller,
  { limit, remaining, resetMs }: WindowState,
): GatewayError {
  const seconds = Math.max(1, Math.ceil(resetMs / 1000))
  const what =
    counted === 'requests'
      ? `${limit} requests a minute`
      : `${limit} pages a minute: ${remaining} of them are left, and this request has ${wanted} that are not in the cache`
  return new GatewayError(
    'rate_limit_exceeded',
    `${name} may ask for ${what}. Send the request again in ${seconds} seconds.`,
    { retryAfterSeconds: seconds },
  )
}
