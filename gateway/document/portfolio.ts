import { GatewayError } from '../errors.ts'
import type { PageWarning } from '../page/page.ts'
import type { EmbeddedFile } from '../rasterizer/document-facts.ts'
import type { Rasterizer } from '../rasterizer/pool.ts'
import { describeBytes } from './media-type.ts'
import { type Document, openDocument, type OpenedSource, type OpenOptions } from './open.ts'
import { inlineSource, type Source } from './source.ts'

/** A portfolio in a portfolio in a portfolio is named, and not opened. */
const MAX_DEPTH = 2
const MAX_NAMED = 20

/**
 * Opens a source as `openDocument` does. A PDF portfolio is several documents: its cover sheet, and each PDF and image
 * in it, and what can be converted. A file that cannot be read does not fail the others: a warning names it.
 */
export async function openDocuments(
  source: Source,
  rasterizer: Rasterizer,
  options: OpenOptions,
  signal: AbortSignal,
): Promise<readonly Document[]> {
  await using opening = new AsyncDisposableStack()
  const unpacking: Unpacking = {
    open: async (one) => opening.use(await openDocument(one, rasterizer, options, signal)),
    source,
    left: options.maxDocumentBytes,
    documents: [],
    unread: [],
    signal,
  }
  const cover = await unpacking.open(source)
  await openFiles(cover, 1, unpacking)
  opening.move()
  const { documents, unread } = unpacking
  const portfolioWarning = unread.length === 0 ? null : isPortfolio(unread, cover.mediaType)
  return [cover, ...documents].map((document) => ({ ...document, portfolioWarning }))
}

/** A portfolio that is being opened. */
interface Unpacking {
  readonly open: (source: Source) => Promise<OpenedSource>
  readonly source: Source
  /** Bytes that may still be unpacked. */
  left: number
  readonly documents: Document[]
  /** The names of files that are not read, each with the reason. */
  readonly unread: string[]
  readonly signal: AbortSignal
}

async function openFiles(portfolio: OpenedSource, depth: number, unpacking: Unpacking): Promise<void> {
  for (const file of portfolio.takeFiles() ?? []) {
    const problem = depth > MAX_DEPTH ? 'too many portfolios within each other' : await openFile(file, depth, unpacking)
    if (problem !== null) unpacking.unread.push(`${file.name} (${problem})`)
  }
}

const PROBLEMS = { too_large: 'too large', damaged: 'damaged' } as const

/** Opens a file; returns why it is not read, or null. */
async function openFile({ name, bytes, problem }: EmbeddedFile, depth: number, unpacking: Unpacking) {
  if (bytes === null) return PROBLEMS[problem ?? 'damaged']
  if (bytes.length > unpacking.left) return PROBLEMS.too_large
  unpacking.left -= bytes.length
  const { param, password } = unpacking.source
  try {
    const file = await unpacking.open(inlineSource(bytes, { param, filename: name, declaredMediaType: null, password }))
    unpacking.documents.push({ ...file, name })
    await openFiles(file, depth + 1, unpacking)
    return null
  } catch (error) {
    // What may succeed later is no fault of the file: the request fails, to be sent again.
    if (unpacking.signal.aborted || !(error instanceof GatewayError) || mayPass(error)) throw error
    return problemOf(error, bytes, name)
  }
}

/** LibreOffice breaks on some documents each time: another try at the others would end there, too. */
const mayPass = ({ code, retry }: GatewayError): boolean => retry && code !== 'engine_error'

function problemOf({ code }: GatewayError, bytes: Uint8Array, name: string): string {
  if (code === 'unsupported_media_type') return describeBytes(bytes, name)
  if (code === 'document_encrypted' || code === 'wrong_password') return 'encrypted'
  if (code === 'page_too_large') return 'an image with too many pixels'
  if (code === 'engine_error') return 'not to be converted'
  return code === 'document_empty' ? 'empty' : 'damaged'
}

function isPortfolio(unread: readonly string[], mediaType: string): PageWarning {
  const named = unread.slice(0, MAX_NAMED).join(', ')
  const more = unread.length > MAX_NAMED ? ` and ${unread.length - MAX_NAMED} more` : ''
  const what =
    mediaType === 'message/rfc822'
      ? 'an e-mail message, whose text and attachments are read as documents'
      : 'a PDF portfolio, of which the PDFs and images are read as further documents'
  const message = `The document is ${what}. These files in it are not read: ${named}${more}. Nothing of them is in the answer.`
  return { code: 'document_is_portfolio', message }
}
