import type { TargetSize } from '../../page/target-size.ts'
import { type Pdfium, PdfiumRefusal } from './module.ts'

/** fpdfview.h: annotations are drawn too. */
const FLAG_ANNOTATIONS = 0x01
/** `FPDFBitmap_BGRx`: PDFium's own order. For RGB it would swap the bytes of every pixel that it draws. */
const FORMAT_BGRX = 3
const WHITE = 0xffffffff
/** `FPDF_RENDER_DONE` */
const RENDER_DONE = 2
/** IFSDK_PAUSE of fpdf_progressive.h: a version, a function and its parameter. */
const PAUSE_BYTES = 12

/** A part of a drawn page, in its pixels. */
export interface Part extends TargetSize {
  readonly left: number
  readonly top: number
}

/** How a page is drawn. */
export interface Rendering {
  /** Of the whole page. */
  readonly size: TargetSize
  /** FPDF_FORMHANDLE; 0: the page has nothing of a form. */
  readonly form: number
  readonly showsAnnotations: boolean
  readonly isAbandoned: () => boolean
}

/**
 * Draws a page, or a part of it, as blue, green, red and a byte more, into PDFium's memory at an address: on white, or over
 * the pixels that are there.
 */
export function renderInto(
  pdfium: Pdfium,
  page: number,
  { size, form, showsAnnotations, isAbandoned }: Rendering,
  { left, top, width, height }: Part,
  address: number,
  ground: 'white' | 'pixels' = 'white',
): void {
  const { library } = pdfium
  using releasing = new DisposableStack()
  const bitmap = library.FPDFBitmap_CreateEx(width, height, FORMAT_BGRX, address, width * 4)
  if (bitmap === 0) throw new PdfiumRefusal(`no bitmap of ${width} × ${height} pixels`)
  releasing.defer(() => library.FPDFBitmap_Destroy(bitmap))
  if (ground === 'white') library.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, WHITE)
  if (form !== 0) library.FORM_OnAfterLoadPage(page, form)
  releasing.defer(() => form !== 0 && library.FORM_OnBeforeClosePage(page, form))
  const pause = releasing.use(pdfium.allocate(PAUSE_BYTES))
  pdfium.integers(pause.address, 3).set([1, pdfium.abandoning(isAbandoned), 0])
  const place = [-left, -top, size.width, size.height, 0, showsAnnotations ? FLAG_ANNOTATIONS : 0] as const
  const state = library.FPDF_RenderPageBitmap_Start(bitmap, page, ...place, pause.address)
  library.FPDF_RenderPage_Close(page)
  if (state !== RENDER_DONE) throw new PdfiumRefusal(`FPDF_RenderPageBitmap_Start: ${state}`)
  if (form !== 0) library.FPDF_FFLDraw(form, bitmap, page, ...place)
}
