/** What a PDF says of itself beside its pages. */
export interface PdfFacts {
  /** What the document calls its pages, in page order; null for a document that names none. */
  readonly labels: readonly (string | null)[] | null
  /** Its pages stand in for a form that only programs with XFA can show. */
  readonly isXfa: boolean
  /** The files within a portfolio; null for any other document, whatever is attached to it. */
  readonly files: readonly EmbeddedFile[] | null
  /** The number of each page's object, in page order; left out for a document of few pages, or of very many. */
  readonly pageObjects?: Uint32Array
}

/** A file within a portfolio. */
export interface EmbeddedFile {
  /** At most 100 characters, in one line. */
  readonly name: string
  /** Null where it was not unpacked, for this reason. */
  readonly bytes: Uint8Array<ArrayBuffer> | null
  readonly problem: 'too_large' | 'damaged' | null
}

/** Limits of reading the facts. */
export interface FactLimits {
  /** Of the files of a portfolio together, unpacked. */
  readonly maxFileBytes: number
}

/** Labels are for people: Acrobat's own dialog takes no longer ones. */
export const MAX_LABEL_LENGTH = 40
export const MAX_FILE_NAME_LENGTH = 100
/** Pages beyond have no label. */
export const MAX_LABELS = 100_000
/** From so many pages on, and up to so many, it is noted where each of them is: the first page waits 10 to 20 ms for a thousand. */
export const MIN_PAGES_NOTED = 1000
export const MAX_PAGES_NOTED = 20_000
/** A portfolio's files beyond are named in one word. */
export const MAX_FILES = 500
/** In a form that its pages show, fields are on one of the first. */
export const PAGES_WITH_FIELDS = 20
