import type { Caller, Limits } from '../../gateway/access/caller.ts'

/** A caller with these limits, and no others. */
export function makeCaller(limits: Partial<Limits> = {}, parts: Partial<Omit<Caller, 'limits'>> = {}): Caller {
  return {
    name: 'someone',
    models: null,
    lanes: null,
    isAdmin: false,
    ...parts,
    limits: { requestsPerMinute: null, pagesPerMinute: null, pagesInFlight: null, pagesPerMonth: null, ...limits },
  }
}
