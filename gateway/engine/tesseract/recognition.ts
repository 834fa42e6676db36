import type { Language } from '../../tesseract/load.ts'

/** A rectangle on the page image, in pixels from its upper left corner. */
export interface Box {
  readonly x0: number
  readonly y0: number
  readonly x1: number
  readonly y1: number
}

/** A word as Tesseract read it. A word of Chinese has one to a few characters. */
export interface Word {
  readonly text: string
  /** 0 to 100. */
  readonly confidence: number
  readonly box: Box
}

/** A line of type. */
export interface Line {
  readonly box: Box
  /** 0 to 100. */
  readonly confidence: number
  /** From descender to ascender, in pixels, whether or not the line's letters have any. */
  readonly height: number
  /** Height of a small letter without ascender, in pixels: the steadiest measure of the type size. */
  readonly size: number
  readonly words: readonly Word[]
}

/** Lines that Tesseract takes for one paragraph. */
export interface Paragraph {
  readonly box: Box
  readonly lines: readonly Line[]
}

/** A region of text, in Tesseract's reading order. */
export interface Block {
  readonly kind: 'text' | 'table'
  readonly box: Box
  readonly paragraphs: readonly Paragraph[]
}

/** What Tesseract read on one page. */
export interface Recognition {
  readonly language: Language
  /** Mean over the words, 0 to 100; 0 when there are none. */
  readonly confidence: number
  readonly blocks: readonly Block[]
  /** It has seen pictures, formulas, rules or upright text on the page, too. */
  readonly hasOthers: boolean
}
