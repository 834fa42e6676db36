import type { Marks } from '../../prepare/ink-in-box.ts'
import type { Pdfium } from './module.ts'
import { type Part, renderInto, type Rendering } from './render.ts'

/** In levels of a channel: smoothing differs by less. */
const MIN_CHANGE = 10

/** Draws a part of a page, as blue, green, red and a byte more. The same part of the same page is the same every time. */
export function drawPart(pdfium: Pdfium, page: number, rendering: Rendering, part: Part): Uint8Array {
  const length = part.width * part.height * 4
  using room = pdfium.allocate(length)
  renderInto(pdfium, page, rendering, part, room.address)
  return pdfium.bytes(room.address, length).slice()
}

/** Returns how far two drawings of a part differ at each pixel of the page, in levels of a channel. */
export function differences(
  one: Uint8Array,
  other: Uint8Array,
  part: Part,
  { width, height }: Rendering['size'],
): Marks {
  const pixels = new Uint8Array(width * height)
  for (let y = 0, from = 0; y < part.height; y++)
    for (let x = 0; x < part.width; x++, from += 4)
      pixels[(y + part.top) * width + x + part.left] = Math.max(
        Math.abs(one[from]! - other[from]!),
        Math.abs(one[from + 1]! - other[from + 1]!),
        Math.abs(one[from + 2]! - other[from + 2]!),
      )
  return { pixels, width, height }
}

/** Marks the pixels that differ by more than smoothing does. */
export function marksOf({ pixels, ...size }: Marks): Marks {
  return { ...size, pixels: pixels.map((difference) => (difference > MIN_CHANGE ? 1 : 0)) }
}

/** Whether the page would look different without an object. */
export function isSeen(pdfium: Pdfium, page: number, object: number, rendering: Rendering): boolean {
  const part = { left: 0, top: 0, ...rendering.size }
  const drawn = drawPart(pdfium, page, rendering, part)
  pdfium.library.FPDFPageObj_SetIsActive(object, false)
  const without = drawPart(pdfium, page, rendering, part)
  pdfium.library.FPDFPageObj_SetIsActive(object, true)
  return differences(drawn, without, part, rendering.size).pixels.some((difference) => difference > MIN_CHANGE)
}
