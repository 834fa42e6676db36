/** The retries that all pages of one request share: one bad document must not cost several good ones. */
export interface AttemptBudget {
  /** Takes one; false when there is none left. */
  take(): boolean
}

/** So many retries more than there are pages: a short document may use its whole ladder on every page. */
const EXTRA_RETRIES = 16

/**
 * Creates what a request may spend on retries: one for each page on average. A document of which nothing can be read
 * would otherwise cost the engines as much as several that can.
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
