import { GatewayError } from '../errors.ts'
import { isWhite } from '../prepare/bitmap.ts'
import { wholeBytes } from './document-bytes.ts'
import type { Drawing, OpenedDocument, PdfOptions } from './opened-document.ts'
import { openFile, type PdfFile } from './pdf-file.ts'
import { openWithPdfium, type PdfiumDrawing, type PdfiumOpenedDocument } from './pdfium/pdfium.ts'

/** What draws PDF pages. `auto`: PDFium with the scan lane, and pdf.js for pages that PDFium cannot draw. */
export type PdfRasterizer = 'auto' | 'pdfium' | 'pdfjs'

/**
 * Opens a PDF. Throws `document_encrypted`, `wrong_password`, `document_empty` and `document_unreadable`. Only for
 * drawers.
 */
export async function openPdf(
  content: Uint8Array | PdfFile,
  rasterizer: PdfRasterizer,
  options: PdfOptions,
): Promise<OpenedDocument> {
  const file = content instanceof Uint8Array ? openFile(wholeBytes(content)) : content
  try {
    return await openWith(file, rasterizer, options)
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'wrong_password') throw error
    // A PDF that only restricts what its readers may do opens for everyone: the password may be another document's.
    return openWith(file, rasterizer, { ...options, password: null }).catch(() => Promise.reject(error))
  }
}

/** pdf.js and its canvas are loaded where they are needed: few documents do, and they take 35 MB. */
async function openWithPdfjs(file: PdfFile, options: PdfOptions): Promise<OpenedDocument> {
  const { openWithPdfjs: open } = await import('./pdfjs/pdfjs.ts')
  return open(file.bytes, options)
}

function openWith(file: PdfFile, rasterizer: PdfRasterizer, options: PdfOptions): Promise<OpenedDocument> {
  if (rasterizer === 'pdfjs') return openWithPdfjs(file, options)
  if (rasterizer === 'pdfium') return openWithPdfium(file, { ...options, scans: false })
  return openWithEither(file, options)
}

async function openWithEither(file: PdfFile, options: PdfOptions): Promise<OpenedDocument> {
  try {
    return withSecondTry(await openWithPdfium(file, { ...options, scans: true }), () => openWithPdfjs(file, options))
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'document_encrypted') throw error
    return openWithPdfjs(file, options)
  }
}

/**
 * Returns a document that draws with the first, and with the second (opened once) each page that the first fails at or
 * leaves suspiciously white.
 */
export function withSecondTry(first: PdfiumOpenedDocument, openSecond: () => Promise<OpenedDocument>): OpenedDocument {
  let second: Promise<OpenedDocument> | null = null
  return {
    pageCount: first.pageCount,
    ...(first.facts === undefined ? {} : { facts: first.facts }),
    async draw(...page) {
      const drawing: PdfiumDrawing | GatewayError = await first.draw(...page).catch(refused)
      if (!(drawing instanceof GatewayError) && !drawing.isSuspect) return drawing
      const [, , isAbandoned] = page
      if (isAbandoned()) return better(drawing, drawing)
      second ??= openSecond()
      const other = await second.then((document) => document.draw(...page)).catch(refused)
      return better(drawing, other)
    },
    async [Symbol.asyncDispose]() {
      await first[Symbol.asyncDispose]()
      const opened = await second?.catch(() => null)
      await opened?.[Symbol.asyncDispose]()
    },
  }
}

/** Throws the failures that another rasterizer would meet as well. */
function refused(error: unknown): GatewayError {
  if (error instanceof GatewayError && error.code === 'document_unreadable') return error
  throw error
}

function better(first: PdfiumDrawing | GatewayError, second: Drawing | GatewayError): Drawing {
  const isBetter = !(second instanceof GatewayError) && (first instanceof GatewayError || !isWhite(second.bitmap))
  if (isBetter) return second
  if (first instanceof GatewayError) throw first
  return first
}
