/** Where page answers are kept. Values are opaque strings; a store that cannot answer is a miss, never an error. */
export interface PageStore {
  /** Returns the value under a page key, or null. */
  get(pageKey: string, signal: AbortSignal): Promise<string | null>
  /** Tells, key by key and in order, which page keys have a value now. */
  has(pageKeys: readonly string[], signal: AbortSignal): Promise<boolean[]>
  /** Stores a value; one larger than the store's bound is left out. */
  set(pageKey: string, value: string): Promise<void>
  /** Left out by a store that belongs to one process alone. */
  readonly claims?: PageClaims
  close(): Promise<void>
}

/** How replicas that share a store keep from computing the same page at once. A store that cannot tell lets everyone. */
export interface PageClaims {
  /**
   * Claims a page for as long as it is computed; null while somebody else has it. It asks before whatever is asked of
   * the store afterwards.
   */
  take(pageKey: string): Promise<PageClaim | null>
  /** Waits until nobody has a page any more, or nobody can tell. Throws the signal's reason. */
  waitForEnd(pageKey: string, signal: AbortSignal): Promise<void>
}

/** The right to compute a page. It ends by itself when its replica dies. */
export interface PageClaim {
  /** Gives it back; again does nothing. Who takes it next finds what was stored before. */
  release(): void
}
