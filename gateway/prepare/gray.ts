import type { Bitmap } from './bitmap.ts'
import { holdImage } from './pixels.ts'

/** Brightness alone: one byte per pixel, rows from the top, 0 is black. */
export interface GrayImage {
  readonly pixels: Uint8Array
  readonly width: number
  readonly height: number
}

/**
 * Returns a page's brightness with every side divided by a whole `factor`; each pixel is the mean of those it stands
 * for, so that noise fades and thin strokes stay. Rows and columns that do not fill a pixel are left out.
 */
export function readBrightness(bitmap: Bitmap, factor = 1): GrayImage {
  const { pixels, width, height, channels } = bitmap
  if (factor === 1 && channels === 1) return { pixels, width, height }
  const held = holdImage(bitmap, factor)
  return { pixels: held.pixels(), width: held.width, height: held.height }
}
