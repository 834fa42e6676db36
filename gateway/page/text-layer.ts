/** The text that a PDF itself says its page shows. Evidence, never truth: a layer may be missing, garbage, or lie. */
export interface TextLayer {
  /** In the order in which the page is drawn, with line breaks; a soft hyphen where a line's end parts a word. At most 100,000 characters. */
  readonly text: string
  /** Share of the characters whose font does not say which they are, 0 to 1. */
  readonly unmapped: number
  /** It lies invisibly over a picture: what some OCR once read from a scan. */
  readonly isOcr: boolean
  /** Nothing else on the page is likely to hold text: no large picture beside the words, no field that was filled in. */
  readonly isWhole: boolean
}
