/** A line of print on a page that is nothing but such lines. */
export interface TextLine {
  /** A soft hyphen at its end divides a word. */
  readonly text: string
  /** Where its letters stand, in points from the page's lower left corner. */
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
  /** The line on which its letters stand. */
  readonly baseline: number
  /** The size of its type, in points. */
  readonly size: number
}
