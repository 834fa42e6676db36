/** Knows how long a server has given no sign of life. */
export interface Silence {
  /** Says that something has come from it. */
  heard(): void
  /** Says that it was late to answer; returns whether it has said nothing at all for too long. */
  wasLate(): boolean
  /** It was late, and has given no sign of life since: it may be busy, and others come first. */
  readonly isLate: boolean
}

/** A server that says something at least so often is busy, not hung, though it does not answer `/health` in time. */
const BUSY_MILLISECONDS = 10_000

/** A server that has said nothing at all for so long was late at least twice. */
const SILENT_MILLISECONDS = 25_000

/** Creates the silence of a server, which begins now. */
export function createSilence(): Silence {
  let lastSign = performance.now()
  let isLate = false
  return {
    heard() {
      lastSign = performance.now()
      isLate = false
    },
    wasLate() {
      const milliseconds = performance.now() - lastSign
      isLate = milliseconds >= BUSY_MILLISECONDS
      return milliseconds >= SILENT_MILLISECONDS
    },
    get isLate() {
      return isLate
    },
  }
}
