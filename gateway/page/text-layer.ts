import type { TextLine } from './text-line.ts'

/** The text that a PDF gives for its page. It is evidence, not truth: a layer may be missing, garbage or wrong. */
export interface TextLayer {
  /**
   * In drawing order, with line breaks; a soft hyphen where the end of a line divides a word. At most 100,000
   * characters.
   */
  readonly text: string
  /** Share of the characters that their font maps to no Unicode, 0 to 1. */
  readonly unmapped: number
  /** It lies invisibly over a picture: it comes from an earlier OCR of a scan. */
  readonly isOcr: boolean
  /** It is likely to be all text of the page: there is no large picture beside it and no filled form field. */
  readonly isWhole: boolean
  /** Left out where it was not measured. Stays within the rasterizer's thread. */
  readonly lettering?: Lettering | null
  /** The lines of a page of plain print in one column, from the top; null for any other page; left out where it was not looked at. */
  readonly lines?: readonly TextLine[] | null
}

/** How a page's visible letters are drawn, by what its document says of them. */
export interface Lettering {
  /** Nearly all stand level, or upright: what looks like a slope of the page is none. */
  readonly isLevel: boolean
  /**
   * The height of an x as a share of the page's longer side: a third of the letters are of such type, or smaller. Null
   * where nothing tells.
   */
  readonly size: number | null
}
