import type { TargetSize } from '../../page/target-size.ts'
import { OBJECT_FORM, OBJECT_IMAGE, OBJECT_TEXT, TEXT_INVISIBLE } from '../pdfium/content.ts'
import type { Pdfium } from '../pdfium/module.ts'
import {
  type Box,
  boxOf,
  isAxisAligned,
  intersect,
  margins,
  rectangleOf,
  type Matrix,
  multiply,
  transform,
} from './geometry.ts'

/** How a scan's image has to be turned to stand upright: first mirrored, then turned clockwise. */
export interface Orientation {
  /** Left and right change places. */
  readonly flop: boolean
  /** Top and bottom change places. */
  readonly flip: boolean
  readonly angle: 0 | 90
}

/** A page that shows one image from edge to edge, and perhaps something over it. */
export interface ScanPage {
  /** FPDF_PAGEOBJECT of the image. */
  readonly image: number
  /** So many of the page's objects, from the first, are the image or lie beneath it, where nothing of them is seen. */
  readonly hides: number
  /** Whether something opaque is painted over the image: a stamp, a page number. */
  readonly isCovered: boolean
  readonly orientation: Orientation
  /** The whole image, upright, in pixels of the target, of which the page shows a part. */
  readonly whole: TargetSize
  readonly left: number
  readonly top: number
  /** Rows and columns that a clip leaves white: at the top, right, bottom and left. */
  readonly white: readonly number[]
}

/** An image, and the matrix that maps the unit square to its place on the page. */
interface PlacedImage {
  readonly image: number
  readonly matrix: Matrix
  /** The part of the page that clips leave visible. */
  readonly visible: Box
}

/** How far an image may end before the page does, in pixels of the target: rounding loses as much. */
const MAX_GAP = 0.5
/** How far an image may extend beyond the page without a visible shift, in pixels of the target. */
const MAX_UNSEEN_OVERHANG = 0.75
/** An image of which the page shows less than about a half is cheaper to draw. */
const MAX_OVERHANG_SHARE = 0.2

/** A page whose clip cuts off more than a narrow margin is left to the rasterizer. */
const MAX_WHITE_SHARE = 0.05

/** A page has two or three: what is behind, and what is before it. */
const MAX_LAYERS = 8
const MAX_FORM_DEPTH = 4
/** How many invisible words may lie on top of the image. */
const MAX_OBJECTS = 20_000

/**
 * Returns the image of a page that shows one image over all of it, and over that only what is opaque; null for any other
 * page, and for one with annotations. PDFium does not tell which layer a form belongs to: where there may be layers, no form is looked into.
 */
export function recognizeScan(
  pdfium: Pdfium,
  page: number,
  size: TargetSize,
  mayHideLayer: () => boolean,
): ScanPage | null {
  const { library } = pdfium
  const count = library.FPDFPage_CountObjects(page)
  if (count > MAX_OBJECTS || library.FPDFPage_GetAnnotCount(page) !== 0) return null
  const target = targetOf(pdfium, page, size)
  if (target === null) return null
  const objects = Array.from({ length: count }, (_, index) => library.FPDFPage_GetObject(page, index))
  const around: Surroundings = { matrix: UNCHANGED, visible: target.box, gaps: target.gaps, depth: 0, mayHideLayer }
  const over: number[] = []
  for (let index = count - 1; index >= 0; index--) {
    const object = objects[index]!
    if (isInvisible(pdfium, object)) continue
    const found = imageIn(pdfium, object, objects, around)
    if (found === 'nothing') continue
    const placed = found === null ? null : placement(found, target)
    if (placed === null) {
      over.push(object)
      continue
    }
    // To blend an object, PDFium may draw anew what lies beneath it, where the image would be missing.
    if (!areOpaque(pdfium, over)) return null
    return { ...placed, hides: index + 1, isCovered: over.length > 0 }
  }
  return null
}

const UNCHANGED: Matrix = [1, 0, 0, 1, 0, 0]

/**
 * Returns the images of a page that shows nothing else, one over the other, each of them upright from edge to edge and in no marked
 * content; null for any other page, and for one with annotations. Images that a layer hides are among them.
 */
export function recognizeLayers(pdfium: Pdfium, page: number, size: TargetSize): readonly number[] | null {
  const images = imagesOnly(pdfium, page)
  const target = images === null ? null : targetOf(pdfium, page, size)
  if (images === null || target === null) return null
  const { box, gaps } = target
  const around: Surroundings = { matrix: UNCHANGED, visible: box, gaps, depth: 0, mayHideLayer: () => false }
  const isWhole = (object: number): boolean => {
    const found = imageIn(pdfium, object, [], around)
    if (found === null || found === 'nothing' || found.visible !== box) return false
    const placed = placement(found, target)
    if (placed?.whole !== size) return false
    const { flop, flip, angle } = placed.orientation
    return !flop && !flip && angle === 0
  }
  return images.every(isWhole) ? images : null
}

/** Returns the objects of a page on which only images are visible; null for any other page, most of which begin with text. */
function imagesOnly(pdfium: Pdfium, page: number): readonly number[] | null {
  const { library } = pdfium
  const count = library.FPDFPage_CountObjects(page)
  if (count > MAX_OBJECTS || library.FPDFPage_GetAnnotCount(page) !== 0) return null
  const images: number[] = []
  for (let index = 0; index < count; index++) {
    const object = library.FPDFPage_GetObject(page, index)
    if (library.FPDFPageObj_GetType(object) === OBJECT_IMAGE) images.push(object)
    else if (!isInvisible(pdfium, object)) return null
    if (images.length > MAX_LAYERS) return null
  }
  return images.length === 0 ? null : images
}

interface Surroundings {
  /** Maps the objects' own coordinates to the page's. */
  readonly matrix: Matrix
  /** The part of the page that the clips of the enclosing forms leave visible. */
  readonly visible: Box
  readonly gaps: { readonly x: number; readonly y: number }
  readonly depth: number
  readonly mayHideLayer: () => boolean
}

/**
 * Finds the image that an object of a page or a form is, or paints last: nothing beneath an opaque image that covers the
 * page is seen, and only invisible text may follow it. Null for anything else, marked content included: a layer may hide it.
 */
function imageIn(
  pdfium: Pdfium,
  object: number,
  objects: readonly number[],
  around: Surroundings,
): PlacedImage | 'nothing' | null {
  const { library } = pdfium
  const type = library.FPDFPageObj_GetType(object)
  if (type !== OBJECT_IMAGE && type !== OBJECT_FORM) return null
  if (library.FPDFPageObj_HasTransparency(object) || isInLayer(pdfium, object)) return null
  if (type === OBJECT_FORM && around.mayHideLayer()) return null
  const visible = clipped(pdfium, object, around)
  if (visible === null) return null
  // Outside of the clip, the objects beneath would show.
  if (visible !== around.visible && objects.some((other) => other !== object && !isInvisible(pdfium, other)))
    return null
  const matrix = multiply(matrixOf(pdfium, object), around.matrix)
  if (type === OBJECT_IMAGE) return { image: object, matrix, visible }
  return topmost(pdfium, object, { ...around, matrix, visible, depth: around.depth + 1 })
}

/** Finds the image that a form paints last. */
function topmost(pdfium: Pdfium, form: number, around: Surroundings): PlacedImage | 'nothing' | null {
  const { library } = pdfium
  const count = library.FPDFFormObj_CountObjects(form)
  if (count > MAX_OBJECTS || around.depth > MAX_FORM_DEPTH) return null
  const objects = Array.from({ length: count }, (_, index) => library.FPDFFormObj_GetObject(form, index))
  for (const object of objects.toReversed()) {
    if (isInvisible(pdfium, object)) continue
    const found = imageIn(pdfium, object, objects, around)
    if (found !== 'nothing') return found
  }
  return 'nothing'
}

/** Whether objects, and all within them, cover what lies beneath them and do not blend with it; false for too many. */
function areOpaque({ library }: Pdfium, objects: readonly number[]): boolean {
  let left = MAX_OBJECTS
  const isOpaque = (object: number, depth: number): boolean => {
    if (left-- <= 0 || depth > MAX_FORM_DEPTH || library.FPDFPageObj_HasTransparency(object)) return false
    if (library.FPDFPageObj_GetType(object) !== OBJECT_FORM) return true
    const count = library.FPDFFormObj_CountObjects(object)
    for (let index = 0; index < count; index++)
      if (!isOpaque(library.FPDFFormObj_GetObject(object, index), depth + 1)) return false
    return true
  }
  return objects.every((object) => isOpaque(object, 0))
}

function isInvisible({ library }: Pdfium, object: number): boolean {
  return (
    library.FPDFPageObj_GetType(object) === OBJECT_TEXT &&
    library.FPDFTextObj_GetTextRenderMode(object) === TEXT_INVISIBLE
  )
}

/** Returns the matrix that takes an object from its own coordinates to those around it. */
export function matrixOf(pdfium: Pdfium, object: number): Matrix {
  using room = pdfium.allocate(24)
  pdfium.library.FPDFPageObj_GetMatrix(object, room.address)
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = pdfium.floats(room.address, 6)
  return [a, b, c, d, e, f]
}

/** Whether an object is marked as part of a layer, which may be switched off. */
export function isInLayer(pdfium: Pdfium, object: number): boolean {
  const { library } = pdfium
  const count = library.FPDFPageObj_CountMarks(object)
  if (count === 0) return false
  using name = pdfium.allocate(12)
  return Array.from({ length: count }, (_, index) => library.FPDFPageObj_GetMark(object, index)).some((mark) => {
    // "OC" in UTF-16 with its terminator takes 6 bytes; a longer name is not written.
    if (!library.FPDFPageObjMark_GetName(mark, name.address, 8, name.address + 8)) return true
    return pdfium.integers(name.address, 3)[2] === 6
  })
}

/**
 * Returns the part that an object's clip paths leave visible: the same box when they cut nothing off, null when one of
 * them is no rectangle. PDFium counts -1 paths for an object that never had any.
 */
function clipped(pdfium: Pdfium, object: number, { matrix, visible, gaps }: Surroundings): Box | null {
  let left = visible
  for (const path of clipPaths(pdfium, object, MAX_RECTANGLE_POINTS)) {
    if (path.length < 4 || path.length > MAX_RECTANGLE_POINTS) return null
    const rectangle = rectangleOf(
      path.map(([x, y]) => transform(matrix, x, y)),
      gaps,
    )
    if (rectangle === null) return null
    left = intersect(left, rectangle)
  }
  const isCut = margins(left, visible, { x: 0.5 / gaps.x, y: 0.5 / gaps.y }).some((margin) => margin > 0)
  return isCut ? left : visible
}

/** The fifth closes it. */
const MAX_RECTANGLE_POINTS = 5
const MAX_CLIP_POINTS = 1000

/** Returns a box around what an object's clip leaves visible of another one; `around` maps the clip to its points. */
export function withinClip(pdfium: Pdfium, object: number, box: Box, around: Matrix = [1, 0, 0, 1, 0, 0]): Box {
  return clipPaths(pdfium, object, MAX_CLIP_POINTS)
    .filter((path) => path.length > 0 && path.length <= MAX_CLIP_POINTS)
    .map((path) => boxOf(path.map(([x, y]) => transform(around, x, y))))
    .reduce(intersect, box)
}

/** Returns the points of an object's clip paths; of a path with more than `most`, one more than these. */
function clipPaths(pdfium: Pdfium, object: number, most: number): (readonly [x: number, y: number])[][] {
  const { library } = pdfium
  const clip = library.FPDFPageObj_GetClipPath(object)
  using room = pdfium.allocate(8)
  return Array.from({ length: Math.max(0, library.FPDFClipPath_CountPaths(clip)) }, (_, path) => {
    const count = Math.min(library.FPDFClipPath_CountPathSegments(clip, path), most + 1)
    return Array.from({ length: Math.max(0, count) }, (_, index) => {
      const segment = library.FPDFClipPath_GetPathSegment(clip, path, index)
      library.FPDFPathSegment_GetPoint(segment, room.address, room.address + 4)
      const [x = Number.NaN, y = Number.NaN] = pdfium.floats(room.address, 2)
      return [x, y] as const
    })
  })
}

/** A page, and the size at which it is wanted. */
interface Target {
  readonly box: Box
  /** Pixels of the target per point, before the page is turned. */
  readonly scales: { readonly x: number; readonly y: number }
  readonly gaps: { readonly x: number; readonly y: number }
  /** Quarters clockwise, after the matrix. */
  readonly turns: number
  readonly size: TargetSize
}

function targetOf(pdfium: Pdfium, page: number, size: TargetSize): Target | null {
  const { library } = pdfium
  using room = pdfium.allocate(16)
  if (!library.FPDF_GetPageBoundingBox(page, room.address)) return null
  const [left = 0, top = 0, right = 0, bottom = 0] = pdfium.floats(room.address, 4)
  const turns = library.FPDFPage_GetRotation(page)
  const unturned = turns % 2 === 0 ? size : { width: size.height, height: size.width }
  const scales = { x: unturned.width / (right - left), y: unturned.height / (top - bottom) }
  const gaps = { x: MAX_GAP / scales.x, y: MAX_GAP / scales.y }
  return { box: { left, bottom, right, top }, scales, gaps, turns, size }
}

/** Returns how the image lies on the page; null when it is skewed or does not cover the page. */
function placement(
  { image, matrix, visible }: PlacedImage,
  { box, scales, gaps, turns, size }: Target,
): Omit<ScanPage, 'hides' | 'isCovered'> | null {
  if (!isAxisAligned(matrix, gaps)) return null
  const lies = boxOf([transform(matrix, 0, 0), transform(matrix, 1, 1)])
  const overhangs = [
    (lies.top - box.top) * scales.y,
    (lies.right - box.right) * scales.x,
    (box.bottom - lies.bottom) * scales.y,
    (box.left - lies.left) * scales.x,
  ]
  if (overhangs.some((pixels) => !(pixels >= -MAX_GAP))) return null
  const orientation = orientationOf(matrix, turns)
  const white = turnedSides(margins(visible, box, scales), turns)
  if (Math.max(...white) > MAX_WHITE_SHARE * Math.min(size.width, size.height)) return null
  if (overhangs.every((pixels) => pixels <= MAX_UNSEEN_OVERHANG))
    return { image, orientation, whole: size, left: 0, top: 0, white }
  const sides = turnedSides(overhangs, turns).map((pixels) => Math.max(0, Math.round(pixels)))
  const [above = 0, right = 0, below = 0, left = 0] = sides
  if (Math.max(above, right, below, left) > MAX_OVERHANG_SHARE * Math.min(size.width, size.height)) return null
  const whole = { width: left + size.width + right, height: above + size.height + below }
  return { image, orientation, whole, left, top: above, white }
}

/** Turns values of the top, right, bottom and left by quarters clockwise: after one, the left is at the top. */
function turnedSides(sides: readonly number[], turns: number): readonly number[] {
  return sides.map((_, side) => sides[(side - turns + 4) % 4] ?? 0)
}

function orientationOf([a, b, c, d]: Matrix, turns: number): Orientation {
  const turned = (x: number, y: number) =>
    [
      [x, y],
      [y, -x],
      [-x, -y],
      [-y, x],
    ][turns % 4] ?? [x, y]
  const [rightX = 0, rightY = 0] = turned(a, b)
  const [upX = 0, upY = 0] = turned(c, d)
  const isUpright = Math.abs(rightX) > Math.abs(rightY)
  // Turned clockwise by a quarter, the image's right points down and its top points right.
  return isUpright ? { flop: rightX < 0, flip: upY < 0, angle: 0 } : { flop: rightY > 0, flip: upX < 0, angle: 90 }
}
