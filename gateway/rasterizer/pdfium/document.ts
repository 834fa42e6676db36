import { GatewayError } from '../../errors.ts'
import { type DocumentBytes, readInto } from '../document-bytes.ts'
import { openingFailure } from '../opening-failure.ts'
import { loadPdfium, type Pdfium, PdfiumRefusal } from './module.ts'

/** A PDF that is open in one instance of PDFium. */
export interface PdfiumDocument extends Disposable {
  readonly pdfium: Pdfium
  /** FPDF_DOCUMENT */
  readonly handle: number
  readonly pageCount: number
  /**
   * Loads a page, 1-based, and returns its FPDF_PAGE, or 0. By its number PDFium finds a page among all those before it, which it parses and
   * keeps while the document is open; by the number of its object, where that is given, it finds it alone.
   */
  readonly loadPage: (page: number, object: number | null) => number
  /** FPDF_FORMHANDLE; made for the first page with annotations, 0 where PDFium makes none. */
  readonly form: () => number
}

/** `FPDF_ERR_PASSWORD` of fpdfview.h. */
const ERROR_PASSWORD = 4

/** FPDF_FILEACCESS of fpdfview.h: a length, a function and its parameter, 4 bytes each in 32-bit WASM. */
const FILE_ACCESS_BYTES = 12

/**
 * Parses a PDF with PDFium, which reads the bytes where they are: its own memory holds no copy. Throws
 * `document_encrypted`, `wrong_password`, `document_empty` and `document_unreadable`.
 */
export async function parseWithPdfium(
  bytes: DocumentBytes,
  password: string | null,
  maxMemoryBytes: number,
): Promise<PdfiumDocument> {
  const pdfium = await loadPdfium(maxMemoryBytes)
  try {
    return parse(pdfium, bytes, password)
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause
    pdfium.isBroken = true
    throw openingFailure(bytes, { wantsPassword: false, hadPassword: password !== null, cause })
  }
}

function parse(pdfium: Pdfium, bytes: DocumentBytes, password: string | null): PdfiumDocument {
  const { library } = pdfium
  using releasing = new DisposableStack()
  const read = releasing.use(
    pdfium.callback((_, position = 0, target = 0, size = 0) => {
      try {
        // C++ hands over an unsigned number as a signed one.
        return readInto(bytes, position >>> 0, pdfium.bytes(target, size)) ? 1 : 0
      } catch {
        // PDFium's own frames are on the stack.
        return 0
      }
    }, 'iiiii'),
  )
  const access = releasing.use(pdfium.allocate(FILE_ACCESS_BYTES))
  pdfium.integers(access.address, 3).set([bytes.length, read.index, 0])
  const handle = library.FPDF_LoadCustomDocument(access.address, password ?? '')
  if (handle === 0) {
    const code = library.FPDF_GetLastError()
    const cause = new PdfiumRefusal(`FPDF_GetLastError: ${code}`)
    throw openingFailure(bytes, { wantsPassword: code === ERROR_PASSWORD, hadPassword: password !== null, cause })
  }
  releasing.defer(() => library.FPDF_CloseDocument(handle))
  const pageCount = library.FPDF_GetPageCount(handle)
  if (pageCount < 1) throw new GatewayError('document_empty', 'The PDF has no pages.')
  const form = formOf(pdfium, handle)
  releasing.defer(() => form.close())
  const resources = releasing.move()
  return {
    pdfium,
    handle,
    pageCount,
    loadPage: pageLoader(pdfium, handle),
    form: form.open,
    [Symbol.dispose]: () => closeUnlessBroken(pdfium, resources),
  }
}

/** Closes the document. A broken instance is not touched: the garbage collector frees it. */
function closeUnlessBroken(pdfium: Pdfium, resources: DisposableStack): void {
  if (pdfium.isBroken) return
  try {
    resources.dispose()
  } catch {
    pdfium.isBroken = true
  }
}

/**
 * A page that is written into the list of pages itself has a number that PDFium gives it when it comes to it. Where a page is not found
 * by its number, such are in the document, and no number is believed any more.
 */
function pageLoader({ library }: Pdfium, document: number): PdfiumDocument['loadPage'] {
  let believesNumbers = true
  return (page, object) => {
    if (object !== null && believesNumbers) {
      const found = library.EPDFDoc_LoadPageByObjectNumber(document, object)
      if (found !== 0) return found
      believesNumbers = false
    }
    return library.FPDF_LoadPage(document, page - 1)
  }
}

function formOf({ library }: Pdfium, document: number) {
  let handle: number | null = null
  let info = 0
  return {
    open: (): number => {
      if (handle !== null) return handle
      info = library.PDFiumExt_OpenFormFillInfo()
      handle = library.PDFiumExt_InitFormFillEnvironment(document, info)
      // Viewers tint form fields; a page image shows what would be printed.
      if (handle !== 0) library.FPDF_SetFormFieldHighlightAlpha(handle, 0)
      return handle
    },
    close: (): void => {
      if (handle !== null && handle !== 0) library.PDFiumExt_ExitFormFillEnvironment(handle)
      if (info !== 0) library.PDFiumExt_CloseFormFillInfo(info)
    },
  }
}
