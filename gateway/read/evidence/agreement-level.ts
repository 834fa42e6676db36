/** How well the pages of one document agree with their text layers, as far as a request has read them. */
export interface AgreementLevel {
  /** The median of the noted pages; the usual level while too few are noted. */
  readonly value: number
  /** How many pages were noted. */
  readonly pages: number
  note(agreement: number): void
}

/** Over corpus pages with known text the median is 1, and one page in twenty has less than 0.81; models lose more. */
const USUAL_LEVEL = 0.9
/** Fewer pages do not show the level of their document. */
const MIN_PAGES = 2
/** A page with less than this share of the level is far below it. */
const FAR_BELOW_SHARE = 0.75
/**
 * With less agreement than this, the answer has not left words out: answer and layer are different texts. Corpus pages
 * have 0.28 in common with other pages in their language, and one in ten has 0.39.
 */
const MIN_RELATED_AGREEMENT = 0.25
/** Layers of a document below this level are too often wrong to judge one of its pages. */
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
 * Tells whether a page agrees so much less with its text layer than the document's other pages do that a closer look is
 * worth its tokens. While too few pages are noted, an answer that has almost nothing in common with its layer is
 * accepted and the layer ignored.
 */
export function isFarBelow(agreement: number, { value, pages }: AgreementLevel): boolean {
  if (value < MIN_LEVEL || agreement >= FAR_BELOW_SHARE * value) return false
  return pages >= MIN_PAGES || agreement >= MIN_RELATED_AGREEMENT
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
}
