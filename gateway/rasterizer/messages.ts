import type { ErrorCode } from '../errors.ts'
import type { PageImage } from '../page/page.ts'
import type { Preparation } from '../page/preparation.ts'
import type { PixelBudget } from '../page/target-size.ts'
import type { PdfFacts } from './document-facts.ts'
import type { DocumentMediaType } from './media-type.ts'
import type { PdfRasterizer } from './open-pdf.ts'

/** The size and encoding of the page image to make. */
export interface Rasterization {
  readonly pixelBudget: PixelBudget
  readonly mediaType: PageImage['mediaType']
  /** Absent: the page is not prepared. */
  readonly preparation?: Preparation
  /** Whether to draw the page for a closer look: larger, or in parts, where that gains anything. */
  readonly closer?: boolean
}

/** A document for threads. Every task carries it, so that any thread can open it. */
export interface SharedDocument {
  readonly id: string
  /** Over a SharedArrayBuffer: sent to a thread, it is not copied. */
  readonly bytes: Uint8Array<SharedArrayBuffer>
  readonly mediaType: DocumentMediaType
  readonly password: string | null
}

/** The facts that opening a document yields. */
export interface DocumentFacts extends Partial<PdfFacts> {
  /** Hash of the document's bytes, in hexadecimal. */
  readonly sha256: string
  readonly pageCount: number
}

/** A task for a thread, which does one at a time. */
export type Task =
  | { readonly type: 'open'; readonly document: SharedDocument }
  | {
      readonly type: 'rasterize'
      readonly document: SharedDocument
      readonly page: number
      readonly rasterization: Rasterization
    }

/** A thread's reply to a task that succeeded. */
export type TaskResult =
  { readonly type: 'opened'; readonly facts: DocumentFacts } | { readonly type: 'drawn'; readonly image: PageImage }

/** To a thread. `abandoned[0]` becomes 1 when nobody waits for the task any more. */
export type ThreadRequest =
  | { readonly type: 'task'; readonly task: Task; readonly abandoned: Int32Array<SharedArrayBuffer> }
  | { readonly type: 'forget'; readonly documentId: string }

/** A GatewayError as plain data, to cross threads; `cause` is for the log. */
export interface TaskFailure {
  readonly type: 'failed'
  readonly code: ErrorCode
  readonly message: string
  readonly cause: string
}

/** From a thread. `ready` comes once. `drawing`: the document is open, and the page's own time limit begins. */
export type ThreadReply =
  | { readonly type: 'ready' }
  | { readonly type: 'drawing' }
  | ((TaskResult | TaskFailure) & {
      /** Memory that the thread holds after the task, in bytes; a document's own bytes are shared and do not count. */
      readonly heldBytes: number
    })

/** Settings of a thread. */
export interface ThreadData {
  readonly pdfRasterizer: PdfRasterizer
  readonly maxImagePixels: number
  /** Limit of PDFium's own memory, in bytes. */
  readonly maxMemoryBytes: number
  /** Of the files within a portfolio together, unpacked. */
  readonly maxFileBytes: number
}
