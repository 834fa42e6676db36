import type { GatewayError } from '../errors.ts'
import type { AttemptReason, Confidence, Usage } from '../engine/engine.ts'
import type { PageWarning } from '../page/page.ts'

/** One opened document, as the ledger speaks of it. */
export interface DocumentFacts {
  readonly sha256: string
  readonly mediaType: string
  /** How many pages it has, asked for or not. */
  readonly pages: number
}

/**
 * How one page ended. `ok`: read whole; `repaired`: read whole after attempts that did not count; `fallback`: no attempt
 * counted, and the text is the document's own text layer; `blank`: no ink on it; `failed`: not read, or not whole; `pending`: not read yet when the client's time was up.
 */
export type PageStatus = 'ok' | 'repaired' | 'fallback' | 'blank' | 'failed' | 'pending'

/** What is known of a page once it has ended. */
export interface PageResult {
  readonly status: PageStatus
  readonly cache: 'hit' | 'miss' | 'joined' | 'off'
  readonly attempts: number
  /** Why attempts did not count. */
  readonly reasons: readonly AttemptReason[]
  readonly engine: 'vllm' | 'tesseract'
  readonly rasterizer: string | null
  readonly finishReason: string | null
  /** Pixels of the page image; null when the page never became one. */
  readonly width: number | null
  readonly height: number | null
  readonly usage: Usage
  /** What makes the text less sure. */
  readonly warnings: readonly PageWarning[]
  /** The share of the text layer's words and numbers that the text holds; null without a layer to trust. */
  readonly agreement: number | null
  readonly confidence: Confidence | null
  readonly error: GatewayError | null
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
}

export type PageEvent =
  | { readonly type: 'page-start'; readonly page: PageNumber }
  | { readonly type: 'page-delta'; readonly page: PageNumber; readonly text: string }
  | { readonly type: 'page-end'; readonly page: PageNumber; readonly result: PageResult }

/** What the pipeline tells, in order: the documents, then each page's events in page order. */
export type OcrEvent = DocumentOpen | PageEvent
