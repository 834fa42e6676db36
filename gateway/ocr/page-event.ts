import type { ErrorCode, GatewayError } from '../errors.ts'
import type { Box } from '../page/box.ts'
import type { PagePreview } from '../page/page.ts'
import type { Difference } from '../read/evidence/differences.ts'
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
  /** Left out where the page has none. */
  readonly formulas?: PageFormulas
  /** Whose text it is, where that is not the request's own model. */
  readonly model?: string | undefined
  /** How it came to its text; left out where its request routes no pages. */
  readonly route?: PageRoute | undefined
  /** What a second model has to say; left out where none was asked. */
  readonly verify?: Verification | undefined
  /** What other readings of the page have cost, beside that of its text; left out: nothing. */
  readonly otherUsage?: PageAnswer['usage'] | undefined
}

/**
 * How a page came to its text: from its text layer, or from Tesseract, as it was easy; from the request's model; or, as it was
 * hard, from the model for hard pages or from the one that its client has named for them.
 */
export const pageRoutes = ['easy_layer', 'easy_tesseract', 'main', 'escalated', 'fallback'] as const

/** How a page came to its text. */
export type PageRoute = (typeof pageRoutes)[number]

/** How the reading of a second model differs from a page's text. */
export interface Verification {
  readonly model: string
  /** Null where it has not read the page. */
  readonly agreement: number | null
  readonly differences: readonly Difference[]
  /** How many there are; of these the first are in `differences`. */
  readonly count: number
  /** Why it has not read the page; null: it has. */
  readonly error: ErrorCode | null
  /** What its reading has cost now. */
  readonly usage: PageAnswer['usage']
}

/** The formulas of a page, checked. */
export interface PageFormulas {
  readonly count: number
  /** How many took too long. */
  readonly unchecked: number
  readonly brokenCount: number
  /** The first of those that are no TeX, each cut to some hundred characters. */
  readonly broken: readonly { readonly tex: string; readonly message: string }[]
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
