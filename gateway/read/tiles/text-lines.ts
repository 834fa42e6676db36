/** A line of a tile's text that has something to compare. */
export interface TextLine {
  /** Which line of the text it is, blank ones counted. */
  readonly index: number
  readonly text: string
  /** What is compared: white space and case are not. */
  readonly key: string
}

/** Returns the lines that hold a letter or a digit: the rules of tables and blank lines are left out. */
export function linesOf(lines: readonly string[]): TextLine[] {
  return lines.flatMap((text, index) =>
    /[\p{L}\p{N}]/u.test(text) ? [{ index, text, key: text.trim().replace(/\s+/g, ' ').toLowerCase() }] : [],
  )
}
