import type { InkMask } from './ink-mask.ts'

/** A cut through the paper between lines: for each column of the zone, the row that it runs through. */
export interface Gap {
  readonly rows: Int32Array
  /** How far it rises and falls. */
  readonly range: number
}

/** Rows of a mask. */
export interface Zone {
  readonly first: number
  /** Not included. */
  readonly end: number
}

/** What a pixel on the path costs; blank ones cost less the further they are from ink above and below. */
const INK_COST = 50
const CROSSABLE_COST = 3
/** What a step up or down costs: so a path runs straight, and steps only between columns or along a skewed line. */
const STEP_COST = 1
const MAX_DISTANCE = 15
/** What the outermost row costs more than the middle one: of equal gaps the one in the middle is taken. */
const ASIDE_COST = 0.01
/** Specks and touching letters: so much ink a path may cross, as a share of its length. */
const CROSSED_SHARE = 0.005
const MIN_CROSSED = 4
/** More of a page's width than this is not a rule or a picture that lines stop at. */
const MAX_CROSSABLE_SHARE = 0.5
/** Few rules stand closer together, as double ones do. The strokes of letters that touch from line to line do. */
const RULE_DISTANCE = 20
const MAX_CLOSE_RULES = 5

/** What a pixel of the mask is, once what the path may cross is marked. */
const INK = 1
const CROSSABLE = 2

/**
 * Finds a way from the left to the right of a zone that crosses no line of type; null where there is none. It follows
 * skewed lines, and steps where columns stand beside each other. Rules, frames and pictures as high as the zone are
 * crossed where that is the shortest way. Of two gaps it takes the wider one; none is narrower than twice the `margin`.
 */
export function findGap(mask: InkMask, zone: Zone, margin = 0): Gap | null {
  const { width } = mask
  if (zone.end - zone.first < 3) return null
  const pixels = widened({ ...mask, pixels: markCrossable(mask, zone) }, margin)
  const rows = cheapestPath({ ...mask, pixels }, zone)
  return isThroughType(pixels, width, rows) ? null : { rows, range: rangeOf(rows) }
}

function rangeOf(rows: Int32Array): number {
  return rows.reduce((one, other) => Math.max(one, other)) - rows.reduce((one, other) => Math.min(one, other))
}

/** Tells whether a path crosses letters, and not only paper, specks, rules and pictures. */
function isThroughType(pixels: Uint8Array, width: number, rows: Int32Array): boolean {
  let [crossed, crossable, close, before, last] = [0, 0, 0, 0, -Infinity]
  for (let x = 0; x < width; x++) {
    const value = pixels[rows[x]! * width + x]!
    if (value === INK) crossed++
    if (value === CROSSABLE) crossable++
    if (value === CROSSABLE && before !== CROSSABLE) {
      if (x - last < RULE_DISTANCE) close++
      last = x
    }
    before = value
  }
  return (
    crossed > Math.max(MIN_CROSSED, CROSSED_SHARE * width) ||
    crossable > MAX_CROSSABLE_SHARE * width ||
    close > MAX_CLOSE_RULES
  )
}

/** Marks the pieces of ink that reach from the top of the zone to its bottom. No line of type is as high. */
function markCrossable({ pixels, width }: InkMask, { first, end }: Zone): Uint8Array {
  const marked = pixels.slice()
  const seen = new Uint8Array(marked.length)
  const bottom = end - 1
  for (let x = 0; x < width; x++) {
    const start = first * width + x
    if (marked[start] !== INK || seen[start] === 1) continue
    const piece = [start]
    seen[start] = 1
    let reaches = false
    for (let next = 0; next < piece.length; next++) {
      const at = piece[next]!
      const [row, column] = [Math.floor(at / width), at % width]
      reaches ||= row === bottom
      for (let y = Math.max(first, row - 1); y <= Math.min(bottom, row + 1); y++)
        for (let beside = Math.max(0, column - 1); beside <= Math.min(width - 1, column + 1); beside++) {
          const neighbour = y * width + beside
          if (marked[neighbour] !== INK || seen[neighbour] === 1) continue
          seen[neighbour] = 1
          piece.push(neighbour)
        }
    }
    if (reaches) for (const at of piece) marked[at] = CROSSABLE
  }
  return marked
}

/** Lets all ink that must not be crossed reach further up and down. */
function widened({ pixels, width, height }: InkMask, by: number): Uint8Array {
  if (by === 0) return pixels
  const wider = pixels.slice()
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      if (pixels[at] !== INK) continue
      for (let row = Math.max(0, y - by); row <= Math.min(height - 1, y + by); row++) wider[row * width + x] = INK
    }
  return wider
}

/** Returns the row of the cheapest path in each column (dynamic programming, as in seam carving). */
function cheapestPath({ pixels, width, height }: InkMask, { first, end }: Zone): Int32Array {
  const rows = end - first
  const steps = new Int8Array(rows * width)
  const distances = new Uint8Array(height)
  let costs = new Float64Array(rows)
  for (let x = 0; x < width; x++) {
    measureDistances(pixels, width, x, distances)
    const next = new Float64Array(rows)
    for (let row = 0; row < rows; row++) {
      const value = pixels[(first + row) * width + x]
      const blank = 1 / (1 + distances[first + row]!) + ASIDE_COST * Math.abs((2 * row) / (rows - 1) - 1)
      const own = value === INK ? INK_COST : value === CROSSABLE ? CROSSABLE_COST : blank
      let [least, step] = [costs[row]!, 0]
      if (row > 0 && costs[row - 1]! + STEP_COST < least) [least, step] = [costs[row - 1]! + STEP_COST, -1]
      if (row < rows - 1 && costs[row + 1]! + STEP_COST < least) [least, step] = [costs[row + 1]! + STEP_COST, 1]
      next[row] = least + own
      steps[x * rows + row] = step
    }
    costs = next
  }
  return traceBack(steps, costs, { width, first })
}

function traceBack(
  steps: Int8Array,
  costs: Float64Array,
  { width, first }: { readonly width: number; readonly first: number },
): Int32Array {
  const rows = costs.length
  const path = new Int32Array(width)
  let row = costs.indexOf(Math.min(...costs))
  for (let x = width - 1; x >= 0; x--) {
    path[x] = first + row
    row += steps[x * rows + row]!
  }
  return path
}

/** Writes for each row of a column how far the next ink above or below is. */
function measureDistances(pixels: Uint8Array, width: number, x: number, distances: Uint8Array): void {
  const height = distances.length
  let since = MAX_DISTANCE
  for (let y = 0, at = x; y < height; y++, at += width) {
    since = pixels[at] === INK ? 0 : Math.min(MAX_DISTANCE, since + 1)
    distances[y] = since
  }
  since = MAX_DISTANCE
  for (let y = height - 1, at = y * width + x; y >= 0; y--, at -= width) {
    since = pixels[at] === INK ? 0 : Math.min(MAX_DISTANCE, since + 1)
    if (since < distances[y]!) distances[y] = since
  }
}
