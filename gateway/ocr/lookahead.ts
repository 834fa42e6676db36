/**
 * Pages begun beyond those at the engines, as a share of these: they are drawn meanwhile, so that no engine waits for
 * one, also where many pages end at the same time. What all requests have drawn ahead is bounded by `read/page-slots.ts`.
 */
const DRAWN_AHEAD_SHARE = 1 / 2

/** Returns how many pages of a request are begun at a time, when `lookahead` of them may be at the engines. */
export function pagesBegun(lookahead: number): number {
  return lookahead + Math.ceil(lookahead * DRAWN_AHEAD_SHARE)
}
