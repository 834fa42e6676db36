import type { Bitmap } from './bitmap.ts'
import type { GrayImage } from './gray.ts'
import { findPaper } from './paper.ts'
import type { Paper } from './paper.ts'
import { holdImage, SQUARE, type HeldImage } from './pixels.ts'

/** Where a page has ink: 1 for each pixel that is darker or lighter than the paper around it. */
export interface InkMask {
  readonly pixels: Uint8Array
  readonly width: number
  readonly height: number
  /** How much a pixel must differ from the paper to be ink, in gray levels: more on noisy pages. */
  readonly threshold: number
}

/** Text of 7 % gray on white differs from the paper by this much, even with its strokes thinned by half. */
const MIN_CONTRAST = 14
const MAX_CONTRAST = 44
/** In standard deviations. Of pure noise, one pixel in a million differs by more. */
const NOISE_FACTOR = 5

/** Finds a page's ink at a reduced size, about half: that halves the noise, and a stroke of one pixel still shows. */
export function findInkReduced(bitmap: Bitmap): InkMask {
  const factor = Math.round(Math.max(bitmap.width, bitmap.height) / 800)
  return findHeldInk(holdImage(bitmap, Math.min(4, Math.max(1, factor))))
}

/** Finds the ink of a page. The paper may be tinted, shadowed or noisy. */
export function findInk(image: GrayImage): InkMask {
  return findHeldInk(holdImage({ ...image, channels: 1 }))
}

function findHeldInk(image: HeldImage): InkMask {
  const { width, height } = image
  const threshold = Math.min(MAX_CONTRAST, Math.max(MIN_CONTRAST, NOISE_FACTOR * noiseOf(image)))
  const paper = findPaper(image)
  return { pixels: image.mark((y, row) => levelRow(paper, y, row), threshold), width, height, threshold }
}

/** Writes the paper's brightness along a row of pixels, interpolated linearly between the middles of the squares. */
function levelRow({ levels, across, down }: Paper, y: number, row: Float32Array): void {
  const place = Math.max(0, Math.min(down - 1, (y + 0.5) / SQUARE - 0.5))
  const upper = Math.floor(place) * across
  const lower = Math.min(down - 1, Math.floor(place) + 1) * across
  const share = place - Math.floor(place)
  for (let x = 0; x < across; x++) row[x] = levels[upper + x]! * (1 - share) + levels[lower + x]! * share
  row[across] = row[across - 1]!
}

/**
 * Estimates the standard deviation of the paper's noise from the median difference between pixels two apart. Even on
 * the densest page most pixels have paper beside them, so that text does not count as noise, and gradients hardly do.
 */
function noiseOf(image: HeldImage): number {
  const { counts, total } = image.countDifferences()
  let seen = 0
  let median = 0
  while (median < 255 && (seen += counts[median]!) < total / 2) median++
  // The median of |a − b| for normal a and b is 0.6745 √2 σ. Noise below one gray level reads as none.
  return median / (0.6745 * Math.SQRT2)
}
