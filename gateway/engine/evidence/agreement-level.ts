/** How well the pages of one document agree with their text layers, as far as a request has read them. */
export interface AgreementLevel {
  /** The median; of few pages it stays near what is usual. */
  readonly value: number
  /** How many pages were noted. */
  readonly pages: number
  note(agreement: number): void
}

/**
 * What stands for pages not read yet. Over the pages of the corpus with known text the median is 0.99, and one in twenty
 * has less than 0.8; models lose some more.
 */
const USUAL = [0.9, 0.9]
/** Below this share of the level a page is far below it. */
const FAR_BELOW = 0.75

/** Starts the level of a document. */
export function createAgreementLevel(): AgreementLevel {
  const noted: number[] = []
  return {
    get value() {
      return median([...USUAL, ...noted])
    },
    get pages() {
      return noted.length
    },
    note: (agreement) => noted.push(agreement),
  }
}

/** Tells whether a page agrees so much less with its text layer than its document's pages do that something is missing. */
export function isFarBelow(agreement: number, level: AgreementLevel | undefined): boolean {
  return agreement < FAR_BELOW * (level?.value ?? median(USUAL))
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
}
