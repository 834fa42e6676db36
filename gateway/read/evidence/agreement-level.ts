/** How well the pages of one document agree with their text layers, as far as a request has read them. */
export interface AgreementLevel {
  /** The median; while few pages are noted, what is usual. */
  readonly value: number
  /** How many pages were noted. */
  readonly pages: number
  note(agreement: number): void
}

/** Over the pages of the corpus with known text the median is 1, and one in twenty has less than 0.81; models lose more. */
const USUAL_LEVEL = 0.9
/** So many pages say how it is with their document. */
const MIN_PAGES = 2
/** Below this share of the level a page is far below it. */
const FAR_BELOW_SHARE = 0.75
/**
 * An answer with less of the layer than this has not left something out: one of the two is about something else. Pages
 * of the corpus have 0.28 in common with others of their language, and one in ten 0.39.
 */
const MIN_RELATED_AGREEMENT = 0.25
/** Layers that say less of what is on their pages tell nothing of any one page. */
const MIN_LEVEL = 0.6

/** Starts the level of a document. */
export function createAgreementLevel(): AgreementLevel {
  const noted: number[] = []
  return {
    get value() {
      return noted.length < MIN_PAGES ? USUAL_LEVEL : median(noted)
    },
    get pages() {
      return noted.length
    },
    note: (agreement) => noted.push(agreement),
  }
}

/**
 * Tells whether a page agrees so much less with its text layer than its document's pages do that a closer look is worth
 * its tokens. Before the document has shown that its layers say what its pages do, an answer that has hardly anything in
 * common with its layer is held for right, and the layer for a lie.
 */
export function isFarBelow(agreement: number, level: AgreementLevel | undefined): boolean {
  const { value, pages } = level ?? { value: USUAL_LEVEL, pages: 0 }
  if (value < MIN_LEVEL || agreement >= FAR_BELOW_SHARE * value) return false
  return pages >= MIN_PAGES || agreement >= MIN_RELATED_AGREEMENT
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
}
