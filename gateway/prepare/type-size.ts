import type { PixelBudget } from '../page/target-size.ts'
import { findComponents } from './components.ts'
import type { Bitmap } from './bitmap.ts'
import { readBrightness } from './gray.ts'
import { findInk } from './ink-mask.ts'

/** Returns the height of the smaller letters on a page, in pixels; null when the page has too few letters. */
export function measureTypeSize(bitmap: Bitmap): number | null {
  const heights: number[] = []
  for (const { left, top, right, bottom, area } of findComponents(findInk(readBrightness(bitmap)))) {
    const [width, height] = [right - left + 1, bottom - top + 1]
    // Leaves out dots, dashes, rules and pictures. Wide pieces count: letters of small type touch each other.
    if (height < 3 || area < 6 || height > MAX_HEIGHT || width > 6 * height || height > 8 * width) continue
    heights.push(height)
  }
  if (heights.length < MIN_LETTERS) return null
  return heights.toSorted((a, b) => a - b)[Math.floor(heights.length * SMALL_SHARE)]!
}

const MAX_HEIGHT = 120
const MIN_LETTERS = 40
/**
 * The size is that which a third of the letters have or stay below: notes decide it once they are a third of the page.
 */
const SMALL_SHARE = 0.33

/**
 * In pixels. Small letters of 10-point type are 9 high on an A4 page of 1540 pixels, and 14 at 200 dpi, which models
 * are trained on.
 */
const MIN_LETTER_HEIGHT = 9
const MAX_LETTER_HEIGHT = 14
/** A change of less than a tenth is not worth redrawing the page. */
const MIN_CHANGE = 0.1
const MIN_SCALE = 0.5
const MAX_SCALE = 2

/**
 * Returns the factor by which to redraw a page so that its type has the size that models are trained on; 1 to leave it
 * as it is. Never exceeds the budget, nor `largest`, beyond which a scan has no more pixels.
 */
export function chooseScale(bitmap: Bitmap, budget: PixelBudget, largest = Infinity): number {
  const { width, height } = bitmap
  const size = measureTypeSize(bitmap)
  if (size === null) return 1
  const wanted = Math.min(MAX_LETTER_HEIGHT, Math.max(MIN_LETTER_HEIGHT, size)) / size
  const edge = budget.longestEdge === undefined ? Infinity : budget.longestEdge / Math.max(width, height)
  const most = Math.min(MAX_SCALE, largest, edge, Math.sqrt(budget.maxPixels / (width * height)))
  const scale = Math.min(most, Math.max(MIN_SCALE, wanted))
  return Math.abs(scale - 1) < MIN_CHANGE ? 1 : scale
}
