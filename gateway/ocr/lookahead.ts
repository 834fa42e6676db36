/**
 * Pages begun beyond those at the engines, as a share of these: they are drawn meanwhile, so that no engine waits for
 * one.
 */
const DRAWN_AHEAD_SHARE = 1 / 4

/** Returns how many pages of a request are begun at a time, when `lookahead` of them may be at the engines. */
export function pagesBegun(lookahead: number): number {
  return lookahead + Math.ceil(lookahead * DRAWN_AHEAD_SHARE)
}
