/** Answers in a row; a page has at most three. */
const MAX_CONTRADICTED = 6

const WARNING =
  'its answers hold almost nothing of the text that the pages have: check that it sees the images and serves the right weights'

/** Watches whether the answers of an upstream are about the pages that it was shown. */
export function watchReadings(onLog: (level: 'info' | 'warn', message: string) => void) {
  let contradicted = 0
  return {
    /** Takes note of an answer that was compared with a text layer that can be trusted; one that agrees clears all. */
    compared(agrees: boolean): void {
      if (agrees && contradicted >= MAX_CONTRADICTED) onLog('info', 'upstream reads its pages again')
      contradicted = agrees ? 0 : contradicted + 1
      if (contradicted === MAX_CONTRADICTED) onLog('warn', `upstream does not read its pages: ${WARNING}`)
    },
    /** Forgets what was noted: another server may be there now. */
    reset(): void {
      contradicted = 0
    },
    warnings: (): readonly string[] => (contradicted >= MAX_CONTRADICTED ? [WARNING] : []),
  }
}
