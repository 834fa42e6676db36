/** Knows how large a page image may be for one server. Its encoder holds so many tokens, and it does not say how many. */
export interface ImageLimit {
  /** In tokens; null: none is known. */
  readonly current: number | null
  /** Says that the server has refused an image, and how many tokens of it would fit. */
  refused(maxTokens: number): void
  /** Forgets it: the server has restarted, perhaps with more room. */
  reset(): void
}

/** Creates the limit of a server that has refused nothing; calls back when it is lower than was known. */
export function createImageLimit(onLower: (message: string) => void): ImageLimit {
  let current: number | null = null
  return {
    get current() {
      return current
    },
    refused(maxTokens) {
      if (current !== null && current <= maxTokens) return
      current = maxTokens
      onLower(`upstream refuses page images of more than ${maxTokens} tokens; they are made smaller`)
    },
    reset: () => void (current = null),
  }
}
