import type { GatewayError } from '../errors.ts'
import type { Box } from '../page/box.ts'
import type { PagePreview } from '../page/page.ts'
import type { PageAnswer } from '../read/page-answer.ts'
import type { PageFacts } from './fields/page-facts.ts'

/** One opened document, as the ledger describes it. */
export interface DocumentFacts {
  readonly sha256: string
  readonly mediaType: string
  /** How many pages it has, asked for or not. */
  readonly pages: number
  /** The file's name within a portfolio; null for what the request itself held. */
  readonly name: string | null
}

/**
 * How one page ended. `ok`: read whole; `repaired`: read whole after attempts that did not count; `fallback`: no
 * attempt counted, and the text is the document's own text layer; `blank`: no ink on it; `failed`: not read, or not
 * whole; `pending`: not read before the deadline.
 */
export type PageStatus = 'ok' | 'repaired' | 'fallback' | 'blank' | 'failed' | 'pending'

/** What is known of a page once it has ended. */
export interface PageResult extends Omit<PageAnswer, 'cache'> {
  readonly status: PageStatus
  readonly cache: PageAnswer['cache'] | 'off'
  readonly error: GatewayError | null
  /** The pictures that were cut out of the page, in the order of their marks; null in the place of one that was not. */
  readonly figures?: readonly (CutFigure | null)[]
  /** What is known of the values in its answer; left out where none are looked at, or the answer has none. */
  readonly fields?: PageFacts
}

/** A picture that was cut out of a page. */
export interface CutFigure {
  readonly bytes: Uint8Array
  readonly mediaType: 'image/png' | 'image/jpeg'
  /** Of the picture itself, in pixels; the page may have been drawn larger for it. */
  readonly width: number
  readonly height: number
  /** Where it stands, in pixels of the page image. */
  readonly place: Box
}

/** The documents are open and the pages chosen; nothing has been asked of an engine yet. */
export interface DocumentOpen {
  readonly type: 'document-open'
  readonly documents: readonly DocumentFacts[]
  readonly pages: number
  /** How many of the pages the cache holds at this moment. */
  readonly cachedPages: number
}

/** Where a page stands: `page` counts through the request; `document` and `documentPage` say which page it is there. */
export interface PageNumber {
  readonly page: number
  /** 1-based. */
  readonly document: number
  readonly documentPage: number
  /** What the document calls the page; null when it has no name for it. */
  readonly label: string | null
}

/** A page has ended. Its text is whole and clean: what has been streamed to a client cannot be taken back. */
export interface PageEnd {
  readonly type: 'page-end'
  readonly page: PageNumber
  readonly result: PageResult
}

/** A page was drawn, and its request wants to see it. */
export interface PagePreviewed {
  readonly type: 'page-preview'
  readonly page: PageNumber
  readonly preview: PagePreview & {
    /** Of the page image, in pixels. */
    readonly width: number
    readonly height: number
    /** What the document itself says stands on the page; null where it says nothing. */
    readonly textLayer: string | null
  }
}

/** An event of the pipeline. First come the documents, then each page in page order; previews come whenever pages are drawn. */
export type OcrEvent = DocumentOpen | PageEnd | PagePreviewed
