import { GatewayError } from '../../errors.ts'
import type { PageSize } from '../../page/page.ts'
import type { TargetSize } from '../../page/target-size.ts'
import type { TextLayer } from '../../page/text-layer.ts'
import type { Bitmap } from '../../prepare/bitmap.ts'
import { findInkReduced, type InkMask } from '../../prepare/ink-mask.ts'
import type { Drawing, OpenedDocument, PdfOptions } from '../opened-document.ts'
import { MAX_ANNOTATIONS, notDrawn, tooManyAnnotations } from '../annotations.ts'
import { shownLayers } from '../pdf-layers.ts'
import { findStreams, mayHideLayers, type Streams, userUnits } from '../pdf-object.ts'
import { findNotDrawn } from './annotations.ts'
import { inspectContent } from './content.ts'
import type { PdfFile } from '../pdf-file.ts'
import { parseWithPdfium, type PdfiumDocument } from './document.ts'
import { readFacts } from './facts.ts'
import { type Pdfium, PdfiumRefusal } from './module.ts'
import { convert, type Pixels } from './pixels.ts'
import { isSeen } from './redraw.ts'
import { renderInto, type Rendering } from './render.ts'
import type { DrawnPage } from './seen-text.ts'
import { findSourceImages } from './source.ts'
import { readTextLayer } from './text.ts'
import { damagedPage, imageTooLarge } from '../page-failure.ts'
import { drawScan, type Scan } from '../scan/image.ts'
import { type Layers, openLayers } from '../scan/layers.ts'

/** 140 km: PDFium gives such sizes for damaged boxes. pdf.js takes Letter instead. */
const MAX_POINTS = 4e8
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
  file: PdfFile,
  options: PdfOptions & { readonly scans: boolean },
): Promise<PdfiumOpenedDocument> {
  const parse = () => parseWithPdfium(file.bytes, options.password, options.maxMemoryBytes)
  let document = await parse()
  const streams = options.scans ? findStreams(file) : null
  let hidesLayers: boolean | null = null
  const mayHideLayer = () => (hidesLayers ??= mayHideLayers(file))
  const isLayerShown = shownLayers(file)
  const unitOf = userUnits(file)
  return {
    pageCount: document.pageCount,
    async facts(limits) {
      try {
        return await readFacts(document, file, options.password, limits)
      } catch {
        // The pages do not depend on it; if PDFium broke, a new instance draws them.
        document.pdfium.isBroken = true
        return { labels: null, isXfa: false, files: null }
      }
    },
    async draw(number, sizeFor, isAbandoned, lines = false, object = null) {
      if (document.pdfium.isBroken) document = await parse()
      try {
        return await drawPage(document, file, number, {
          ...options,
          streams,
          mayHideLayer,
          isLayerShown,
          unitOf,
          sizeFor,
          isAbandoned,
          lines,
          object,
        })
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
  /** Whether a layer of the document may be switched off. */
  readonly mayHideLayer: () => boolean
  /** Whether content with a value of /OC is shown; null where that is not plainly said. */
  readonly isLayerShown: (value: readonly string[]) => boolean | null
  /** Returns the UserUnit of a page, by the number of its object. */
  readonly unitOf: (pageObjectNumber: number) => number
  /** Whether the lines of a page of plain print are wanted. */
  readonly lines: boolean
  /** The number of the page's object; null where it is not known. */
  readonly object: number | null
}

interface LayeredPage extends Pick<DrawOptions, 'mayHideLayer'> {
  readonly size: TargetSize
  readonly sources: ReturnType<typeof findSourceImages>
  readonly reusesPixels: boolean
}

async function drawPage(
  { pdfium, loadPage, form }: PdfiumDocument,
  file: PdfFile,
  number: number,
  {
    sizeFor,
    isAbandoned,
    maxImagePixels,
    reusesPixels = false,
    streams,
    mayHideLayer,
    isLayerShown,
    unitOf,
    lines,
    object,
  }: DrawOptions,
): Promise<PdfiumDrawing> {
  const { library } = pdfium
  const page = loadPage(number, object)
  if (page === 0) throw new PdfiumRefusal(`FPDF_LoadPage: ${library.FPDF_GetLastError()}`)
  try {
    const size = sizeFor(pageSize(pdfium, page, unitOf))
    const sources = findSourceImages(pdfium, page)
    const scanOptions = { file, size, maxImagePixels, mayHideLayer }
    const scan = streams === null ? null : await drawScan(pdfium, page, { streams, ...scanOptions })
    if (scan?.isCovered === false) {
      const { bitmap } = scan
      const { textLayer, inkMask } = tryTextLayer(pdfium, page, { bitmap: () => bitmap, mayHideLayer, rendering: null })
      const ink = inkMask === null ? null : { of: bitmap, mask: inkMask }
      return { bitmap, rasterizer: 'scan', source: sources[0]?.image ?? null, isSuspect: false, textLayer, ink }
    }
    const content = inspectContent(pdfium, page)
    if (content.largestImagePixels > maxImagePixels) throw imageTooLarge(number)
    using layers =
      scan === null && streams !== null
        ? await openLayers(pdfium, page, { ...scanOptions, streams, isShown: isLayerShown, isAbandoned })
        : null
    if (layers !== null) return drawLayers(pdfium, page, layers, { size, sources, mayHideLayer, reusesPixels })
    const annotationCount = library.FPDFPage_GetAnnotCount(page)
    const showsAnnotations = annotationCount > 0 && annotationCount <= MAX_ANNOTATIONS
    const rendering: Rendering = { size, form: showsAnnotations ? form() : 0, showsAnnotations, isAbandoned }
    const pixels = scan === null ? render(pdfium, page, rendering) : renderOver(pdfium, page, rendering, scan)
    const isShown = ({ object }: { readonly object: number }) =>
      scan === null ? !mayHideLayer() || isSeen(pdfium, page, object, rendering, pixels) : object === scan.image
    const source = sources.find(isShown)?.image ?? null
    const drawn = convert(pdfium, pixels, size)
    const leftOut = annotationCount > MAX_ANNOTATIONS
    const warnings = leftOut ? tooManyAnnotations(annotationCount) : notDrawn(findNotDrawn(pdfium, page))
    const { textLayer, inkMask } = tryTextLayer(pdfium, page, { bitmap: drawn.bitmap, mayHideLayer, rendering }, lines)
    const last = drawn.bitmap()
    const bitmap = reusesPixels ? last : { ...last, pixels: last.pixels.slice() }
    const hasImages = content.imageCount > 0
    const isSuspect = (content.hasVisibleText || hasImages) && drawn.isWhite
    const ink = inkMask === null ? null : { of: bitmap, mask: inkMask }
    return { bitmap, rasterizer: 'pdfium', source, isSuspect, textLayer, ink, warnings, hasImages }
  } finally {
    if (!pdfium.isBroken) library.FPDF_ClosePage(page)
  }
}

/** Draws a page that shows nothing but images. */
function drawLayers(
  pdfium: Pdfium,
  page: number,
  layers: Layers,
  { size, sources, mayHideLayer, reusesPixels }: LayeredPage,
): PdfiumDrawing {
  const drawn = convert(pdfium, layers.paint(), size)
  const source = sources.find(({ object }) => !mayHideLayer() || layers.isSeen(object))?.image ?? null
  const { textLayer, inkMask } = tryTextLayer(pdfium, page, { bitmap: drawn.bitmap, mayHideLayer, rendering: null })
  const last = drawn.bitmap()
  const bitmap = reusesPixels ? last : { ...last, pixels: last.pixels.slice() }
  const ink = inkMask === null ? null : { of: bitmap, mask: inkMask }
  return { bitmap, rasterizer: 'scan', source, isSuspect: drawn.isWhite, textLayer, ink }
}

/**
 * Reads the text layer, as far as the drawn page shows it. A page is complete without one: if PDFium breaks here, only a
 * new instance is needed.
 */
function tryTextLayer(
  pdfium: Pdfium,
  page: number,
  drawn: Omit<DrawnPage, 'ink'>,
  lines = false,
): { readonly textLayer: TextLayer | null; readonly inkMask: InkMask | null } {
  let inkMask: InkMask | null = null
  const withInk = () => ({ ...drawn, ink: (inkMask = findInkReduced(drawn.bitmap())) })
  try {
    const textLayer = readTextLayer(pdfium, page, withInk, lines)
    return { textLayer, inkMask }
  } catch (cause) {
    pdfium.isBroken ||= !(cause instanceof PdfiumRefusal)
    return { textLayer: null, inkMask }
  }
}

function pageSize({ library }: Pdfium, page: number, unitOf: DrawOptions['unitOf']): PageSize {
  const unit = unitOf(library.EPDFPage_GetObjectNumber(page))
  const [width, height] = [library.FPDF_GetPageWidthF(page) * unit, library.FPDF_GetPageHeightF(page) * unit]
  if (!(width > 0 && height > 0 && Math.max(width, height) < MAX_POINTS))
    throw new PdfiumRefusal(`a page of ${width} × ${height} points`)
  return { width, height, unit: 'pt' }
}

/** Draws a page into memory that the next page will overwrite. */
function render(pdfium: Pdfium, page: number, rendering: Rendering): Pixels {
  const { width, height } = rendering.size
  const count = width * height
  const address = pdfium.pixelRoom(count)
  renderInto(pdfium, page, rendering, { left: 0, top: 0, width, height }, address)
  return { address, count }
}

/**
 * Draws what is over a scan onto its pixels, as PDFium draws it onto those of its own image. What lies beneath the image is
 * not drawn.
 */
function renderOver(pdfium: Pdfium, page: number, rendering: Rendering, { bitmap, hides }: Scan): Pixels {
  const { library } = pdfium
  const { width, height } = rendering.size
  const count = width * height
  const address = pdfium.pixelRoom(count)
  writeBgrx(bitmap, pdfium.integers(address, count))
  const hidden = Array.from({ length: hides }, (_, index) => library.FPDFPage_GetObject(page, index))
  try {
    for (const object of hidden) library.FPDFPageObj_SetIsActive(object, false)
    renderInto(pdfium, page, rendering, { left: 0, top: 0, width, height }, address, 'pixels')
  } finally {
    for (const object of hidden) library.FPDFPageObj_SetIsActive(object, true)
  }
  return { address, count }
}

/** Writes pixels as PDFium's: blue, green, red and a byte more. */
function writeBgrx({ pixels, channels }: Bitmap, words: Int32Array): void {
  if (channels === 1) for (let at = 0; at < words.length; at++) words[at] = pixels[at]! * 0x010101
  else
    for (let at = 0, from = 0; at < words.length; at++, from += channels)
      words[at] = (pixels[from]! << 16) | (pixels[from + 1]! << 8) | pixels[from + 2]!
}
