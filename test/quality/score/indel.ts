// rapidfuzz's `fuzz.ratio` and `fuzz.partial_ratio` (MIT, https://github.com/rapidfuzz/RapidFuzz), which olmOCR-bench
// judges with: similarity by insertions and deletions alone, over code points.

/** A text as code points: Python counts these, and JavaScript's strings count halves of some. */
export type Points = Uint32Array

/** Returns the code points of a text. */
export function pointsOf(text: string): Points {
  const points = new Uint32Array(text.length)
  let length = 0
  for (const character of text) points[length++] = character.codePointAt(0)!
  return points.slice(0, length)
}

/** Returns how alike two texts are, 0 to 1: twice the longest common subsequence by the sum of their lengths. */
export function ratio(first: string, second: string): number {
  return createNeedle(pointsOf(first)).ratio(pointsOf(second))
}

/** Where a text is most alike to another one, in code points of the longer. */
export interface PartialMatch {
  /** 0 to 1. */
  readonly ratio: number
  readonly start: number
  readonly end: number
}

/**
 * Returns the stretch of the longer text that is most alike to the shorter one: of all stretches as long as it, and all
 * beginnings and ends that are shorter.
 */
export function partialRatio(first: string, second: string): PartialMatch {
  const [one, other] = [pointsOf(first), pointsOf(second)]
  const [short, long] = one.length <= other.length ? [one, other] : [other, one]
  if (short.length === 0) return { ratio: long.length === 0 ? 1 : 0, start: 0, end: 0 }
  const best = bestStretch(short, long)
  if (best.ratio === 1 || short.length !== long.length) return best
  const swapped = bestStretch(long, short)
  return swapped.ratio > best.ratio ? swapped : best
}

function bestStretch(short: Points, long: Points): PartialMatch {
  const needle = createNeedle(short)
  let best: PartialMatch = { ratio: 0, start: 0, end: short.length }
  const take = (start: number, end: number) => {
    const found = needle.ratio(long.subarray(start, end))
    if (found > best.ratio) best = { ratio: found, start, end }
  }
  const whole = bestWindow(needle, short.length, long)
  if (whole !== null) take(whole, whole + short.length)
  if (best.ratio === 1) return best
  // A stretch that begins, or ends, with a sign that the shorter text lacks is no better without it.
  for (let end = 1; end < short.length; end++) if (needle.has(long[end - 1]!)) take(0, end)
  for (let start = long.length - short.length; start < long.length; start++)
    if (needle.has(long[start]!)) take(start, long.length)
  return best
}

/**
 * Returns where the best stretch of the needle's length begins, the very last left out; null where there is none. A step to
 * the next stretch changes the distance by 2 at most: what lies between two bad ones is not looked at.
 */
function bestWindow(needle: Needle, length: number, long: Points): number | null {
  const last = long.length - length - 1
  if (last < 0) return null
  const known = new Map<number, number>()
  const distance = (start: number): number => {
    const measured = known.get(start) ?? 2 * length - 2 * needle.common(long.subarray(start, start + length))
    known.set(start, measured)
    return measured
  }
  let best = { start: 0, distance: distance(0) }
  const look = (start: number): number => {
    const found = distance(start)
    if (found < best.distance) best = { start, distance: found }
    return found
  }
  let windows: (readonly [number, number])[] = [[0, last]]
  while (windows.length > 0 && best.distance > 0) {
    const next: (readonly [number, number])[] = []
    for (const [from, to] of windows) {
      const least = Math.floor((look(from) + look(to)) / 2) - (to - from)
      if (to - from <= 1 || least >= best.distance) continue
      const middle = (from + to) >> 1
      next.push([from, middle], [middle, to])
    }
    windows = next
  }
  return best.start
}

/** A text that many others are compared with. */
interface Needle {
  has(point: number): boolean
  /** The length of the longest common subsequence. */
  common(other: Points): number
  /** 0 to 1. */
  ratio(other: Points): number
}

/**
 * Prepares a text for comparisons: one bit for each of its places, in words of 32, for each sign (H. Hyyrö, "Bit-parallel
 * LCS-length computation revisited", 2004).
 */
function createNeedle(needle: Points): Needle {
  const words = Math.max(1, Math.ceil(needle.length / 32))
  const places = new Map<number, Uint32Array>()
  needle.forEach((point, index) => {
    const bits = places.get(point) ?? new Uint32Array(words)
    bits[index >> 5]! |= 1 << (index & 31)
    places.set(point, bits)
  })
  const row = new Uint32Array(words)

  function common(other: Points): number {
    row.fill(0xffffffff)
    for (const point of other) {
      const bits = places.get(point)
      if (bits !== undefined) step(row, bits)
    }
    let zeros = 0
    for (const word of row) zeros += 32 - countBits(word)
    return zeros
  }

  return {
    has: (point) => places.has(point),
    common,
    ratio(other) {
      const most = needle.length + other.length
      // By way of a percentage, as the original: a ratio right at a threshold must fall on the same side of it.
      return most === 0 ? 1 : ((1 - (most - 2 * common(other)) / most) * 100) / 100
    },
  }
}

/** One sign of the other text: row = (row + (row & bits)) | (row & ~bits), over all words with their carries. */
function step(row: Uint32Array, bits: Uint32Array): void {
  let carry = 0
  for (let word = 0; word < row.length; word++) {
    const value = row[word]!
    const matched = (value & bits[word]!) >>> 0
    const sum = value + matched + carry
    carry = sum > 0xffffffff ? 1 : 0
    row[word] = (sum >>> 0) | (value & ~bits[word]!)
  }
}

function countBits(word: number): number {
  let left = word - ((word >>> 1) & 0x55555555)
  left = (left & 0x33333333) + ((left >>> 2) & 0x33333333)
  return (((left + (left >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}
