import { SQUARE, type HeldImage } from './pixels.ts'

/** The brightness of a page's paper, at the middle of each square of `SQUARE` pixels, row by row. */
export interface Paper {
  readonly levels: Float32Array
  readonly across: number
  readonly down: number
}

/** In gray levels. What differs from the paper beside it by less is paper in a different light, not ink. */
const PAPER_RANGE = 48
/** The share of a square that must be paper for its brightness to be known. */
const MIN_SHARE = 1 / 4

/**
 * Finds the paper of a page: it begins with what is near the most frequent tint, and from there follows gradual
 * changes, such as shadows. A square that is covered with ink takes its paper from the nearest square.
 */
export function findPaper(image: HeldImage): Paper {
  const [across, down] = [Math.ceil(image.width / SQUARE), Math.ceil(image.height / SQUARE)]
  const levels = new Float32Array(across * down).fill(NaN)
  const page = mostFrequent(image)
  const known: number[] = []
  for (let square = 0; square < levels.length; square++) {
    const level = levelOf(image, square, across, page)
    if (level === null) continue
    levels[square] = level
    known.push(square)
  }
  if (known.length === 0) levels.fill(page)
  // `known` grows while it is read: brightness spreads from the squares that are known, nearest first.
  for (const square of known)
    for (const next of neighbours(square, across, down)) {
      if (!Number.isNaN(levels[next])) continue
      levels[next] = levelOf(image, next, across, levels[square]!) ?? levels[square]!
      known.push(next)
    }
  return { levels, across, down }
}

/**
 * Returns the mean of a square's pixels that are near the expected brightness; null when these are too few to be paper.
 */
function levelOf(image: HeldImage, square: number, across: number, expected: number): number | null {
  const [left, top] = [(square % across) * SQUARE, Math.floor(square / across) * SQUARE]
  const [right, bottom] = [Math.min(image.width, left + SQUARE), Math.min(image.height, top + SQUARE)]
  const [least, most] = [Math.ceil(expected - PAPER_RANGE), Math.floor(expected + PAPER_RANGE)]
  const { sum, near } = image.sumNear({ left, top, right, bottom }, least, most)
  const seen = Math.ceil((right - left) / 2) * Math.ceil((bottom - top) / 2)
  return near > seen * MIN_SHARE ? sum / near : null
}

function* neighbours(square: number, across: number, down: number): Generator<number, void, undefined> {
  const [x, y] = [square % across, Math.floor(square / across)]
  if (x > 0) yield square - 1
  if (x < across - 1) yield square + 1
  if (y > 0) yield square - across
  if (y < down - 1) yield square + across
}

/** Half the width of the window of gray levels that count as one tint. */
const TINT = 6

/** Returns the brightness that most pixels are near. Looks at every second row. */
export function mostFrequent(image: HeldImage): number {
  const counts = image.countLevels()
  let [best, most, mass] = [255, -1, 0]
  for (let high = 0; high < counts.length + TINT; high++) {
    mass += (counts[high] ?? 0) - (counts[high - 2 * TINT - 1] ?? 0)
    const level = high - TINT
    if (level < 0 || mass < most) continue
    ;[best, most] = [level, mass]
  }
  return best
}
