import type { Bitmap } from './bitmap.ts'
import { findInkReduced } from './ink-mask.ts'
import type { InkMask } from './ink-mask.ts'
import { linesSlope } from './lines-of-letters.ts'
import type { Direction } from './lines-of-letters.ts'

/** How a page's lines slope. */
export interface Skew {
  /** By how far the page is turned clockwise, −15 to 15: level lines descend to the right when it is positive. */
  readonly degrees: number
  /** 0 to 1: how much sharper the profile is at this angle than at others. Text has more than 0.6. */
  readonly confidence: number
}

/** A smaller skew is hardly seen: nothing is done about it. */
export const MIN_SKEW_DEGREES = 0.3

/**
 * Measures the skew of a page by its lines or, on pages that are written from top to bottom or lie on a side, by its
 * columns. A skew that the letters of fewer than three lines show has no confidence. Pass `found` where the ink has
 * been found already.
 */
export function measureSkew(bitmap: Bitmap, found = findInkReduced(bitmap)): Skew {
  const lines = skewOfLines(found)
  if (lines.confidence >= CLEAR) return confirmed(lines, found, 'lines')
  const columns = skewOfColumns(found)
  return columns.confidence > lines.confidence ? confirmed(columns, found, 'columns') : confirmed(lines, found, 'lines')
}

function confirmed(skew: Skew, found: InkMask, direction: Direction): Skew {
  const isSlight = Math.abs(skew.degrees) < MIN_SKEW_DEGREES || skew.confidence === 0
  return isSlight || linesSlope(found, skew.degrees, direction) ? skew : { ...skew, confidence: 0 }
}

/** From this confidence on, the lines need no comparison with the columns. */
const CLEAR = 0.85

/** Measures the skew by the lower edges of level lines. */
export function skewOfLines({ pixels, width, height }: InkMask): Skew {
  const points: Points = { along: [], across: [], length: width, breadth: height }
  for (let y = 0; y < height - 1; y++)
    for (let x = 0, at = y * width; x < width; x++, at++)
      if (pixels[at] === 1 && pixels[at + width] === 0) add(points, x, y)
  return skewOf(points)
}

/** Measures the skew by the left edges of upright columns. */
export function skewOfColumns({ pixels, width, height }: InkMask): Skew {
  const points: Points = { along: [], across: [], length: height, breadth: width }
  for (let y = 0; y < height; y++)
    for (let x = 1, at = y * width + 1; x < width; x++, at++)
      if (pixels[at] === 1 && pixels[at - 1] === 0) add(points, y, x)
  const { degrees, confidence } = skewOf(points)
  // A page turned clockwise has lines that descend to the right, and columns that drift to the left.
  return { degrees: degrees === 0 ? 0 : -degrees, confidence }
}

/** Edge pixels, by their place along the lines and across them, in pixels. */
interface Points {
  readonly along: number[]
  readonly across: number[]
  readonly length: number
  readonly breadth: number
}

function add({ along, across }: Points, x: number, y: number): void {
  along.push(x)
  across.push(y)
}

const MAX_DEGREES = 15
const COARSE_STEP = 0.5
const FINE_STEP = 0.05
/** The whole range is searched with so many of the points, and the best angle's surroundings with all of them. */
const COARSE_POINTS = 12_000
const MIN_POINTS = 60
/** With fewer points than this, two lines of type, the confidence is reduced in proportion. */
const ENOUGH_POINTS = 400

/**
 * Finds the angle at which the points fall together on the fewest lines: where their projection profile varies most
 * from row to row (the differential square sum of D. S. Bloomberg, G. E. Kopec and L. Dasari, "Measuring document image
 * skew and orientation", SPIE 2422, 1995, after W. Postl's patent US 4,723,297).
 */
function skewOf(points: Points): Skew {
  if (points.along.length < MIN_POINTS) return { degrees: 0, confidence: 0 }
  const stride = Math.ceil(points.along.length / COARSE_POINTS)
  const coarse = sweep(-MAX_DEGREES, MAX_DEGREES, COARSE_STEP, (degrees) => sharpness(points, degrees, stride))
  const peak = highest(coarse)
  const around = [peak.degrees - COARSE_STEP, peak.degrees + COARSE_STEP] as const
  const degrees = summit(sweep(...around, FINE_STEP, (angle) => sharpness(points, angle, 1)))
  const usual = coarse.map(({ score }) => score).toSorted((a, b) => a - b)[coarse.length >> 1]!
  // At the end of the range the true angle may lie outside of it.
  const isInside = Math.abs(peak.degrees) < MAX_DEGREES
  const confidence = isInside ? (1 - usual / peak.score) * Math.min(1, points.along.length / ENOUGH_POINTS) : 0
  return { degrees: Math.round(degrees * 100) / 100, confidence }
}

/** How sharp the profile is at an angle. */
interface Sample {
  readonly degrees: number
  readonly score: number
}

function sweep(from: number, to: number, step: number, score: (degrees: number) => number): Sample[] {
  return Array.from({ length: Math.round((to - from) / step) + 1 }, (_, index) => {
    const degrees = from + index * step
    return { degrees, score: score(degrees) }
  })
}

function highest(samples: readonly Sample[]): Sample {
  return samples.reduce((best, sample) => (sample.score > best.score ? sample : best))
}

/**
 * Returns the middle of the summit: short lines fit a range of angles equally well, and the highest score is chance.
 */
function summit(samples: readonly Sample[]): number {
  const { score: peak } = highest(samples)
  let [weights, sum] = [0, 0]
  for (const { degrees, score } of samples) {
    const weight = Math.max(0, score / peak - SUMMIT)
    weights += weight
    sum += weight * degrees
  }
  return sum / weights
}

/** The share of the peak from which on a score belongs to the summit. */
const SUMMIT = 0.8

function sharpness({ along, across, length, breadth }: Points, degrees: number, stride: number): number {
  const slope = Math.tan((degrees * Math.PI) / 180)
  const reach = Math.ceil(Math.abs(slope) * length)
  const rows = new Float64Array(breadth + 2 * reach + 2)
  const offset = (slope > 0 ? reach : 0) + 0.5
  for (let index = 0; index < along.length; index += stride) {
    const place = across[index]! - along[index]! * slope + offset
    rows[place | 0]!++
  }
  let sum = 0
  for (let row = 1; row < rows.length; row++) sum += (rows[row]! - rows[row - 1]!) ** 2
  return sum
}
