/** Where page answers are kept. Values are opaque strings; a store that cannot answer is a miss, never an error. */
export interface PageStore {
  /** Returns the value under a page key, or null. */
  get(pageKey: string, signal: AbortSignal): Promise<string | null>
  /** Tells, key by key and in order, which page keys have a value now. */
  has(pageKeys: readonly string[], signal: AbortSignal): Promise<boolean[]>
  /** Stores a value; one larger than the store's bound is left out. */
  set(pageKey: string, value: string): Promise<void>
  close(): Promise<void>
}
