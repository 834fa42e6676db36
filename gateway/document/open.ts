import { randomUUID } from 'node:crypto'
import { GatewayError, reworded } from '../errors.ts'
import type { PageImage, PageWarning } from '../page/page.ts'
import type { Turn } from '../schedule/turn.ts'
import { CONVERTER, type Convert } from './convert/convert.ts'
import { lookAt, type LookedAt } from './convert/looked-at.ts'
import { findOfficeFormat } from './convert/office-format.ts'
import { describeText, MAIL } from './describe-text.ts'
import { acceptedMediaType, notRead } from './media-type.ts'
import type { EmbeddedFile } from '../rasterizer/document-facts.ts'
import { sniffMediaType } from '../rasterizer/media-type.ts'
import type { DocumentFacts, Rasterization, SharedDocument } from '../rasterizer/messages.ts'
import type { Rasterizer, Waiting } from '../rasterizer/pool.ts'
import type { KeptBytes, Source, SourceFacts } from './source.ts'

export type { Rasterization } from '../rasterizer/messages.ts'

/** A source that was opened: its pages can be counted and rasterized. Released with `await using`. */
export interface Document extends AsyncDisposable {
  /** Of the bytes that were sent, in hexadecimal. */
  readonly sha256: string
  /** Of the bytes that were sent; what the client declared does not matter. */
  readonly mediaType: string
  /** What made the PDF whose pages are drawn; null where the pages are the document's own. */
  readonly converter: string | null
  readonly pageCount: number
  /** The file's name within a portfolio; null for what the request itself held. */
  readonly name: string | null
  /** What the document calls its pages, in page order; null for a document that names none. */
  readonly labels: readonly (string | null)[] | null
  /** What its reader should know of every page. */
  readonly warnings: readonly PageWarning[]
  /** What the reader of a portfolio should know once: the cover sheet and the files share this object. */
  readonly portfolioWarning: PageWarning | null
  /**
   * Draws a page, 1-based, at the size its budget asks for. Throws `page_out_of_range`, `page_timeout`,
   * `page_too_large`, `document_unreadable`, and the signal's reason; other pages can still be drawn after each. Without a
   * turn, it is the turn that the document was opened in.
   */
  rasterize(
    page: number,
    rasterization: Rasterization,
    signal: AbortSignal,
    waiting?: Partial<Waiting>,
  ): Promise<PageImage>
}

/** A document that was just opened. */
export interface OpenedSource extends Document {
  /** Returns the files within a portfolio, once, and keeps no reference to them; null for any other document. */
  takeFiles(): readonly EmbeddedFile[] | null
}

/** How a document is opened. */
export interface OpenOptions {
  readonly maxDocumentBytes: number
  /** The request's place in the rasterizer's queue. */
  readonly turn: Turn
  /** Makes PDFs of Office documents; null: they are refused. */
  readonly convert?: Convert | null
}

/**
 * Opens a source. Throws what the source throws, `document_too_large`, `document_empty`, `unsupported_media_type`,
 * `document_encrypted`, `wrong_password`, `page_too_large` and `document_unreadable`, and what converting throws, all naming
 * the request field that held it.
 */
export async function openDocument(
  source: Source,
  rasterizer: Rasterizer,
  options: OpenOptions,
  signal: AbortSignal,
): Promise<OpenedSource> {
  signal.throwIfAborted()
  const { param } = source
  const { turn } = options
  await using opening = new AsyncDisposableStack()
  using opened = new DisposableStack()
  opened.defer(() => source.onOpened?.())
  const content = await source.open(signal)
  if (!(content instanceof Uint8Array)) opening.use(content)
  const { original, ...shared } = await share(content, source, options, opened, signal)
  opening.defer(() => rasterizer.forget(shared))
  const facts = await rasterizer.open(shared, turn, signal).catch((error: unknown) => {
    throw withParam(error, param)
  })
  return openedDocument(facts, { shared, original, rasterizer, param, turn, opened: opening.move() })
}

/** What a converted document was before. */
type Original = Pick<Document, 'sha256' | 'mediaType'>

/** Null: the document is drawn as it was sent. */
type Shared = SharedDocument & { readonly original: Original | null }

async function share(
  content: Uint8Array | KeptBytes,
  source: Source,
  options: OpenOptions,
  opened: DisposableStack,
  signal: AbortSignal,
): Promise<Shared> {
  const { maxDocumentBytes } = options
  if (content.length > maxDocumentBytes) throw tooLarge(content.length, source, maxDocumentBytes)
  const isHeld = content instanceof Uint8Array
  const bytes = isHeld ? lookAt(content) : content
  const head = await bytes.read(HEAD_BYTES, 0)
  const isDrawn = head.length === 0 || sniffMediaType(head) !== null
  // The text of a mail is HTML, which is converted.
  const isTakenApart = !isDrawn && options.convert != null && isMail(head)
  if (!isDrawn && !isTakenApart) return shareConverted(bytes, head, source, options, opened, signal)
  const mediaType = isTakenApart ? 'message/rfc822' : acceptedMediaType(head, source)
  const held = isHeld ? alone(content) : content
  return { id: randomUUID(), bytes: held, mediaType, password: source.password, original: null }
}

/** Has an Office document converted; anything else is refused. */
async function shareConverted(
  bytes: LookedAt,
  head: Uint8Array,
  source: Source,
  { convert = null, turn }: OpenOptions,
  opened: DisposableStack,
  signal: AbortSignal,
): Promise<Shared> {
  const { param, password, filename } = source
  const format = await findOfficeFormat(bytes, filename)
  if (format === null || convert === null) throw notRead(head, source, format !== null || isMail(head))
  const converted = await convert({ bytes, format, param, password }, turn, signal)
  opened.defer(() => converted.reservation.release())
  const original = { sha256: converted.sha256, mediaType: format.mediaType }
  return { id: randomUUID(), bytes: converted.bytes, mediaType: 'application/pdf', password: null, original }
}

const isMail = (head: Uint8Array): boolean => describeText(head.subarray(0, TEXT_BYTES), null) === MAIL

/** What tells mail. */
const TEXT_BYTES = 4096

/** What tells the type of a document, or what else it looks like. */
const HEAD_BYTES = 64 * 1024

/** A part of a larger buffer would hold all of it for as long as the document is open. */
function alone(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > 2 * bytes.byteLength + MAX_SHARED_BYTES ? bytes.slice() : bytes
}

/** Small buffers of Node lie together in larger ones. */
const MAX_SHARED_BYTES = 64 * 1024

interface Opened {
  readonly shared: SharedDocument
  readonly original: Original | null
  readonly rasterizer: Rasterizer
  readonly param: string
  readonly turn: Turn
  /** What is to be closed with the document. */
  readonly opened: AsyncDisposableStack
}

function openedDocument(
  { sha256, pageCount, labels = null, isXfa = false, files = null }: DocumentFacts,
  { shared, original, rasterizer, param, turn, opened }: Opened,
): OpenedSource {
  let held = files
  return {
    ...(original ?? { sha256, mediaType: shared.mediaType }),
    converter: original === null ? null : CONVERTER,
    pageCount,
    name: null,
    labels,
    warnings: [...(isXfa ? [FORM_IS_XFA] : []), ...(original === null ? [] : [CONVERTED])],
    portfolioWarning: null,
    takeFiles() {
      const taken = held
      held = null
      return taken
    },
    async rasterize(page, rasterization, signal, waiting) {
      if (!Number.isInteger(page) || page < 1 || page > pageCount) throw outOfRange(page, pageCount)
      try {
        return await rasterizer.rasterize(shared, page, rasterization, { turn, ...waiting }, signal)
      } catch (error) {
        throw withParam(error, param)
      }
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

const FORM_IS_XFA: PageWarning = {
  code: 'form_is_xfa',
  message:
    'The PDF is a dynamic XFA form: its pages hold a placeholder, and not the form. Open it in Adobe Acrobat, print it to PDF, and send that.',
}

const CONVERTED: PageWarning = {
  code: 'converted',
  message:
    'The document was converted to PDF before it was read: its pages may break elsewhere than in the program that made it, and its fonts may be others.',
}

function tooLarge(length: number, { param }: SourceFacts, maxDocumentBytes: number): GatewayError {
  const message = `The document has ${length} bytes; at most ${maxDocumentBytes} are accepted. Split it, or send a smaller one.`
  return new GatewayError('document_too_large', message, { param })
}

function outOfRange(page: number, pageCount: number): GatewayError {
  const message = `Page ${page} does not exist: the document has ${pageCount} pages.`
  return new GatewayError('page_out_of_range', message, { param: 'ocr.pages' })
}

/** Adds the request field at fault to an error of a drawer: drawers know nothing of requests. */
function withParam(error: unknown, param: string): unknown {
  if (!(error instanceof GatewayError) || error.code === 'draining') return error
  return reworded(error, error.message, error.code === 'wrong_password' ? 'ocr.password' : param)
}
