import type { PageImage } from '../page/page.ts'
import type { Turn } from '../schedule/turn.ts'
import type { DocumentFacts, Rasterization, SharedDocument } from './messages.ts'
import type { PdfRasterizer } from './open-pdf.ts'

/** Settings of a pool of drawers. */
export interface RasterizerOptions {
  /** Pages that are drawn at a time; each drawer is started when it is first needed. Slow and large ones are drawn beside them. */
  readonly threads: number
  /** Drawing and encoding one page, and opening its document again; a page that takes longer ends its drawer. */
  readonly pageTimeoutSeconds: number
  /** Opening one document. */
  readonly openTimeoutSeconds: number
  /** Pixels of one image, alone or within a PDF; checked before it is decoded. */
  readonly maxImagePixels: number
  /** What draws PDF pages; `auto` when unset. */
  readonly pdfRasterizer?: PdfRasterizer
  /** With so many tasks waiting no further document is opened. */
  readonly maxWaiting?: number
  /** A drawer is replaced after so many pages, which ends any leak of its libraries. */
  readonly recycleAfterPages?: number
  /** Memory that drawing one page may take. A page that needs more fails. */
  readonly maxPageMegabytes?: number
  /** Of the files within a portfolio together, unpacked: those beyond are named and left out. */
  readonly maxFileBytes?: number
}

/** How a page waits to be drawn. */
export interface Waiting {
  readonly turn: Turn
  /** Called when the page proves to be slow or large, and waits behind the others: once or more often. */
  readonly onAside?: () => unknown
}

/**
 * A pool of processes that open documents and draw their pages; their owners share the time of drawing. Throws
 * GatewayErrors, and the signal's reason.
 */
export interface Rasterizer {
  /** Opens a document in one drawer; others open it when they draw a page of it. */
  open(document: SharedDocument, turn: Turn, signal: AbortSignal): Promise<DocumentFacts>
  /** Draws a page, 1-based. */
  rasterize(
    document: SharedDocument,
    page: number,
    rasterization: Rasterization,
    waiting: Waiting,
    signal: AbortSignal,
  ): Promise<PageImage>
  /** Closes a document in every drawer that has it. */
  forget(document: SharedDocument): void
  /** Drawers that are alive, drawers that work, tasks that wait for one, and the memory that all of them take. */
  load(): { readonly drawers: number; readonly busy: number; readonly waiting: number; readonly bytes: number }
  /** Ends all drawers; tasks that run or wait fail with `draining`. */
  close(): Promise<void>
}
