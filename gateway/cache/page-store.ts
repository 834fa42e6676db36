/** Keeps page answers. Values are opaque strings. A store that cannot answer is a miss, never an error. */
export interface PageStore {
  /** Returns the value under a page key, or null. */
  get(pageKey: string, signal: AbortSignal): Promise<string | null>
  /** Returns for each page key, in order, whether it has a value now. */
  has(pageKeys: readonly string[], signal: AbortSignal): Promise<boolean[]>
  /** Stores a value. One larger than the store's bound is not stored. */
  set(pageKey: string, value: string): Promise<void>
  /** Absent in a store that belongs to one process alone. */
  readonly claims?: PageClaims
  close(): Promise<void>
}

/**
 * Keeps replicas that share a store from computing the same page at once. A store that cannot answer allows all of
 * them.
 */
export interface PageClaims {
  /**
   * Claims a page for as long as it is computed; null while another replica has it. The command is sent before those of
   * later calls.
   */
  take(pageKey: string): Promise<PageClaim | null>
  /** Waits until no replica has claimed the page, or the store cannot answer. Throws the signal's reason. */
  waitForEnd(pageKey: string, signal: AbortSignal): Promise<void>
}

/** The right to compute a page. It ends by itself when its replica dies. */
export interface PageClaim {
  /** Gives the claim back; a second call does nothing. Who claims the page next finds what was stored before. */
  release(): void
}
