import { areaOf, intersect } from '../scan/geometry.ts'
import type { Pdfium } from './module.ts'
import { pageBox, rectAt } from './text-content.ts'

/** The subtypes of fpdf_annot.h for which PDFium makes no appearance where the document has none. */
const NOT_MADE: ReadonlyMap<number, string> = new Map([
  [13, 'Stamp'],
  [24, 'Watermark'],
])
/** `FPDF_ANNOT_FLAG_HIDDEN` and `…_NOVIEW` */
const UNSEEN_FLAGS = 2 | 32
/** `FPDF_ANNOT_APPEARANCEMODE_NORMAL` */
const NORMAL = 0

/** Returns the subtypes of the annotations that a viewer would show and PDFium does not draw. */
export function findNotDrawn(pdfium: Pdfium, page: number): string[] {
  const { library } = pdfium
  const count = library.FPDFPage_GetAnnotCount(page)
  if (count === 0) return []
  using room = pdfium.allocate(16)
  const box = pageBox(pdfium, page, room.address)
  return Array.from({ length: count }).flatMap((_, index) => {
    const annotation = library.FPDFPage_GetAnnot(page, index)
    const subtype = NOT_MADE.get(library.FPDFAnnot_GetSubtype(annotation))
    const isNotDrawn =
      subtype !== undefined &&
      (library.FPDFAnnot_GetFlags(annotation) & UNSEEN_FLAGS) === 0 &&
      !library.EPDFAnnot_HasAppearanceStream(annotation, NORMAL) &&
      // A layer may be switched off.
      !library.FPDFAnnot_HasKey(annotation, 'OC') &&
      library.FPDFAnnot_GetRect(annotation, room.address) &&
      areaOf(intersect(box, rectAt(pdfium, room.address))) > 0
    library.FPDFPage_CloseAnnot(annotation)
    return isNotDrawn ? [subtype] : []
  })
}
