import type { PixelBudget } from '../page/target-size.ts'
import { takeComponents } from './components.ts'
import type { Bitmap } from './bitmap.ts'
import { readBrightness } from './gray.ts'
import { findInk } from './ink-mask.ts'

/** Height of the smaller letters on a page, in pixels; null when it has too few letters to tell. */
export function measureTypeSize(bitmap: Bitmap): number | null {
  const heights: number[] = []
  for (const { left, top, right, bottom, area } of takeComponents(findInk(readBrightness(bitmap)))) {
    const [width, height] = [right - left + 1, bottom - top + 1]
    // Dots and dashes, rules, and what is no letter at all; letters of small type run into each other.
    if (height < 3 || area < 6 || height > MOST_HEIGHT || width > 6 * height || height > 8 * width) continue
    heights.push(height)
  }
  if (heights.length < LEAST_LETTERS) return null
  return heights.toSorted((a, b) => a - b)[Math.floor(heights.length * SMALL_SHARE)]!
}

const MOST_HEIGHT = 120
const LEAST_LETTERS = 40
/** A third of the letters are as small or smaller: the notes count as soon as there are as many of them. */
const SMALL_SHARE = 0.33

/** Small letters of 10-point type are 9 pixels high on an A4 page of 1540 pixels, and 14 at 200 dpi, which models are trained on. */
const SMALLEST = 9
const LARGEST = 14
/** Redrawing for less than a tenth is not worth it. */
const LEAST_CHANGE = 0.1
const MOST_SHRINKING = 0.5
const MOST_GROWTH = 2

/**
 * Returns the factor by which a page should be drawn larger or smaller than it was, for its type to be as large as the
 * models are used to; 1 to leave it. Never passes the budget, and never `largest`: what a scan has no more pixels for.
 */
export function chooseScale(bitmap: Bitmap, budget: PixelBudget, largest = Infinity): number {
  const { width, height } = bitmap
  const size = measureTypeSize(bitmap)
  if (size === null) return 1
  const wanted = Math.min(LARGEST, Math.max(SMALLEST, size)) / size
  const edge = budget.longestEdge === undefined ? Infinity : budget.longestEdge / Math.max(width, height)
  const most = Math.min(MOST_GROWTH, largest, edge, Math.sqrt(budget.maxPixels / (width * height)))
  const scale = Math.min(most, Math.max(MOST_SHRINKING, wanted))
  return Math.abs(scale - 1) < LEAST_CHANGE ? 1 : scale
}
