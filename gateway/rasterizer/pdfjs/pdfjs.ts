import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createCanvas } from '@napi-rs/canvas'
import { AnnotationMode, getDocument, PasswordException, VerbosityLevel } from 'pdfjs-dist/legacy/build/pdf.mjs'
import type { PDFDocumentProxy, PDFPageProxy } from 'pdfjs-dist/legacy/build/pdf.mjs'
import { GatewayError } from '../../errors.ts'
import type { PageSize } from '../../page/page.ts'
import type { TargetSize } from '../../page/target-size.ts'
import { findNotDrawn } from './annotations.ts'
import { hasCollection, readFacts } from './facts.ts'
import { registerCanvasFonts } from './fonts.ts'
import type { Bitmap } from '../../prepare/encode.ts'
import { findInkReduced, type InkMask } from '../../prepare/ink-mask.ts'
import type { OpenedDocument, PdfOptions } from '../opened-document.ts'
import { notDrawn } from '../annotations.ts'
import type { DocumentBytes } from '../document-bytes.ts'
import { openingFailure } from '../opening-failure.ts'
import { damagedPage, imageTooLarge } from '../page-failure.ts'
import { readTextLayer } from './text.ts'

/** The warning with which pdf.js leaves out an image larger than `maxImageSize`; it gives no error. */
const IMAGE_LEFT_OUT = 'Image exceeded maximum allowed size'

/** pdf.js keeps fonts and images that pages share until it is told to clean up. */
const PAGES_BETWEEN_CLEANUPS = 100

const MAX_WARNINGS = 1000

/**
 * pdf.js goes on parsing a cancelled page until its timer of 100 ms fires, and nothing else may be drawn before that. A
 * page that blocks timers never gets here: its time limit ends the thread.
 */
const CANCEL_SETTLES_MILLISECONDS = 200

/**
 * Parses a PDF with pdf.js. Throws `document_encrypted`, `wrong_password`, `document_empty` and `document_unreadable`.
 * Only for drawers: pdf.js parses and draws on the thread that calls it, and its warnings go to `console`.
 */
export async function openWithPdfjs(bytes: DocumentBytes, options: PdfOptions): Promise<OpenedDocument> {
  registerCanvasFonts()
  const loading = load(bytes, options.password, options.maxImagePixels)
  try {
    const pdf = await loading.promise
    if (pdf.numPages < 1) throw new GatewayError('document_empty', 'The PDF has no pages.')
    return openedPdf(pdf, { bytes, ...options })
  } catch (error) {
    await loading.destroy()
    if (error instanceof GatewayError) throw error
    const wantsPassword = error instanceof PasswordException
    throw openingFailure(bytes, { wantsPassword, hadPassword: options.password !== null, cause: error })
  }
}

/** Whether a PDF is a portfolio, by its catalog; false where pdf.js cannot open it. */
export async function isPortfolio(bytes: DocumentBytes, password: string | null): Promise<boolean> {
  const loading = load(bytes, password, 0)
  try {
    return await hasCollection(await loading.promise)
  } catch {
    return false
  } finally {
    await loading.destroy()
  }
}

function load(bytes: DocumentBytes, password: string | null, maxImagePixels: number) {
  return getDocument({
    // pdf.js takes ownership of its input.
    data: bytes.copy(),
    ...(password === null ? {} : { password }),
    cMapUrl: packagedFolder('cmaps'),
    standardFontDataUrl: packagedFolder('standard_fonts'),
    wasmUrl: packagedFolder('wasm'),
    iccUrl: packagedFolder('iccs'),
    maxImageSize: maxImagePixels,
    verbosity: VerbosityLevel.WARNINGS,
  })
}

function openedPdf(pdf: PDFDocumentProxy, source: Parameters<typeof readFacts>[1]): OpenedDocument {
  let pagesDrawn = 0
  return {
    pageCount: pdf.numPages,
    facts: (limits) => readFacts(pdf, source, limits),
    async draw(number, sizeFor, isAbandoned) {
      const said = collectWarnings()
      const page = await pageFailureNamed(number, pdf.getPage(number))
      try {
        const bitmap = await pageFailureNamed(number, drawPage(page, sizeFor, isAbandoned))
        if (said.has(IMAGE_LEFT_OUT)) throw imageTooLarge(number)
        let mask: InkMask | null = null
        const drawn = () => ({ bitmap, ink: (mask = findInkReduced(bitmap)) })
        const textLayer = isAbandoned() ? null : await readTextLayer(page, drawn)
        const warnings = isAbandoned() ? [] : notDrawn(await findNotDrawn(page))
        return { bitmap, rasterizer: 'pdfjs', textLayer, warnings, ink: mask === null ? null : { of: bitmap, mask } }
      } finally {
        if (isAbandoned()) await delay(CANCEL_SETTLES_MILLISECONDS)
        page.cleanup()
        if (++pagesDrawn % PAGES_BETWEEN_CLEANUPS === 0) await pdf.cleanup()
      }
    },
    async [Symbol.asyncDispose]() {
      await pdf.loadingTask.destroy()
    },
  }
}

async function drawPage(
  page: PDFPageProxy,
  sizeFor: (size: PageSize) => TargetSize,
  isAbandoned: () => boolean,
): Promise<Bitmap> {
  const { width, height } = sizeFor(pageSize(page))
  const canvas = createCanvas(width, height)
  try {
    const viewport = page.getViewport({ scale: width / page.getViewport({ scale: 1 }).width })
    const task = page.render({
      canvas: null,
      canvasContext: canvas.getContext('2d'),
      viewport,
      // Scales the height to a whole number of pixels too: otherwise the bottom row could be half covered.
      transform: [1, 0, 0, height / viewport.height, 0, 0],
      background: '#ffffff',
      // Draws annotations and the values of form fields, as a viewer does.
      annotationMode: AnnotationMode.ENABLE,
    })
    // By default pdf.js continues in a microtask, which would keep the thread from receiving any message.
    task.onContinue = (resume: () => void) => (isAbandoned() ? task.cancel() : setImmediate(resume))
    await task.promise
    return { pixels: canvas.data(), width, height, channels: 4 }
  } finally {
    // Frees the pixels now: to the garbage collector the canvas is a small object.
    canvas.width = 0
    canvas.height = 0
  }
}

function pageSize(page: PDFPageProxy): PageSize {
  const { width, height } = page.getViewport({ scale: 1 })
  if (!(Number.isFinite(width) && Number.isFinite(height) && width > 0 && height > 0)) {
    throw new Error(`a page of ${width} × ${height} points`)
  }
  return { width, height, unit: 'pt' }
}

async function pageFailureNamed<T>(page: number, drawing: Promise<T>): Promise<T> {
  try {
    return await drawing
  } catch (cause) {
    throw damagedPage(page, cause)
  }
}

/**
 * Collects pdf.js's warnings anew. When pdf.js leaves out an image, it only writes a warning to `console`. A thread
 * draws one page at a time, so that all warnings belong to that page.
 */
function collectWarnings(): { has(text: string): boolean } {
  const warnings = new Set<string>()
  const warn = (text: unknown) => {
    if (warnings.size < MAX_WARNINGS) warnings.add(String(text))
  }
  Object.assign(console, { warn })
  return { has: (text) => warnings.values().some((warning) => warning.includes(text)) }
}

/** Returns a path with a trailing slash, as pdf.js requires. Outside a browser it reads such paths with `fs`. */
function packagedFolder(name: string): string {
  return fileURLToPath(new URL(`${name}/`, import.meta.resolve('pdfjs-dist/package.json')))
}
