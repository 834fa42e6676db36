import { OBJECT_FORM, OBJECT_IMAGE, OBJECT_TEXT, TEXT_INVISIBLE } from './content.ts'
import { type Pdfium, PdfiumRefusal } from './module.ts'
import { type Box, boxOf, intersect, type Matrix, multiply, transform } from '../scan/geometry.ts'
import { matrixOf } from '../scan/page.ts'

/** Facts about a page's objects that decide which of its text counts. */
export interface TextContent {
  /** The visible part of the page. */
  readonly box: Box
  /** Text objects that are not visible: drawn invisibly, or under a picture. */
  readonly hidden: ReadonlySet<number>
  readonly hasVisible: boolean
  /** No text object lies beside the page, not even in part. */
  readonly isWithinPage: boolean
  /** Share of the page under its largest picture, 0 to 1. */
  readonly pictured: number
  /** The page shows text that was typed into fields or as annotations, and that is no text object. */
  readonly hasTypedAnnotations: boolean
}

const MAX_OBJECTS = 20_000
const MAX_FORM_DEPTH = 4
/** A picture over such a share of the page hides the text drawn before it: some scanners write the words first. */
const COVERING = 0.8
/** fpdf_annot.h: `FPDF_ANNOT_FREETEXT` and `FPDF_ANNOT_WIDGET`. */
const TYPED_ANNOTATIONS = [3, 20]

/** Examines a page's objects, forms within forms included; null for a page with too many. */
export function lookOverText(pdfium: Pdfium, page: number): TextContent | null {
  const { library } = pdfium
  using room = pdfium.allocate(16)
  const box = pageBox(pdfium, page, room.address)
  const found: Found = {
    box,
    hidden: new Set(),
    visible: new Set(),
    isWithinPage: true,
    pictured: 0,
    left: MAX_OBJECTS,
    room: room.address,
  }
  const count = library.FPDFPage_CountObjects(page)
  for (let index = 0; index < count && found.left > 0; index++)
    visit(pdfium, library.FPDFPage_GetObject(page, index), found, [1, 0, 0, 1, 0, 0], 0)
  if (found.left === 0) return null
  return { ...found, hasVisible: found.visible.size > 0, hasTypedAnnotations: hasTypedAnnotations(pdfium, page) }
}

interface Found {
  readonly box: Box
  readonly hidden: Set<number>
  readonly visible: Set<number>
  isWithinPage: boolean
  pictured: number
  /** How many more objects may be examined. */
  left: number
  /** Memory for four numbers. */
  readonly room: number
}

function visit(pdfium: Pdfium, object: number, found: Found, around: Matrix, depth: number): void {
  const { library } = pdfium
  found.left--
  const type = library.FPDFPageObj_GetType(object)
  if (type === OBJECT_TEXT) {
    const isInvisible = library.FPDFTextObj_GetTextRenderMode(object) === TEXT_INVISIBLE
    ;(isInvisible ? found.hidden : found.visible).add(object)
    found.isWithinPage &&= contains(found.box, boundsOf(pdfium, object, around, found.room))
  } else if (type === OBJECT_IMAGE) {
    seePicture(pdfium, object, found, around)
  } else if (type === OBJECT_FORM && depth < MAX_FORM_DEPTH) {
    const matrix = multiply(matrixOf(pdfium, object), around)
    const count = library.FPDFFormObj_CountObjects(object)
    for (let index = 0; index < count && found.left > 0; index++)
      visit(pdfium, library.FPDFFormObj_GetObject(object, index), found, matrix, depth + 1)
  }
}

function seePicture(pdfium: Pdfium, object: number, found: Found, around: Matrix): void {
  const { box, hidden, visible, room } = found
  const share = areaOf(intersect(boundsOf(pdfium, object, around, room), box)) / areaOf(box)
  found.pictured = Math.max(found.pictured, share)
  if (share < COVERING || pdfium.library.FPDFPageObj_HasTransparency(object)) return
  for (const covered of visible) hidden.add(covered)
  visible.clear()
}

function boundsOf(pdfium: Pdfium, object: number, around: Matrix, address: number): Box {
  if (!pdfium.library.FPDFPageObj_GetBounds(object, address, address + 4, address + 8, address + 12))
    return { left: 0, bottom: 0, right: 0, top: 0 }
  const [left = 0, bottom = 0, right = 0, top = 0] = pdfium.floats(address, 4)
  const corners = [
    [left, bottom],
    [right, bottom],
    [left, top],
    [right, top],
  ] as const
  return boxOf(corners.map(([x, y]) => transform(around, x, y)))
}

function contains(outer: Box, { left, bottom, right, top }: Box): boolean {
  return left >= outer.left && right <= outer.right && bottom >= outer.bottom && top <= outer.top
}

function areaOf({ left, bottom, right, top }: Box): number {
  return Math.max(0, right - left) * Math.max(0, top - bottom)
}

function pageBox(pdfium: Pdfium, page: number, address: number): Box {
  if (!pdfium.library.FPDF_GetPageBoundingBox(page, address)) throw new PdfiumRefusal('a page without a box')
  const [left = 0, top = 0, right = 0, bottom = 0] = pdfium.floats(address, 4)
  return { left, bottom, right, top }
}

function hasTypedAnnotations({ library }: Pdfium, page: number): boolean {
  const count = library.FPDFPage_GetAnnotCount(page)
  for (let index = 0; index < Math.min(count, MAX_OBJECTS); index++) {
    const annotation = library.FPDFPage_GetAnnot(page, index)
    const subtype = library.FPDFAnnot_GetSubtype(annotation)
    library.FPDFPage_CloseAnnot(annotation)
    if (TYPED_ANNOTATIONS.includes(subtype)) return true
  }
  return false
}
