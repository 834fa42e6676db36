import type { Bitmap } from './bitmap.ts'
import { findInkReduced } from './ink-mask.ts'
import type { InkMask } from './ink-mask.ts'
import { linesSlope } from './lines-of-letters.ts'
import type { Direction } from './lines-of-letters.ts'
import { holdEdges } from './pixels.ts'

/** How a page's lines slope. */
export interface Skew {
  /** By how far the page is turned clockwise, −15 to 15: level lines descend to the right when it is positive. */
  readonly degrees: number
  /** 0 to 1: how much sharper the profile is at this angle than at others. Text has more than 0.6. */
  readonly confidence: number
}

/** A smaller skew is hardly seen: nothing is done about it. */
export const MIN_SKEW_DEGREES = 0.3

/** From this confidence on a skew is reported, and corrected. */
export const SURE_SKEW = 0.6

/**
 * Measures the skew of a page by its lines or, on pages that are written from top to bottom or lie on a side, by its
 * columns. A skew that the letters of fewer than three lines show has no confidence. Pass `found` where the ink has
 * been found already. A skew that is not sure, or less than `least` degrees, is only known to be that.
 */
export function measureSkew(bitmap: Bitmap, found = findInkReduced(bitmap), least = 0): Skew {
  const { rough, direction } = roughSkew(found)
  if (least > 0 && (rough.confidence < SURE_SKEW || Math.abs(rough.degrees) + COARSE_STEP <= least)) return rough
  const skew = refined(rough, found, direction)
  const isSlight = Math.abs(skew.degrees) < MIN_SKEW_DEGREES || skew.confidence === 0
  return isSlight || linesSlope(found, skew.degrees, direction) ? skew : { ...skew, confidence: 0 }
}

/** From this confidence on, the lines need no comparison with the columns. */
const CLEAR = 0.85

function roughSkew(found: InkMask): { readonly rough: Skew; readonly direction: Direction } {
  const lines = roughSkewBy(found, 'lines')
  if (lines.confidence >= CLEAR) return { rough: lines, direction: 'lines' }
  const columns = roughSkewBy(found, 'columns')
  return columns.confidence > lines.confidence
    ? { rough: columns, direction: 'columns' }
    : { rough: lines, direction: 'lines' }
}

/** Measures the skew by the lower edges of level lines, or by the left edges of upright columns. */
export function skewBy(found: InkMask, direction: Direction): Skew {
  return refined(roughSkewBy(found, direction), found, direction)
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
 * Finds the angle at which the edges fall together on the fewest lines: where their projection profile varies most
 * from row to row (the differential square sum of D. S. Bloomberg, G. E. Kopec and L. Dasari, "Measuring document image
 * skew and orientation", SPIE 2422, 1995, after W. Postl's patent US 4,723,297).
 */
function roughSkewBy(found: InkMask, direction: Direction): Skew {
  const edges = holdEdges(found, direction)
  if (edges.count < MIN_POINTS) return { degrees: 0, confidence: 0 }
  const profile = edges.profile(Math.ceil(edges.count / COARSE_POINTS))
  const coarse = sweep(-MAX_DEGREES, MAX_DEGREES, COARSE_STEP, profile)
  const peak = highest(coarse)
  const usual = coarse.map(({ score }) => score).toSorted((a, b) => a - b)[coarse.length >> 1]!
  // At the end of the range the true angle may lie outside of it.
  const isInside = Math.abs(peak.degrees) < MAX_DEGREES
  const confidence = isInside ? (1 - usual / peak.score) * Math.min(1, edges.count / ENOUGH_POINTS) : 0
  return { degrees: clockwise(peak.degrees, direction), confidence }
}

/** Measures a skew that is known to half a degree. */
function refined({ degrees: rough, confidence }: Skew, found: InkMask, direction: Direction): Skew {
  const edges = holdEdges(found, direction)
  if (edges.count < MIN_POINTS) return { degrees: 0, confidence }
  const peak = clockwise(rough, direction)
  const degrees = summit(sweep(peak - COARSE_STEP, peak + COARSE_STEP, FINE_STEP, edges.profile(1)))
  return { degrees: clockwise(Math.round(degrees * 100) / 100, direction), confidence }
}

/** A page turned clockwise has lines that descend to the right, and columns that drift to the left. */
function clockwise(degrees: number, direction: Direction): number {
  return direction === 'lines' || degrees === 0 ? degrees : -degrees
}

/** How sharp the profile is at an angle. */
interface Sample {
  readonly degrees: number
  readonly score: number
}

function sweep(from: number, to: number, step: number, profile: (slope: number) => number): Sample[] {
  return Array.from({ length: Math.round((to - from) / step) + 1 }, (_, index) => {
    const degrees = from + index * step
    return { degrees, score: profile(Math.tan((degrees * Math.PI) / 180)) }
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
