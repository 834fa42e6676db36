import { createHash } from 'node:crypto'
import { flushCompileCache } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import sharp from 'sharp'
import { GatewayError } from '../errors.ts'
import { wholeBytes } from './document-bytes.ts'
import { openImage } from './image/open-image.ts'
import { openPdf } from './open-pdf.ts'
import type { OpenedDocument } from './opened-document.ts'
import { openFile, type PdfFile } from './pdf-file.ts'
import { loadPdfium } from './pdfium/module.ts'
import { piecedBytes } from './pieces.ts'
import { rasterizePage } from './rasterize-page.ts'
import type {
  DocumentFacts,
  DrawerSettings,
  DrawnDocument,
  Task,
  TaskFailure,
  ThreadReply,
  ThreadRequest,
} from './messages.ts'

// The thread of a drawer that draws: the only place where untrusted bytes are parsed.

// sharp needs no threads of its own, since there are several drawers, and no cache, since no page is drawn twice in a row.
sharp.concurrency(1)
sharp.cache(false)

// The libraries write about documents to the console, and the gateway's log must never hold a document's text.
Object.assign(console, { log() {}, info() {}, warn() {}, error() {}, debug() {} })

const { maxImagePixels, maxMemoryBytes, maxFileBytes, pdfRasterizer }: DrawerSettings = workerData
const port = parentPort!
const opened = new Map<string, OpenedDocument>()
let previous = Promise.resolve()

port.on('message', (request: ThreadRequest) => {
  // Requests are handled one after the other: a document is closed only after the page that is being drawn from it.
  previous = previous.then(() => answer(request))
})
// Most documents need it, and none should wait for it.
if (pdfRasterizer !== 'pdfjs') await loadPdfium(maxMemoryBytes)
reply({ type: 'ready' })
// A drawer is killed, and would write nothing at its end.
setImmediate(flushCompileCache)

async function answer(request: ThreadRequest): Promise<void> {
  if (request.type === 'forget') return forget(request.documentId)
  try {
    const { abandoned, began } = request.state
    const { user, system } = process.threadCpuUsage()
    // Written here, as the thread that watches would have to wake this one and wait for it.
    began[0] = user + system
    const isAbandoned = () => Atomics.load(abandoned, 0) === 1
    await perform(request.task, isAbandoned)
  } catch (error) {
    reply(failure(error))
  }
}

async function perform(task: Task<DrawnDocument>, isAbandoned: () => boolean): Promise<void> {
  if (task.type === 'open') {
    const content = contentOf(task.document)
    const hash = hashOf(content)
    const known = task.refused.find((one) => one.sha256 === hash)
    if (known !== undefined) throw new GatewayError(known.code, known.message)
    const document = await openOnce(task.document, content)
    const found = await document.facts?.({ maxFileBytes })
    const facts: DocumentFacts = { sha256: hash, pageCount: document.pageCount, ...found }
    const files = facts.files?.flatMap(({ bytes }) => (bytes === null ? [] : [bytes.buffer])) ?? []
    return reply({ type: 'opened', facts }, files)
  }
  const { page, object, rasterization } = task
  const document = await openOnce(task.document)
  const image = await rasterizePage({ document, page, object, rasterization, maxImagePixels, isAbandoned })
  const bytes = [image, ...(image.tiles?.flat() ?? [])].map(({ data }) => data)
  const transferred = image.preview === undefined ? bytes : [...bytes, image.preview.data]
  reply(
    { type: 'drawn', image: { ...image, sha256: sha256(...bytes) } },
    transferred.map(({ buffer }) => buffer),
  )
}

async function openOnce(document: DrawnDocument, content?: Content): Promise<OpenedDocument> {
  const known = opened.get(document.id)
  if (known !== undefined) return known
  const fresh = await openAs(document, content ?? contentOf(document))
  opened.set(document.id, fresh)
  return fresh
}

async function openAs({ mediaType, password }: DrawnDocument, content: Content): Promise<OpenedDocument> {
  if (!(content instanceof Uint8Array)) {
    return openPdf(content, pdfRasterizer, { password, maxImagePixels, maxMemoryBytes, reusesPixels: true })
  }
  // With it comes a parser of HTML, which few documents need.
  if (mediaType === 'message/rfc822') return (await import('./mail/open-mail.ts')).openMail(content)
  return openImage(content, { maxImagePixels, maxMemoryBytes })
}

/** A document before it is opened. Only PDFs come in pieces. */
type Content = PdfFile | Uint8Array<SharedArrayBuffer>

function contentOf({ id, bytes, mediaType }: DrawnDocument): Content {
  if (!(bytes instanceof Uint8Array)) return openFile(piecedBytes(id, bytes.length))
  return mediaType === 'application/pdf' ? openFile(wholeBytes(bytes)) : (bytes as Uint8Array<SharedArrayBuffer>)
}

async function forget(documentId: string): Promise<void> {
  const known = opened.get(documentId)
  opened.delete(documentId)
  await known?.[Symbol.asyncDispose]()
}

function failure(error: unknown): TaskFailure {
  if (!(error instanceof GatewayError)) throw error
  return {
    type: 'failed',
    code: error.code,
    message: error.message,
    kind: error.kind,
    cause: String(error.cause instanceof Error ? error.cause : ''),
  }
}

function reply(message: ThreadReply, transfer: ArrayBuffer[] = []): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- the rule is about windows, not threads
  port.postMessage(message, transfer)
}

function hashOf(content: Content): string {
  if (content instanceof Uint8Array) return sha256(content)
  const hash = createHash('sha256')
  content.readThrough((part) => hash.update(part))
  return hash.digest('hex')
}

function sha256(...pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}
