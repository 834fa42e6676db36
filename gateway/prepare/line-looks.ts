import type { LineLooks, Seam } from '../page/page.ts'
import type { Gap } from './gap.ts'
import type { GrayImage } from './gray.ts'
import type { InkMask } from './ink-mask.ts'

/** Rows of ink between two of paper. */
interface Line {
  readonly top: number
  /** Not included. */
  readonly end: number
}

/** A gap that rises and falls by more is not between two level lines. */
const MAX_RANGE = 3
const MIN_LINE_HEIGHT = 3
/** A gap between paragraphs is wider than one between lines by this factor at least. */
const WIDE = 1.6

/**
 * Looks at the lines on both sides of a gap: whether it is wider than those between them, and which lines look the
 * same. `isDrawn` says that equal lines have equal pixels.
 */
export function lookAtLines(
  image: GrayImage,
  mask: InkMask,
  { rows, range }: Gap,
  isDrawn: boolean,
): Pick<Seam, 'isWide' | 'looks'> {
  if (range > MAX_RANGE) return { isWide: false, looks: null }
  const lines = findLines(mask)
  const cut = rows[rows.length >> 1]!
  const above = lines.filter(({ end }) => end <= cut + range).toReversed()
  const below = lines.filter(({ top }) => top >= cut - range)
  const [last, next] = [above[0], below[0]]
  if (last === undefined || next === undefined) return { isWide: true, looks: null }
  const gaps = lines.slice(1).map(({ top }, index) => top - lines[index]!.end)
  const usual = gaps.toSorted((a, b) => a - b)[gaps.length >> 1]!
  return { isWide: next.top - last.end > WIDE * usual, looks: compareLines(image, above, below, isDrawn) }
}

/** Returns the lines that are whole: not those that reach the edge of what is looked at. */
function findLines({ pixels, width, height }: InkMask): Line[] {
  const lines: Line[] = []
  let top: number | null = null
  for (let y = 0; y < height; y++) {
    const hasInk = pixels.subarray(y * width, (y + 1) * width).includes(1)
    if (hasInk) top ??= y
    else if (top !== null) {
      if (top > 0 && y - top >= MIN_LINE_HEIGHT) lines.push({ top, end: y })
      top = null
    }
  }
  return lines
}

function compareLines(
  image: GrayImage,
  above: readonly Line[],
  below: readonly Line[],
  isDrawn: boolean,
): LineLooks | null {
  const seen: Float64Array[] = []
  const numbers: number[] = []
  for (const line of [...above, ...below]) {
    const look = darkness(image, line)
    const alike = seen.map((other) => compare(look, other, isDrawn))
    if (alike.includes('unsure')) return null
    const number = alike.indexOf('same')
    numbers.push(number === -1 ? seen.push(look) - 1 : number)
  }
  return { above: numbers.slice(0, above.length), below: numbers.slice(above.length) }
}

/**
 * By how much the darkest difference of two lines exceeds what a column of them usually holds. Measured in PDFium's
 * drawings of 5 to 16 points at 132 dpi: equal lines differ by 0, lines that differ in one digit by 0.11 and more (5 and
 * 6 are most alike). On scans equal lines differ too.
 */
const SAME = 0.08
const SURELY_DIFFERENT = 2

function compare(one: Float64Array, other: Float64Array, isDrawn: boolean): 'same' | 'different' | 'unsure' {
  const held = one.filter((sum) => sum > 0).toSorted()
  const usual = held[held.length >> 1] ?? 0
  const largest = one.reduce((most, sum, x) => Math.max(most, Math.abs(sum - other[x]!)), 0)
  if (largest <= SAME * usual) return 'same'
  if (isDrawn) return mayBeMoved(one, other, usual) ? 'unsure' : 'different'
  return largest >= SURELY_DIFFERENT * usual ? 'different' : 'unsure'
}

/**
 * What a line has more of up to any place than another that begins elsewhere, in columns: the same line, moved by part of
 * a pixel, spreads its ink over other columns and has as much of it.
 */
const MOVED_INK = 2.5

/** Tells whether one line may be the other at another place: further in, or on a page that is skewed. */
function mayBeMoved(one: Float64Array, other: Float64Array, usual: number): boolean {
  const [start, otherStart] = [startOf(one), startOf(other)]
  if (start === otherStart) return false
  let more = 0
  for (let x = 0; x < one.length - Math.min(start, otherStart); x++) {
    more += (one[start + x] ?? 0) - (other[otherStart + x] ?? 0)
    if (Math.abs(more) > MOVED_INK * usual) return false
  }
  return true
}

function startOf(line: Float64Array): number {
  return Math.max(
    0,
    line.findIndex((sum) => sum > 0),
  )
}

/** Sums how much darker than paper each column of a line is, which a shift by part of a row does not change. */
function darkness({ pixels, width, height }: GrayImage, { top, end }: Line): Float64Array {
  const sums = new Float64Array(width)
  const [first, last] = [Math.max(0, top - 1), Math.min(height, end + 1)]
  for (let x = 0; x < width; x++) {
    let paper = 0
    for (let y = first; y < last; y++) paper = Math.max(paper, pixels[y * width + x]!)
    for (let y = first; y < last; y++) sums[x]! += paper - pixels[y * width + x]!
  }
  return sums
}
