import type { ErrorCode, ErrorKind } from '../errors.ts'
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
  /** Whether the lines of its text layer are wanted, where the page is plain print. */
  readonly lines?: boolean
  /** Whether a small picture of the page image is made, too. */
  readonly preview?: boolean
  /** Drawn beside the page as it is read: what is too much for it says nothing of that one. */
  readonly isExtra?: boolean
}

/** Bytes that are read when a drawer is to have them, and not held for as long as their document is open. */
export interface BytesElsewhere {
  readonly length: number
  /** In hexadecimal. */
  readonly sha256: string
  /** Returns all of them, or at most so many, from a place on. */
  read(length?: number, from?: number): Promise<Uint8Array>
}

/** A document for drawers. Every task names it, so that any drawer can open it. */
export interface SharedDocument {
  readonly id: string
  readonly bytes: Uint8Array | BytesElsewhere
  readonly mediaType: DocumentMediaType
  readonly password: string | null
}

/** A document as a drawer has it. */
export interface DrawnDocument extends Omit<SharedDocument, 'bytes'> {
  /** Over a SharedArrayBuffer: sent to the thread, it is not copied. */
  readonly bytes: Uint8Array | BytesInPieces
}

/** Bytes that a drawer asks for when it reads them. */
export interface BytesInPieces {
  readonly length: number
}

/** The facts that opening a document yields. */
export interface DocumentFacts extends Partial<PdfFacts> {
  /** Hash of the document's bytes, in hexadecimal. */
  readonly sha256: string
  readonly pageCount: number
}

/** A task for a drawer, which does one at a time. */
export type Task<Document extends SharedDocument | DrawnDocument = SharedDocument> =
  | {
      readonly type: 'open'
      readonly document: Document
      /** Documents, by hash, that exhausted a drawer when they were opened. */
      readonly refused: readonly RefusedDocument[]
    }
  | {
      readonly type: 'rasterize'
      readonly document: Document
      readonly page: number
      /** The number of the page's object in a PDF; null where it is not known. */
      readonly object: number | null
      readonly rasterization: Rasterization
    }

/** A document that is not opened again for a while, and why. */
export interface RefusedDocument {
  readonly sha256: string
  readonly code: ErrorCode
  readonly message: string
}

/** A thread's reply to a task that succeeded. */
export type TaskResult =
  { readonly type: 'opened'; readonly facts: DocumentFacts } | { readonly type: 'drawn'; readonly image: PageImage }

/** A GatewayError as plain data, to cross threads and processes; `cause` is for the log. */
export interface TaskFailure {
  readonly type: 'failed'
  readonly code: ErrorCode
  readonly message: string
  readonly kind: ErrorKind | null
  readonly cause: string
}

/** What a drawer's thread and the one that watches it both see of a task. */
export interface TaskState {
  /** `[0]` becomes 1 when nobody waits for the task any more. */
  readonly abandoned: Int32Array<SharedArrayBuffer>
  /** `[0]`: processor time that the thread had taken when it began, in microseconds; NaN before. */
  readonly began: Float64Array<SharedArrayBuffer>
}

/** To a drawer's thread. */
export type ThreadRequest =
  | { readonly type: 'task'; readonly task: Task<DrawnDocument>; readonly state: TaskState }
  | { readonly type: 'forget'; readonly documentId: string }

/** From a drawer's thread. `ready` comes once. */
export type ThreadReply = { readonly type: 'ready' } | TaskResult | TaskFailure

/** To a drawer. */
export type DrawerRequest =
  | {
      readonly type: 'task'
      /** Its document has no bytes: they come with the message, unless the drawer has them, or is to ask for pieces. */
      readonly task: Task<DrawnDocument>
      readonly maxBytes: number
    }
  /** Lets the task that runs take more. */
  | { readonly type: 'allow'; readonly maxBytes: number }
  | { readonly type: 'abandon' }
  | { readonly type: 'forget'; readonly documentId: string }

/**
 * From a drawer; `heldBytes` is the resident memory of its process, the documents that it has left out. `grew` and `slow`
 * come while a task runs. `exhausted` and `broke` are the last that it says: the task took more than it may, or ended the thread that draws.
 */
export type DrawerReply = (
  | ThreadReply
  | { readonly type: 'grew' }
  | { readonly type: 'slow' }
  | { readonly type: 'exhausted' }
  | { readonly type: 'broke' }
) & {
  readonly heldBytes: number
}

/** Settings of a drawer. */
export interface DrawerSettings {
  readonly pdfRasterizer: PdfRasterizer
  readonly maxImagePixels: number
  /** What one page may take of JavaScript's memory, of a library's and of pixels, in bytes. */
  readonly maxMemoryBytes: number
  /** Of the files within a portfolio together, unpacked. */
  readonly maxFileBytes: number
}

/** What a drawer is started with. */
export interface OwnSettings extends DrawerSettings {
  /** Of the thread that draws, from its start. */
  readonly niceness: number
}
