import type { GrayImage } from './gray.ts'

/** Where a page has ink: 1 for pixels that stand out from the paper around them, be they darker or lighter. */
export interface InkMask {
  readonly pixels: Uint8Array
  readonly width: number
  readonly height: number
  /** How far a pixel must stand out from the paper to be ink, in gray levels: more on noisy pages. */
  readonly threshold: number
}

/** Side of the squares within which paper counts as one tint, in pixels. */
const SQUARE = 32
/** Brightness this near to the page's most frequent one is paper in a different light, not ink. */
const PAPER_RANGE = 48
/** Text of 7 % gray on white, its strokes thinned by half, still stands out this far. */
const LEAST_CONTRAST = 14
const MOST_CONTRAST = 44
/** One pixel in a million of pure noise stands out further than so many standard deviations. */
const NOISE_FACTOR = 5

/** Finds the ink of a page against its paper, tinted, shadowed or noisy as that may be. */
export function findInk(image: GrayImage): InkMask {
  const { pixels, width, height } = image
  const threshold = Math.min(MOST_CONTRAST, Math.max(LEAST_CONTRAST, NOISE_FACTOR * noiseOf(image)))
  const paper = paperOf(image)
  const across = Math.ceil(width / SQUARE)
  const mask = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    const squares = Math.floor(y / SQUARE) * across
    for (let square = 0, at = y * width; square < across; square++) {
      const level = paper[squares + square]!
      const [least, most] = [level - threshold, level + threshold]
      for (const end = y * width + Math.min(width, (square + 1) * SQUARE); at < end; at++) {
        const value = pixels[at]!
        if (value < least || value > most) mask[at] = 1
      }
    }
  }
  return { pixels: mask, width, height, threshold }
}

/**
 * Standard deviation of the paper's noise, from the median difference between pixels two apart: most pixels of even the
 * densest page have paper beside them, so that text does not count as noise, and gradients hardly.
 */
function noiseOf({ pixels, width, height }: GrayImage): number {
  const counts = new Uint32Array(256)
  let total = 0
  for (let y = 0; y < height; y += 3)
    for (let at = y * width, end = at + width - 2; at < end; at += 3, total++)
      counts[Math.abs(pixels[at]! - pixels[at + 2]!)]!++
  let seen = 0
  let median = 0
  while (median < 255 && (seen += counts[median]!) < total / 2) median++
  // The median of |a − b| for normal a and b is 0.6745 √2 σ. Below one level it cannot be told from none.
  return median / (0.6745 * Math.SQRT2)
}

/** Paper's brightness, square by square: the mean of what is near the page's paper, which is its most frequent tint. */
function paperOf(image: GrayImage): Float32Array {
  const { pixels, width, height } = image
  const page = mostFrequent(image)
  const across = Math.ceil(width / SQUARE)
  const paper = new Float32Array(across * Math.ceil(height / SQUARE))
  for (let square = 0; square < paper.length; square++) {
    const [left, top] = [(square % across) * SQUARE, Math.floor(square / across) * SQUARE]
    const [right, bottom] = [Math.min(width, left + SQUARE), Math.min(height, top + SQUARE)]
    let [sum, near, seen] = [0, 0, 0]
    for (let y = top; y < bottom; y += 2)
      for (let at = y * width + left, end = y * width + right; at < end; at += 2, seen++) {
        const value = pixels[at]!
        if (Math.abs(value - page) > PAPER_RANGE) continue
        sum += value
        near++
      }
    paper[square] = near * 4 > seen ? sum / near : page
  }
  return paper
}

/** Half the width of the window of gray levels that count as one tint. */
const TINT = 6

function mostFrequent({ pixels, width, height }: GrayImage): number {
  const counts = new Uint32Array(256 + 2 * TINT)
  for (let y = 0; y < height; y += 2) for (let at = y * width, end = at + width; at < end; at += 2) counts[pixels[at]! + TINT]!++
  let [best, most, mass] = [255, -1, 0]
  for (let high = 0; high < counts.length; high++) {
    mass += counts[high]! - (counts[high - 2 * TINT - 1] ?? 0)
    const level = high - 2 * TINT
    if (level < 0 || mass < most) continue
    ;[best, most] = [level, mass]
  }
  return best
}
