import type { OcrDocumentBlock } from '../../wire/openai/ocr-document.ts'

/** What a block is. */
export type BlockType = OcrDocumentBlock['type']

/** Left, top, right, bottom, in pixels of the page image. */
export type BoxSides = readonly [number, number, number, number]

/** A part of a page's Markdown, by what it is. */
export interface Span {
  readonly type: BlockType
  /** Of a heading, 1 to 6; of a title 1; null of anything else. */
  readonly level: number | null
  /** In UTF-16 code units. */
  readonly start: number
  readonly end: number
}

/** A part of a page's Markdown, and where it stands on the page. */
export interface Block extends Span {
  readonly box: BoxSides | null
  readonly confidence: number | null
}

/** Returns the rectangle around two, of which one may not be known. */
export function around(a: BoxSides | null, b: BoxSides): BoxSides {
  if (a === null) return b
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])]
}
