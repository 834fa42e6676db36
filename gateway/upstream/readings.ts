/** Answers in a row; a page has at most three. */
const MAX_CONTRADICTED = 6

const WARNING =
  'its answers hold almost nothing of the text that the pages have: check that it sees the images and serves the right weights'

/** What pages have shown of an upstream. */
export interface Readings {
  /** Takes note of an answer that was compared with a text layer that can be trusted; one that agrees clears all. */
  readonly compared: (agrees: boolean) => void
  /** Takes note of the most tokens that a page image may have, after one was refused. */
  readonly imageRefused: (maxImageTokens: number) => void
  /** Null: no image was refused. */
  readonly maxImageTokens: () => number | null
  /** What its operator should know. */
  readonly warnings: () => readonly string[]
  /** Forgets what was noted: another server may be there now. */
  readonly reset: () => void
}

/** Watches whether the answers of an upstream are about the pages that it was shown, and which images it refuses. */
export function watchReadings(onLog: (level: 'info' | 'warn', message: string) => void): Readings {
  let contradicted = 0
  let maxImageTokens: number | null = null
  return {
    compared(agrees) {
      if (agrees && contradicted >= MAX_CONTRADICTED) onLog('info', 'upstream reads its pages again')
      contradicted = agrees ? 0 : contradicted + 1
      if (contradicted === MAX_CONTRADICTED) onLog('warn', `upstream does not read its pages: ${WARNING}`)
    },
    imageRefused(limit) {
      if (maxImageTokens !== null && maxImageTokens <= limit) return
      maxImageTokens = limit
      onLog('warn', `upstream refuses page images of more than ${limit} tokens; they are made smaller`)
    },
    maxImageTokens: () => maxImageTokens,
    reset() {
      contradicted = 0
      maxImageTokens = null
    },
    warnings: () => (contradicted >= MAX_CONTRADICTED ? [WARNING] : []),
  }
}
