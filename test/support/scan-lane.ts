import assert from 'node:assert/strict'
import sharp from 'sharp'
import { targetSize } from '../../gateway/page/target-size.ts'
import type { Bitmap } from '../../gateway/prepare/bitmap.ts'
import { openPdf, type PdfRasterizer } from '../../gateway/rasterizer/open-pdf.ts'

/** How a page of a PDF is drawn for a comparison. */
export interface Drawing {
  readonly page?: number
  readonly longestEdge?: number
  readonly maxImagePixels?: number
}

/** Draws a page of a PDF. */
export async function drawBy(
  rasterizer: PdfRasterizer,
  bytes: Uint8Array,
  { page = 1, longestEdge = 1540, maxImagePixels = 1e8 }: Drawing = {},
) {
  await using pdf = await openPdf(bytes, rasterizer, { password: null, maxImagePixels, maxMemoryBytes: 1e9 })
  return await pdf.draw(
    page,
    (size) => targetSize(size, { longestEdge, maxPixels: 1e7 }),
    () => false,
  )
}

/** Checks that a scan comes out as pdf.js draws it, and not a pixel beside. */
export async function assertDrawnAsByPdfjs(bytes: Uint8Array, page = 1): Promise<void> {
  const [lane, drawn] = [await drawBy('auto', bytes, { page }), await drawBy('pdfjs', bytes, { page })]
  assert.equal(lane.rasterizer, 'scan')
  const [here = 255, ...shifted] = await Promise.all(
    [
      [0, 0],
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ].map(([x = 0, y = 0]) => difference(lane.bitmap, drawn.bitmap, x, y)),
  )
  assert.ok(here < 5, `${here} of 255 off`)
  assert.ok(here < Math.min(...shifted) * 0.8, `${here} off, and ${shifted.join(', ')} one pixel beside`)
}

/** How far two drawings are apart on average, the second moved by a pixel or not at all. */
export async function difference(one: Bitmap, other: Bitmap, right = 0, down = 0): Promise<number> {
  assert.deepEqual([one.width, one.height], [other.width, other.height])
  const [a, b] = [await grayOf(one), await grayOf(other)]
  let sum = 0
  let count = 0
  for (let y = 1; y < one.height - 1; y++) {
    for (let x = 1; x < one.width - 1; x++, count++) {
      sum += Math.abs((a[y * one.width + x] ?? 0) - (b[(y + down) * one.width + x + right] ?? 0))
    }
  }
  return sum / count
}

/** Returns a drawing's pixels as gray, one byte each. */
export async function grayOf({ pixels, width, height, channels }: Bitmap): Promise<Uint8Array> {
  if (channels === 1) return pixels
  return sharp(pixels, { raw: { width, height, channels } }).removeAlpha().toColourspace('b-w').raw().toBuffer()
}
