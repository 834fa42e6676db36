import type { Pdfium } from './module.ts'

/** The content of a page, forms within forms included, up to `MAX_OBJECTS` objects. */
export interface PageContent {
  /** Whether there is text that is painted or clips: every rendering mode but the invisible one. */
  readonly hasVisibleText: boolean
  readonly imageCount: number
  /** Pixels of the largest image. */
  readonly largestImagePixels: number
}

/** fpdf_edit.h: `FPDF_PAGEOBJ_…` and `FPDF_TEXTRENDERMODE_INVISIBLE`. */
export const OBJECT_TEXT = 1
export const OBJECT_PATH = 2
export const OBJECT_IMAGE = 3
export const OBJECT_FORM = 5
export const TEXT_INVISIBLE = 3

/** The objects beyond are drawn without being listed first: for their images PDFium's memory limit is the bound. */
const MAX_OBJECTS = 200_000

/** Lists what a page shows, without decoding any of it. */
export function inspectContent(pdfium: Pdfium, page: number): PageContent {
  const { library } = pdfium
  using size = pdfium.allocate(8)
  let hasVisibleText = false
  let imageCount = 0
  let largestImagePixels = 0
  let left = MAX_OBJECTS
  const visit = (object: number) => {
    const type = library.FPDFPageObj_GetType(object)
    if (type === OBJECT_TEXT) hasVisibleText ||= library.FPDFTextObj_GetTextRenderMode(object) !== TEXT_INVISIBLE
    else if (type === OBJECT_IMAGE) {
      imageCount++
      if (!library.FPDFImageObj_GetImagePixelSize(object, size.address, size.address + 4)) return
      const [width = 0, height = 0] = pdfium.integers(size.address, 2)
      largestImagePixels = Math.max(largestImagePixels, width * height)
    } else if (type === OBJECT_FORM) {
      const count = library.FPDFFormObj_CountObjects(object)
      for (let index = 0; index < count && left-- > 0; index++) visit(library.FPDFFormObj_GetObject(object, index))
    }
  }
  const count = library.FPDFPage_CountObjects(page)
  for (let index = 0; index < count && left-- > 0; index++) visit(library.FPDFPage_GetObject(page, index))
  return { hasVisibleText, imageCount, largestImagePixels }
}
