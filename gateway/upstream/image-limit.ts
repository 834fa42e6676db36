/** How large page images one upstream takes, as far as it has refused any. */
export interface ImageLimit {
  /** The most tokens of an image; null while none was refused. */
  max(): number | null
  /** Notes that an image was refused, and how many tokens would fit by what the upstream said. */
  readonly refused: (limit: number) => void
  /** Forgets the limit: another server may be there now. */
  reset(): void
}

/** Creates the limit of an upstream that has refused nothing yet. */
export function createImageLimit(onLog: (level: 'warn', message: string) => void): ImageLimit {
  let max: number | null = null
  return {
    max: () => max,
    refused(limit) {
      if (max !== null && max <= limit) return
      max = limit
      onLog('warn', `upstream refuses page images of more than ${limit} tokens; they are made smaller`)
    },
    reset() {
      max = null
    },
  }
}
