/** Keeps page answers. Values are opaque strings. A store that cannot answer is a miss, never an error. */
export interface PageStore {
  /** Returns the value under each page key, in order, or null. */
  get(pageKeys: readonly string[], signal: AbortSignal): Promise<(string | null)[]>
  /** Returns for each page key, in order, whether it has a value now. */
  has(pageKeys: readonly string[], signal: AbortSignal): Promise<boolean[]>
  /** Stores a value. One larger than the store's bound is not stored. */
  set(pageKey: string, value: string): Promise<void>
  /** Whether the store answers. Absent in one that is no server of its own. */
  readonly isUp?: () => boolean
  /** How much it holds, and may hold, in bytes. Absent where that is not known at once. */
  readonly size?: () => { readonly entries: number; readonly bytes: number; readonly most: number }
  /** Absent in a store that belongs to one process alone. */
  readonly claims?: PageClaims
  close(): Promise<void>
}

/** Whose work a page is; it may change while the page is waited for. */
export interface ClaimOwner {
  readonly lane: 'interactive' | 'batch'
}

/**
 * Keeps replicas that share a store from computing the same page at once. A store that cannot answer allows all of
 * them.
 */
export interface PageClaims {
  /** How long a claim lasts at most, in milliseconds. Who has waited for longer should compute the page. */
  readonly longestMs: number
  /**
   * Claims a page for as long as it is computed; null while another replica has it. The command is sent before those of
   * later calls.
   */
  take(pageKey: string, owner: ClaimOwner): Promise<PageClaim | null>
  /**
   * Waits until no replica has claimed the page, or the store cannot answer. Says `ignored` where waiting is wrong: what
   * is there is no claim, or it is a batch's and the owner's work has become interactive; and at `until`, a time of
   * `performance.now()`. Throws the signal's reason.
   */
  waitForEnd(pageKey: string, owner: ClaimOwner, until: number, signal: AbortSignal): Promise<'ended' | 'ignored'>
}

/** The right to compute a page. It ends by itself when its replica dies. */
export interface PageClaim {
  /** Gives the claim back; a second call does nothing. Who claims the page next finds what was stored before. */
  release(): void
}
