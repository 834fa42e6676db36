import type { ErrorCode } from '../errors.ts'
import type { PageImage } from '../page/page.ts'
import type { Preparation } from '../page/preparation.ts'
import type { PixelBudget } from '../page/target-size.ts'
import type { DocumentMediaType } from './media-type.ts'
import type { PdfRasterizer } from './open-pdf.ts'

/** How large and in which encoding a page image is wanted. */
export interface Rasterization {
  readonly pixelBudget: PixelBudget
  readonly mediaType: PageImage['mediaType']
  /** Nothing is prepared when it is left out. */
  readonly preparation?: Preparation
  /** With more pixels than the budget shows a model at once: larger, or in halves, where either gains anything. */
  readonly closer?: boolean
}

/** A document as threads are told of it: every task carries it, so that any thread can open it when it has to. */
export interface SharedDocument {
  readonly id: string
  /** Over a SharedArrayBuffer: sent to a thread, it is not copied. */
  readonly bytes: Uint8Array<SharedArrayBuffer>
  readonly mediaType: DocumentMediaType
  readonly password: string | null
}

/** What opening a document tells. */
export interface DocumentFacts {
  /** Of the bytes, in hexadecimal. */
  readonly sha256: string
  readonly pageCount: number
}

/** What a thread is asked to do, one task at a time. */
export type Task =
  | { readonly type: 'open'; readonly document: SharedDocument }
  | {
      readonly type: 'rasterize'
      readonly document: SharedDocument
      readonly page: number
      readonly rasterization: Rasterization
    }

/** What a thread says when a task went well. */
export type TaskResult =
  { readonly type: 'opened'; readonly facts: DocumentFacts } | { readonly type: 'drawn'; readonly image: PageImage }

/** To a thread. `abandoned[0]` becomes 1 when nobody waits for the task any more. */
export type ThreadRequest =
  | { readonly type: 'task'; readonly task: Task; readonly abandoned: Int32Array<SharedArrayBuffer> }
  | { readonly type: 'forget'; readonly documentId: string }

/** A failure that the caller may read, as it crosses threads; `cause` is for the log. */
export interface TaskFailure {
  readonly type: 'failed'
  readonly code: ErrorCode
  readonly message: string
  readonly cause: string
}

/** From a thread. `ready` comes once; `drawing` says that the document is open and that the page's own time begins. */
export type ThreadReply =
  | { readonly type: 'ready' }
  | { readonly type: 'drawing' }
  | ((TaskResult | TaskFailure) & {
      /** Memory that the thread holds after the task, in bytes; a document's own bytes are shared and do not count. */
      readonly heldBytes: number
    })

/** What a thread is created with. */
export interface ThreadData {
  readonly pdfRasterizer: PdfRasterizer
  readonly maxImagePixels: number
  /** What PDFium may take for itself, in bytes. */
  readonly maxMemoryBytes: number
}
