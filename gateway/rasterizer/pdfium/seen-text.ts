import type { Bitmap } from '../../prepare/bitmap.ts'
import {
  hasLetters,
  isTooSmall,
  levelOf,
  mainTint,
  marksIn,
  type Marks,
  type PageShare,
  pixelsOf,
} from '../../prepare/ink-in-box.ts'
import { areaOf, intersect, scaleOf } from '../scan/geometry.ts'
import { isInLayer, matrixOf, withinClip } from '../scan/page.ts'
import type { Pdfium } from './module.ts'
import { differences, type DrawnPart, drawPart, marksOf } from './redraw.ts'
import type { Part, Rendering } from './render.ts'
import type { TextContent, TextObject } from './text-content.ts'
import { shareOf } from '../text-place.ts'

/** A page that has been drawn, to be compared with its text. */
export interface DrawnPage {
  /** The pixels; PDFium's memory moves when it grows, so that they are asked for anew. */
  readonly bitmap: () => Bitmap
  /** Where the page has ink. */
  readonly ink: Marks
  /** Whether a layer of the document may be switched off. */
  readonly mayHideLayer: () => boolean
  /** How it was drawn; null where it was not drawn by PDFium. */
  readonly rendering: Rendering | null
}

/** The text objects of a page that can be seen on it. */
export interface SeenText {
  readonly painted: ReadonlySet<number>
  /** Not painted, and there is ink where they lie: a picture shows what they say. */
  readonly pictured: ReadonlySet<number>
  /** Objects of which only a part may be seen, each with the marks that its characters must have beneath them. */
  readonly partial: ReadonlyMap<number, Marks>
}

/** In gray levels: text that is nearer to what is around it may be invisible, and what is seen there another thing. */
const NEAR = 40
/** Of 255: fainter text may be invisible. */
const MIN_ALPHA = 26
/** So many letters without a mark are no gap between words. */
const GAP_LETTERS = 4
const MAX_PASSES = 6

/**
 * Finds the text that a drawn page shows, and makes all other text inactive, so that PDFium's text page leaves it out. A
 * box without ink shows nothing. Where there is ink, but perhaps of another thing (something was painted over the text,
 * it has the colour of its background, a layer or a clip may hide it), the page is drawn again without the text: what
 * changes nothing is not seen.
 */
export function findSeenText(pdfium: Pdfium, page: number, content: TextContent, drawn: DrawnPage): SeenText {
  const turns = pdfium.library.FPDFPage_GetRotation(page)
  const texts = content.texts.map((text) => ({ ...text, share: shareOf(text.bounds, content.box, turns) }))
  const seen = texts.filter((text) => hasInk(pdfium, text, drawn))
  const partial = new Map<number, Marks>()
  for (const { object, share } of seen) if (hasGap(drawn.ink, share)) partial.set(object, drawn.ink)
  const unseen: readonly TextObject[] =
    drawn.rendering === null ? [] : drawWithout(pdfium, page, seen, drawn, drawn.rendering, partial)
  const hidden = new Set(unseen.map(({ object }) => object))
  const shown = new Set(seen.filter(({ object }) => !hidden.has(object)))
  for (const text of texts) if (!shown.has(text)) pdfium.library.FPDFPageObj_SetIsActive(text.object, false)
  const objectsOf = (isInvisible: boolean) =>
    new Set([...shown].filter((text) => text.isInvisible === isInvisible).map(({ object }) => object))
  return { painted: objectsOf(false), pictured: objectsOf(true), partial }
}

interface PlacedText extends TextObject {
  readonly share: PageShare
}

function hasInk(pdfium: Pdfium, text: PlacedText, { ink, bitmap }: DrawnPage): boolean {
  const { share } = text
  if (!hasBox(text)) return true
  if (share.right <= 0 || share.left >= 1 || share.bottom <= 0 || share.top >= 1) return false
  const size = bitmap()
  const side = Math.min((share.right - share.left) * size.width, (share.bottom - share.top) * size.height)
  if (isTooSmall(side) && hasTinyType(pdfium, text, size)) return false
  return hasLetters(bitmap(), ink, share, 1)
}

/** Some fonts have no boxes: nothing is known of where their text is. */
function hasBox({ share }: PlacedText): boolean {
  return share.left < share.right && share.top < share.bottom
}

/** A hyphen's box is small, too: the size of the font decides. */
function hasTinyType(
  pdfium: Pdfium,
  { object, bounds, around, share }: PlacedText,
  { height, width }: Bitmap,
): boolean {
  const { library } = pdfium
  using room = pdfium.allocate(4)
  if (!library.FPDFTextObj_GetFontSize(object, room.address)) return false
  const [fontSize = 0] = pdfium.floats(room.address, 1)
  const pixelsPerPoint =
    Math.sqrt((share.right - share.left) * width * (share.bottom - share.top) * height) / Math.sqrt(areaOf(bounds))
  return isTooSmall(fontSize * scaleOf(matrixOf(pdfium, object)) * scaleOf(around) * pixelsPerPoint)
}

/** Whether a stretch of a line has no mark at all. */
function hasGap(marks: Marks, share: PageShare): boolean {
  const { left, top, right, bottom } = share
  const [across, down] = [(right - left) * marks.width, (bottom - top) * marks.height]
  if (across === 0 || down === 0) return false
  const count = Math.floor(Math.max(across, down) / Math.max(1, Math.min(across, down)))
  const pieces = count > GAP_LETTERS ? count : 0
  let empty = 0
  for (let index = 0; index < pieces; index++) {
    const [from, to] = [index / count, (index + 1) / count]
    const piece =
      across >= down
        ? { ...share, left: left + from * (right - left), right: left + to * (right - left) }
        : { ...share, top: top + from * (bottom - top), bottom: top + to * (bottom - top) }
    empty = marksIn(marks, piece) === 'none' ? empty + 1 : 0
    if (empty >= GAP_LETTERS) return true
  }
  // Whatever lies beside the page has no mark either.
  return left < 0 || top < 0 || right > 1 || bottom > 1
}

/** A text that may not be seen, though there is ink where it lies. */
interface DoubtfulText extends PlacedText {
  /** It has the colour of what is around it, or none. */
  readonly isFaint: boolean
}

/** Draws the page again without the text that may not be seen; returns the text that made no difference. */
function drawWithout(
  pdfium: Pdfium,
  page: number,
  texts: readonly PlacedText[],
  drawn: DrawnPage,
  rendering: Rendering,
  partial: Map<number, Marks>,
): DoubtfulText[] {
  const { library } = pdfium
  const { size } = rendering
  return apart(findDoubtful(pdfium, texts, drawn)).flatMap((pass) => {
    const part = partAround(pass, size)
    using before = drawPart(pdfium, page, rendering, part)
    for (const { object } of pass) library.FPDFPageObj_SetIsActive(object, false)
    const differing = differencesOf(pdfium, page, rendering, before)
    const changes = marksOf(differing, part)
    const changing = pass.filter(({ share }) => isChanged(changes, share))
    for (const { object } of changing) library.FPDFPageObj_SetIsActive(object, true)
    const faint = changing.filter(({ isFaint }) => isFaint)
    const crossed = faint.length === 0 ? [] : findCrossed(pdfium, page, faint, { rendering, drawn: before, differing })
    const seen = changing.filter((text) => !crossed.includes(text))
    for (const { object } of seen) partial.set(object, changes)
    // What made no difference is inactive in later passes: of two equal texts at one place, the other one does.
    return pass.filter((text) => !seen.includes(text))
  })
}

/** Draws a part of the page once more, and returns how far it differs now. */
function differencesOf(pdfium: Pdfium, page: number, rendering: Rendering, drawn: DrawnPart): Marks {
  using again = drawPart(pdfium, page, rendering, drawn.part)
  return differences(pdfium, again, drawn, rendering.size)
}

interface Redrawn {
  readonly rendering: Rendering
  readonly drawn: DrawnPart
  readonly differing: Marks
}

/** Of a text's strokes: white text over black lines only cuts them here and there. */
const MIN_SEEN_SHARE = 0.5
/** A colour that differs by a little, as a bit of each channel: every stroke of a text that is seen differs by more. */
const OTHER_COLOUR = 0x20

/**
 * Returns the texts that are seen only where they cross something else, and makes them inactive. In another colour all
 * of a text shows, but for what lies over it.
 */
function findCrossed(
  pdfium: Pdfium,
  page: number,
  texts: readonly DoubtfulText[],
  { rendering, drawn, differing }: Redrawn,
): DoubtfulText[] {
  const { library } = pdfium
  using room = pdfium.allocate(16)
  const recolour = (text: DoubtfulText): Disposable => {
    const { object } = text
    const { read, write } = coloursOf(pdfium, text)
    const { address } = room
    read(object, address, address + 4, address + 8, address + 12)
    const [red = 0, green = 0, blue = 0, alpha = 0] = pdfium.integers(address, 4)
    write(object, red ^ OTHER_COLOUR, green ^ OTHER_COLOUR, blue ^ OTHER_COLOUR, 255)
    return { [Symbol.dispose]: () => write(object, red, green, blue, alpha) }
  }
  let shape: Marks
  {
    using restoring = new DisposableStack()
    for (const text of texts) restoring.use(recolour(text))
    shape = differencesOf(pdfium, page, rendering, drawn)
  }
  const crossed = texts.filter(
    ({ share }) => total(shape, share, differing) < MIN_SEEN_SHARE * total(shape, share, shape),
  )
  for (const { object } of crossed) library.FPDFPageObj_SetIsActive(object, false)
  return crossed
}

function findDoubtful(
  pdfium: Pdfium,
  texts: readonly PlacedText[],
  { bitmap: draw, mayHideLayer: mayHide }: DrawnPage,
): DoubtfulText[] {
  const [bitmap, mayHideLayer] = [draw(), mayHide()]
  const painted = texts.filter((text) => !text.isInvisible && hasBox(text))
  const overlapping = findOverlapping(painted)
  using room = pdfium.allocate(16)
  return painted.flatMap((text) => {
    const isFaint = isNearBackground(pdfium, text, bitmap, room.address)
    const isDoubtful =
      isFaint ||
      text.isCovered ||
      (mayHideLayer && (text.isInForm || isInLayer(pdfium, text.object))) ||
      (overlapping.has(text) && mayBeCut(pdfium, text))
    return isDoubtful ? [{ ...text, isFaint }] : []
  })
}

/** Whether a mask or a clip may leave less of an object than all. */
function mayBeCut(pdfium: Pdfium, { object, bounds, around }: PlacedText): boolean {
  const { library } = pdfium
  if (library.FPDFPageObj_HasTransparency(object)) return true
  if (library.FPDFClipPath_CountPaths(library.FPDFPageObj_GetClipPath(object)) <= 0) return false
  return areaOf(withinClip(pdfium, object, bounds, around)) < MIN_UNCLIPPED * areaOf(bounds)
}

/** Of a text's box: clips are drawn close to the letters. */
const MIN_UNCLIPPED = 0.9

/** `FPDF_TEXTRENDERMODE_…` of fpdf_edit.h. */
const STROKED = [1, 5]
const CLIPS_ONLY = 7

/** Returns how the colour that a text shows is read and written. */
function coloursOf({ library }: Pdfium, { mode }: TextObject) {
  return STROKED.includes(mode)
    ? { read: library.FPDFPageObj_GetStrokeColor, write: library.FPDFPageObj_SetStrokeColor }
    : { read: library.FPDFPageObj_GetFillColor, write: library.FPDFPageObj_SetFillColor }
}

function isNearBackground(pdfium: Pdfium, text: PlacedText, bitmap: Bitmap, address: number): boolean {
  const { object, mode, share } = text
  const { read } = coloursOf(pdfium, text)
  if (mode === CLIPS_ONLY || !read(object, address, address + 4, address + 8, address + 12)) return false
  const [red = 0, green = 0, blue = 0, alpha = 255] = pdfium.integers(address, 4)
  return alpha < MIN_ALPHA || Math.abs(levelOf(red, green, blue) - mainTint(bitmap, share)) < NEAR
}

/** Returns the texts that share half of the smaller one's box with another. */
function findOverlapping(texts: readonly PlacedText[]): Set<PlacedText> {
  const found = new Set<PlacedText>()
  const sorted = texts.toSorted((one, other) => one.share.top - other.share.top)
  for (const [index, one] of sorted.entries())
    for (let next = index + 1; next < sorted.length; next++) {
      const other = sorted[next]!
      if (other.share.top >= one.share.bottom) break
      if (overlap(one, other)) found.add(one).add(other)
    }
  return found
}

function overlap(one: PlacedText, other: PlacedText): boolean {
  // Most texts of a line lie beside each other.
  if (one.bounds.left >= other.bounds.right || one.bounds.right <= other.bounds.left) return false
  const least = Math.min(areaOf(one.bounds), areaOf(other.bounds))
  return areaOf(intersect(one.bounds, other.bounds)) > least / 2
}

/** Sorts texts into passes, so that texts of one pass do not lie upon each other. */
function apart(texts: readonly DoubtfulText[]): DoubtfulText[][] {
  const passes: DoubtfulText[][] = []
  for (const text of texts) {
    const free = passes.find((pass) => pass.every((other) => areaOf(intersect(text.bounds, other.bounds)) === 0))
    if (free !== undefined) free.push(text)
    else if (passes.length < MAX_PASSES) passes.push([text])
    else passes.at(-1)?.push(text)
  }
  return passes
}

function partAround(texts: readonly PlacedText[], size: Rendering['size']): Part {
  const boxes = texts.map(({ share }) => pixelsOf(share, size, 1))
  const left = Math.min(...boxes.map((box) => box.left))
  const top = Math.min(...boxes.map((box) => box.top))
  const width = Math.max(...boxes.map((box) => box.right)) - left
  const height = Math.max(...boxes.map((box) => box.bottom)) - top
  return { left, top, width, height }
}

/** Of the box: a full stop has more. What sticks out from under a bar has less. */
const MIN_CHANGED_SHARE = 0.01

function isChanged(changes: Marks, share: PageShare): boolean {
  const { left, top, right, bottom } = pixelsOf(share, changes)
  return total(changes, share, changes) >= Math.max(2, MIN_CHANGED_SHARE * (right - left) * (bottom - top))
}

/** Adds up the smaller of two values at each pixel of a box. */
function total(one: Marks, share: PageShare, other: Marks): number {
  const { left, top, right, bottom } = pixelsOf(share, one)
  let sum = 0
  for (let y = top; y < bottom; y++)
    for (let at = y * one.width + left, end = y * one.width + right; at < end; at++)
      sum += Math.min(one.pixels[at]!, other.pixels[at]!)
  return sum
}
