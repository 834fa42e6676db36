import type { Marks } from '../../prepare/ink-in-box.ts'
import type { Pdfium } from './module.ts'
import type { Pixels } from './pixels.ts'
import { type Part, renderInto, type Rendering } from './render.ts'

/** In levels of a channel: smoothing differs by less. */
const MIN_CHANGE = 10

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

/** Whether a page would look different without an object; `drawn` is the page as it was drawn. */
export function isSeen(pdfium: Pdfium, page: number, object: number, rendering: Rendering, drawn: Pixels): boolean {
  const { library } = pdfium
  library.FPDFPageObj_SetIsActive(object, false)
  using without = drawPart(pdfium, page, rendering, { left: 0, top: 0, ...rendering.size })
  library.FPDFPageObj_SetIsActive(object, true)
  pdfium.pixels.differences(without.pixels, drawn)
  const found = pdfium.bytes(without.pixels.address, drawn.count)
  for (let at = 0; at < found.length; at++) if (found[at]! > MIN_CHANGE) return true
  return false
}
