import type { Marks } from '../../prepare/ink-in-box.ts'
import { OBJECT_IMAGE } from './content.ts'
import type { Pdfium } from './module.ts'
import type { Pixels } from './pixels.ts'
import { type Part, renderInto, type Rendering } from './render.ts'

/** In levels of a channel: smoothing differs by less. */
export const MIN_CHANGE = 10
/** Of the page: so much is like an object that was painted beneath others only where they leave it. */
const MIN_SHOWN = 0.01

/** A part of a page that was drawn, in PDFium's memory. */
export interface DrawnPart extends Disposable {
  readonly part: Part
  readonly pixels: Pixels
}

/** Draws a part of a page. The same part of the same page is the same every time. */
export function drawPart(pdfium: Pdfium, page: number, rendering: Rendering, part: Part): DrawnPart {
  using releasing = new DisposableStack()
  const count = part.width * part.height
  const { address } = releasing.use(pdfium.allocatePixels(count))
  renderInto(pdfium, page, rendering, part, address)
  const held = releasing.move()
  return { part, pixels: { address, count }, [Symbol.dispose]: () => held.dispose() }
}

/**
 * Returns how far two drawings of a part differ at each pixel of the page, in levels of a channel. The first one is
 * overwritten.
 */
export function differences(
  pdfium: Pdfium,
  { part, pixels: one }: DrawnPart,
  { pixels: other }: DrawnPart,
  { width, height }: Rendering['size'],
): Marks {
  pdfium.pixels.differences(one, other)
  const found = pdfium.bytes(one.address, one.count)
  const pixels = new Uint8Array(width * height)
  for (let y = 0; y < part.height; y++)
    pixels.set(found.subarray(y * part.width, (y + 1) * part.width), (y + part.top) * width + part.left)
  return { pixels, width, height }
}

/** Marks the pixels that differ by more than smoothing does; outside of the part none does. */
export function marksOf({ pixels, width, height }: Marks, part: Part): Marks {
  const marks = new Uint8Array(pixels.length)
  for (let y = part.top; y < part.top + part.height; y++)
    for (let at = y * width + part.left, end = at + part.width; at < end; at++)
      if (pixels[at]! > MIN_CHANGE) marks[at] = 1
  return { pixels: marks, width, height }
}

/**
 * Whether a page would look different without an object; `drawn` is the page as it was drawn. Images above the object may
 * take long to draw: what it leaves on the page without them mostly tells.
 */
export function isSeen(pdfium: Pdfium, page: number, object: number, rendering: Rendering, drawn: Pixels): boolean {
  const above = objectsAbove(pdfium, page, object)
  const hasImages = above.some((other) => pdfium.library.FPDFPageObj_GetType(other) === OBJECT_IMAGE)
  const sure = hasImages ? isSeenBeneath(pdfium, page, object, above, rendering, drawn) : null
  if (sure !== null) return sure
  using without = drawWithoutObjects(pdfium, page, [object], rendering)
  pdfium.pixels.differences(without.pixels, drawn)
  const found = pdfium.bytes(without.pixels.address, drawn.count)
  for (let at = 0; at < found.length; at++) if (found[at]! > MIN_CHANGE) return true
  return false
}

/**
 * Draws only what lies beneath an object, with and without it. Where that makes no difference it is not seen; where it
 * does, and much of the page is still like that, it is. Null where neither can be said.
 */
function isSeenBeneath(
  pdfium: Pdfium,
  page: number,
  object: number,
  above: readonly number[],
  rendering: Rendering,
  drawn: Pixels,
): boolean | null {
  const beneath: Rendering = { ...rendering, form: 0, showsAnnotations: false }
  using painted = drawWithoutObjects(pdfium, page, above, beneath)
  using bare = drawWithoutObjects(pdfium, page, [object, ...above], beneath)
  pdfium.pixels.differences(bare.pixels, painted.pixels)
  pdfium.pixels.differences(painted.pixels, drawn)
  const changes = pdfium.bytes(bare.pixels.address, drawn.count)
  const covers = pdfium.bytes(painted.pixels.address, drawn.count)
  let [hasChange, shown] = [false, 0]
  for (let at = 0; at < changes.length; at++) {
    if (changes[at] === 0) continue
    hasChange = true
    if (changes[at]! > MIN_CHANGE && covers[at] === 0 && ++shown > MIN_SHOWN * changes.length) return true
  }
  return hasChange ? null : false
}

function drawWithoutObjects(pdfium: Pdfium, page: number, objects: readonly number[], rendering: Rendering): DrawnPart {
  const { library } = pdfium
  for (const object of objects) library.FPDFPageObj_SetIsActive(object, false)
  const drawn = drawPart(pdfium, page, rendering, { left: 0, top: 0, ...rendering.size })
  for (const object of objects) library.FPDFPageObj_SetIsActive(object, true)
  return drawn
}

/** Returns the page's objects that are painted after one of them. */
function objectsAbove({ library }: Pdfium, page: number, object: number): number[] {
  const all = Array.from({ length: library.FPDFPage_CountObjects(page) }, (_, index) =>
    library.FPDFPage_GetObject(page, index),
  )
  return all.slice(all.indexOf(object) + 1)
}
