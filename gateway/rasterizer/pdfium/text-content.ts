import { OBJECT_FORM, OBJECT_IMAGE, OBJECT_PATH, OBJECT_TEXT, TEXT_INVISIBLE } from './content.ts'
import { type Pdfium, PdfiumRefusal } from './module.ts'
import { areaOf, type Box, boxOf, intersect, type Matrix, multiply, transform } from '../scan/geometry.ts'
import { matrixOf } from '../scan/page.ts'

/** A text object of a page, forms within forms included. */
export interface TextObject {
  /** FPDF_PAGEOBJECT */
  readonly object: number
  /** In the page's points. */
  readonly bounds: Box
  /** Maps its own coordinates to the page's. */
  readonly around: Matrix
  /** PDFium does not tell which layer a form belongs to. */
  readonly isInForm: boolean
  /** `FPDF_TEXTRENDERMODE_…` of fpdf_edit.h. */
  readonly mode: number
  /** It is not painted: drawn invisibly, or under a picture of the whole page. */
  isInvisible: boolean
  /** Something that was painted later lies over at least half of it. */
  isCovered: boolean
}

/** Facts about a page's objects that decide which of its text counts. */
export interface TextContent {
  /** The visible part of the page. */
  readonly box: Box
  readonly texts: readonly TextObject[]
  /** Share of the page under its largest picture, 0 to 1. */
  readonly pictured: number
  /** The page shows text that was typed into fields or as annotations, and that is no text object. */
  readonly hasTypedAnnotations: boolean
}

const IDENTITY: Matrix = [1, 0, 0, 1, 0, 0]
const MAX_OBJECTS = 20_000
const MAX_FORM_DEPTH = 4
/** A picture over such a share of the page hides the text drawn before it: some scanners write the words first. */
const COVERING = 0.8
/** A drawing of more paths is no page on which somebody has painted over a word. */
const MAX_PATHS = 2000
/** How often a thing is compared with the text painted before it. */
const MAX_COMPARISONS = 200_000
/** Points: rules and underlines cover nothing. */
const MIN_COVER_SIDE = 3
/** fpdf_annot.h: `FPDF_ANNOT_FREETEXT` and `FPDF_ANNOT_WIDGET`. */
const TYPED_ANNOTATIONS = [3, 20]
/** Those and rectangles, circles, polygons, stamps, handwriting and redactions: all that may be opaque. */
const COVERING_ANNOTATIONS = [...TYPED_ANNOTATIONS, 5, 6, 7, 13, 15, 28]

/** Examines a page's objects, forms within forms included; null for a page without text, or with too many objects. */
export function lookOverText(pdfium: Pdfium, page: number): TextContent | null {
  const { library } = pdfium
  using room = pdfium.allocate(16)
  const box = pageBox(pdfium, page, room.address)
  const found: Found = {
    box,
    texts: [],
    pictured: 0,
    objectsLeft: MAX_OBJECTS,
    pathsLeft: MAX_PATHS,
    comparisonsLeft: MAX_COMPARISONS,
    room: room.address,
  }
  const count = library.FPDFPage_CountObjects(page)
  for (let index = 0; index < count && found.objectsLeft > 0; index++)
    visit(pdfium, library.FPDFPage_GetObject(page, index), found, IDENTITY, 0)
  const { texts, pictured } = found
  if (texts.length === 0 || found.objectsLeft === 0) return null
  return { box, texts, pictured, hasTypedAnnotations: seeAnnotations(pdfium, page, found) }
}

interface Found {
  readonly box: Box
  readonly texts: TextObject[]
  pictured: number
  /** How much more may be examined. */
  objectsLeft: number
  pathsLeft: number
  comparisonsLeft: number
  /** Memory for four numbers. */
  readonly room: number
}

function visit(pdfium: Pdfium, object: number, found: Found, around: Matrix, depth: number): void {
  const { library } = pdfium
  found.objectsLeft--
  const type = library.FPDFPageObj_GetType(object)
  if (type === OBJECT_TEXT) {
    const mode = library.FPDFTextObj_GetTextRenderMode(object)
    const bounds = boundsOf(pdfium, object, found.room, around)
    const isInvisible = mode === TEXT_INVISIBLE
    found.texts.push({ object, bounds, around, isInForm: depth > 0, mode, isInvisible, isCovered: false })
  } else if (type === OBJECT_IMAGE) {
    seePicture(pdfium, object, found, around)
  } else if (type === OBJECT_PATH) {
    seePath(pdfium, object, found, around)
  } else if (type === OBJECT_FORM && depth < MAX_FORM_DEPTH) {
    const matrix = multiply(matrixOf(pdfium, object), around)
    const count = library.FPDFFormObj_CountObjects(object)
    for (let index = 0; index < count && found.objectsLeft > 0; index++)
      visit(pdfium, library.FPDFFormObj_GetObject(object, index), found, matrix, depth + 1)
  }
}

function seePicture(pdfium: Pdfium, object: number, found: Found, around: Matrix): void {
  const { box, texts, room } = found
  const bounds = boundsOf(pdfium, object, room, around)
  const share = areaOf(intersect(bounds, box)) / areaOf(box)
  found.pictured = Math.max(found.pictured, share)
  if (share < COVERING || pdfium.library.FPDFPageObj_HasTransparency(object)) return cover(bounds, found)
  for (const text of texts) text.isInvisible = true
}

/** A filled path may be white, or a black bar: what it covers cannot be told from its colour. */
function seePath(pdfium: Pdfium, object: number, found: Found, around: Matrix): void {
  if (found.texts.length === 0 || found.pathsLeft-- <= 0) return
  const { library } = pdfium
  const bounds = boundsOf(pdfium, object, found.room, around)
  if (Math.min(bounds.right - bounds.left, bounds.top - bounds.bottom) < MIN_COVER_SIDE) return
  if (!library.FPDFPath_GetDrawMode(object, found.room, found.room + 4)) return
  const isFilled = pdfium.integers(found.room, 1)[0] !== 0
  // Highlights are transparent.
  if (isFilled && !library.FPDFPageObj_HasTransparency(object)) cover(bounds, found)
}

function cover(bounds: Box, found: Found): void {
  found.comparisonsLeft -= found.texts.length
  if (found.comparisonsLeft < 0) return
  for (const text of found.texts) text.isCovered ||= areaOf(intersect(text.bounds, bounds)) > areaOf(text.bounds) / 2
}

/** Returns the box around an object, in points; empty where it has none. `address` is room for four numbers. */
export function boundsOf(pdfium: Pdfium, object: number, address: number, around = IDENTITY): Box {
  if (!pdfium.library.FPDFPageObj_GetBounds(object, address, address + 4, address + 8, address + 12))
    return { left: 0, bottom: 0, right: 0, top: 0 }
  const [left = 0, bottom = 0, right = 0, top = 0] = pdfium.floats(address, 4)
  if (around === IDENTITY) return { left, bottom, right, top }
  const corners = [
    [left, bottom],
    [right, bottom],
    [left, top],
    [right, top],
  ] as const
  return boxOf(corners.map(([x, y]) => transform(around, x, y)))
}

/** Returns the visible part of a page, in points. `address` is room for four numbers. */
export function pageBox(pdfium: Pdfium, page: number, address: number): Box {
  if (!pdfium.library.FPDF_GetPageBoundingBox(page, address)) throw new PdfiumRefusal('a page without a box')
  const [left = 0, top = 0, right = 0, bottom = 0] = pdfium.floats(address, 4)
  return { left, bottom, right, top }
}

/** Annotations lie over the page's text. Tells whether one may hold text that was typed into it. */
function seeAnnotations(pdfium: Pdfium, page: number, found: Found): boolean {
  const { library } = pdfium
  const count = library.FPDFPage_GetAnnotCount(page)
  let hasTyped = false
  for (let index = 0; index < Math.min(count, MAX_OBJECTS); index++) {
    const annotation = library.FPDFPage_GetAnnot(page, index)
    const subtype = library.FPDFAnnot_GetSubtype(annotation)
    hasTyped ||= TYPED_ANNOTATIONS.includes(subtype)
    if (COVERING_ANNOTATIONS.includes(subtype) && library.FPDFAnnot_GetRect(annotation, found.room))
      cover(rectAt(pdfium, found.room), found)
    library.FPDFPage_CloseAnnot(annotation)
  }
  return hasTyped
}

/** Reads an FS_RECTF of an annotation: left, top, right and bottom, of any two opposite corners. */
export function rectAt(pdfium: Pdfium, address: number): Box {
  const [left = 0, top = 0, right = 0, bottom = 0] = pdfium.floats(address, 4)
  return boxOf([
    [left, top],
    [right, bottom],
  ])
}
