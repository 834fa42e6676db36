/** The retries that all pages of one request share. */
export interface AttemptBudget {
  /** Takes one; false when none is left. */
  take(): boolean
}

/** Retries beyond one for each page: a short document may use its whole ladder on every page. */
const EXTRA_RETRIES = 16

/**
 * Creates the retries of a request: one for each page on average, and a few more. Without this limit an unreadable
 * document would cost the engines as much as several readable ones.
 */
export function createAttemptBudget(pages: number): AttemptBudget {
  let left = pages + EXTRA_RETRIES
  return {
    take() {
      if (left === 0) return false
      left -= 1
      return true
    },
  }
}
