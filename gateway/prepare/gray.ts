import type { Bitmap } from './bitmap.ts'

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
export function readBrightness({ pixels, width, height, channels }: Bitmap, factor = 1): GrayImage {
  if (factor === 1 && channels === 1) return { pixels, width, height }
  const gray = channels === 1 ? pixels : lumaOf(pixels, channels)
  return factor === 1 ? { pixels: gray, width, height } : shrink({ pixels: gray, width, height }, factor)
}

/** Weights of ITU-R BT.601, in 256ths. */
function lumaOf(pixels: Uint8Array, channels: number): Uint8Array {
  const gray = new Uint8Array(pixels.length / channels)
  for (let pixel = 0, at = 0; pixel < gray.length; pixel++, at += channels)
    gray[pixel] = (pixels[at]! * 77 + pixels[at + 1]! * 150 + pixels[at + 2]! * 29) >> 8
  return gray
}

function shrink({ pixels, width, height }: GrayImage, factor: number): GrayImage {
  const [across, down] = [Math.max(1, Math.floor(width / factor)), Math.max(1, Math.floor(height / factor))]
  const [cellWidth, cellHeight] = [Math.min(factor, width), Math.min(factor, height)]
  const small = new Uint8Array(across * down)
  const sums = new Uint32Array(across)
  const scale = 1 / (cellWidth * cellHeight)
  for (let y = 0; y < down; y++) {
    sums.fill(0)
    for (let row = 0; row < cellHeight; row++) addRow(sums, pixels, (y * factor + row) * width, cellWidth)
    for (let x = 0, at = y * across; x < across; x++, at++) small[at] = sums[x]! * scale + 0.5
  }
  return { pixels: small, width: across, height: down }
}

/**
 * Adds each run of `run` pixels of a row to its cell. A run of two is by far the most common; unrolled, it is a third
 * faster.
 */
function addRow(sums: Uint32Array, pixels: Uint8Array, start: number, run: number): void {
  if (run === 2) {
    for (let x = 0, at = start; x < sums.length; x++, at += 2) sums[x]! += pixels[at]! + pixels[at + 1]!
    return
  }
  for (let x = 0, at = start; x < sums.length; x++, at += run)
    for (let offset = 0; offset < run; offset++) sums[x]! += pixels[at + offset]!
}
