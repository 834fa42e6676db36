import { GatewayError } from '../../errors.ts'
import type { PageSize } from '../../page/page.ts'
import type { TargetSize } from '../../page/target-size.ts'
import type { TextLayer } from '../../page/text-layer.ts'
import { type Bitmap, fromBgrx, isWhite } from '../../prepare/bitmap.ts'
import type { Drawing, OpenedDocument, PdfOptions } from '../opened-document.ts'
import { findStreams, type Streams, userUnit } from '../pdf-object.ts'
import { inspectContent } from './content.ts'
import { parseWithPdfium, type PdfiumDocument } from './document.ts'
import { readFacts } from './facts.ts'
import { type Pdfium, PdfiumRefusal } from './module.ts'
import { findSourceImage } from './source.ts'
import { readTextLayer } from './text.ts'
import { damagedPage, imageTooLarge } from '../page-failure.ts'
import { drawScan } from '../scan/image.ts'

/** fpdfview.h: annotations are drawn too. */
const FLAG_ANNOTATIONS = 0x01
/** `FPDFBitmap_BGRx`: PDFium's own order. For RGB it would swap the bytes of every pixel that it draws. */
const FORMAT_BGRX = 3
const WHITE = 0xffffffff
/** 140 km: PDFium gives such sizes for damaged boxes. pdf.js takes Letter instead. */
const MAX_POINTS = 4e8
/** `FPDF_RENDER_DONE` */
const RENDER_DONE = 2
/** IFSDK_PAUSE of fpdf_progressive.h: a version, a function and its parameter. */
const PAUSE_BYTES = 12

/** A page that PDFium drew. */
export interface PdfiumDrawing extends Drawing {
  /** The drawing is all white though the page holds text or images: PDFium did not understand something. */
  readonly isSuspect: boolean
}

/** A PDF that is open in PDFium. */
export interface PdfiumOpenedDocument extends OpenedDocument {
  draw(...parameters: Parameters<OpenedDocument['draw']>): Promise<PdfiumDrawing>
}

/**
 * Parses a PDF with PDFium. Throws `document_encrypted`, `wrong_password`, `document_empty` and `document_unreadable`.
 * When PDFium breaks, one page fails, and a new instance draws the next one.
 */
export async function openWithPdfium(
  bytes: Uint8Array,
  options: PdfOptions & { readonly scans: boolean },
): Promise<PdfiumOpenedDocument> {
  const parse = () => parseWithPdfium(bytes, options.password, options.maxMemoryBytes)
  let document = await parse()
  const streams = options.scans ? findStreams(bytes) : null
  return {
    pageCount: document.pageCount,
    async facts(limits) {
      try {
        return await readFacts(document, bytes, options.password, limits)
      } catch {
        // The pages do not depend on it; if PDFium broke, a new instance draws them.
        document.pdfium.isBroken = true
        return { labels: null, isXfa: false, files: null }
      }
    },
    async draw(number, sizeFor, isAbandoned) {
      if (document.pdfium.isBroken) document = await parse()
      try {
        return await drawPage(document, bytes, number, { ...options, streams, sizeFor, isAbandoned })
      } catch (cause) {
        if (cause instanceof GatewayError) throw cause
        document.pdfium.isBroken ||= !(cause instanceof PdfiumRefusal)
        throw damagedPage(number, cause)
      }
    },
    async [Symbol.asyncDispose]() {
      document[Symbol.dispose]()
    },
  }
}

interface DrawOptions {
  readonly sizeFor: (size: PageSize) => TargetSize
  readonly isAbandoned: () => boolean
  readonly maxImagePixels: number
  readonly reusesPixels?: boolean
  /** Null: no page is taken for a scan. */
  readonly streams: Streams | null
}

async function drawPage(
  { pdfium, handle, form }: PdfiumDocument,
  bytes: Uint8Array,
  number: number,
  { sizeFor, isAbandoned, maxImagePixels, reusesPixels = false, streams }: DrawOptions,
): Promise<PdfiumDrawing> {
  const { library } = pdfium
  const page = library.FPDF_LoadPage(handle, number - 1)
  if (page === 0) throw new PdfiumRefusal(`FPDF_LoadPage: ${library.FPDF_GetLastError()}`)
  try {
    const size = sizeFor(pageSize(pdfium, page, bytes))
    const source = findSourceImage(pdfium, page)
    const scan = streams === null ? null : await drawScan(pdfium, page, { streams, bytes, size, maxImagePixels })
    if (scan !== null) {
      return { bitmap: scan, rasterizer: 'scan', source, isSuspect: false, textLayer: tryTextLayer(pdfium, page) }
    }
    const content = inspectContent(pdfium, page)
    if (content.largestImagePixels > maxImagePixels) throw imageTooLarge(number)
    const hasAnnotations = library.FPDFPage_GetAnnotCount(page) > 0
    const inPlace = render(pdfium, page, size, hasAnnotations ? form() : 0, isAbandoned)
    const { byteOffset, length } = inPlace.pixels
    const textLayer = tryTextLayer(pdfium, page)
    // Reading the text may have grown the memory: the pixels stay at their address, but the old view of them is empty.
    const pixels = pdfium.bytes(byteOffset, length)
    const bitmap = { ...inPlace, pixels: reusesPixels ? pixels : pixels.slice() }
    const isSuspect = (content.hasVisibleText || content.imageCount > 0) && isWhite(bitmap)
    return { bitmap, rasterizer: 'pdfium', source, isSuspect, textLayer }
  } finally {
    if (!pdfium.isBroken) library.FPDF_ClosePage(page)
  }
}

/** Reads the text layer. A page is complete without one: if PDFium breaks here, only a new instance is needed. */
function tryTextLayer(pdfium: Pdfium, page: number): TextLayer | null {
  try {
    return readTextLayer(pdfium, page)
  } catch (cause) {
    pdfium.isBroken ||= !(cause instanceof PdfiumRefusal)
    return null
  }
}

function pageSize({ library }: Pdfium, page: number, bytes: Uint8Array): PageSize {
  const unit = userUnit(bytes, library.EPDFPage_GetObjectNumber(page))
  const [width, height] = [library.FPDF_GetPageWidthF(page) * unit, library.FPDF_GetPageHeightF(page) * unit]
  if (!(width > 0 && height > 0 && Math.max(width, height) < MAX_POINTS))
    throw new PdfiumRefusal(`a page of ${width} × ${height} points`)
  return { width, height, unit: 'pt' }
}

/** Draws a page. The pixels lie in PDFium's memory, where the next page will overwrite them. */
function render(
  pdfium: Pdfium,
  page: number,
  { width, height }: TargetSize,
  form: number,
  isAbandoned: () => boolean,
): Bitmap {
  const { library } = pdfium
  const stride = width * 4
  const pixels = pdfium.pixelRoom(stride * height)
  using releasing = new DisposableStack()
  const bitmap = library.FPDFBitmap_CreateEx(width, height, FORMAT_BGRX, pixels, stride)
  if (bitmap === 0) throw new PdfiumRefusal(`no bitmap of ${width} × ${height} pixels`)
  releasing.defer(() => library.FPDFBitmap_Destroy(bitmap))
  library.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, WHITE)
  if (form !== 0) library.FORM_OnAfterLoadPage(page, form)
  releasing.defer(() => form !== 0 && library.FORM_OnBeforeClosePage(page, form))
  const mayPause = releasing.use(pdfium.callback(() => (isAbandoned() ? 1 : 0), 'ii'))
  const pause = releasing.use(pdfium.allocate(PAUSE_BYTES))
  pdfium.integers(pause.address, 3).set([1, mayPause.index, 0])
  const state = library.FPDF_RenderPageBitmap_Start(
    bitmap,
    page,
    0,
    0,
    width,
    height,
    0,
    FLAG_ANNOTATIONS,
    pause.address,
  )
  library.FPDF_RenderPage_Close(page)
  if (state !== RENDER_DONE) throw new PdfiumRefusal(`FPDF_RenderPageBitmap_Start: ${state}`)
  if (form !== 0) library.FPDF_FFLDraw(form, bitmap, page, 0, 0, width, height, 0, FLAG_ANNOTATIONS)
  return fromBgrx(pdfium.bytes(pixels, stride * height), width, height)
}
