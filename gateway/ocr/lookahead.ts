/** The share of pages more that are begun than may be at the engines: they are drawn meanwhile, so that none waits for its image. */
const DRAWN_AHEAD_SHARE = 1 / 4

/** Returns how many pages of a request are begun at a time when so many may be at the engines. */
export function pagesBegun(lookahead: number): number {
  return lookahead + Math.ceil(lookahead * DRAWN_AHEAD_SHARE)
}
