import type { Fact } from './score/facts.ts'

/** A text that is known of a whole document. */
export interface Truth {
  readonly text: string
  /**
   * `exact`: by hand, or the document was made from it: all measures. `near`: nearly right, or by another converter: words
   * alone. `layer`: the text that the PDF holds, order and signs of which can be wrong: words, and of those the recall.
   */
  readonly trust: 'exact' | 'near' | 'layer'
  /** Whether headings and tables are marked. */
  readonly isMarkdown: boolean
}

/** A document whose text is known, or some facts of it. */
export interface KnownDocument {
  /** Unique; where it came from, for people. */
  readonly name: string
  /** The set that it belongs to, and what kind of document it is: a row of the report each. */
  readonly family: string
  readonly category: string
  readonly mediaType: string
  readonly language: string
  readonly pages: number
  readonly read: () => Uint8Array
  readonly facts: readonly Fact[]
  readonly truths: readonly Truth[]
  /** What a model that makes no mistake answers to each page; null where that is not known well enough to be told. */
  readonly answers: readonly string[] | null
}
