import { createKeyGates, type Gates } from '../schedule/request-gates.ts'
import type { Access } from './access.ts'
import type { PagePermits, RateLimits } from './rate-limits.ts'

/** How many pages the callers of requests may have read. */
export interface PageAllowance {
  /** Counts the pages that a request wants read. Throws `rate_limit_exceeded`, and what finding the caller throws. */
  admit(key: string, pages: number): Promise<PagePermits>
  /** Lets in a page that is to be drawn and read; waits while its caller has as many as it may. */
  readonly gates: Gates
}

/** Creates it. */
export function createPageAllowance(access: Access, limits: RateLimits): PageAllowance {
  return {
    admit: async (key, pages) => limits.admit(await access.owner(key), pages),
    gates: createKeyGates((key) => access.known(key)?.limits.pagesInFlight ?? Infinity),
  }
}
