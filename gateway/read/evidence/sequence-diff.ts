/** A stretch of two sequences that differs: `[from, to)` of each; one of the two may be empty. */
export interface Stretch {
  readonly ours: readonly [from: number, to: number]
  readonly theirs: readonly [from: number, to: number]
}

/** How often a stretch is divided at words that stand once in both. Each time takes as long as its words are many. */
const MAX_DEPTH = 8
/** Stretches in which nothing stands once are compared word by word while they are as small as this, and no longer. */
const MAX_CELLS = 10_000
const MAX_ALL_CELLS = 200_000

/** Two sequences, and what may still be spent on comparing them. */
interface Compared {
  readonly ours: readonly string[]
  readonly theirs: readonly string[]
  readonly found: Stretch[]
  cellsLeft: number
}

/**
 * Finds the stretches in which two sequences differ, in their order. Words that stand once in both hold the sequences together
 * (patience diff). The time grows with the words, whatever they are: a long stretch without such words differs as a whole.
 */
export function differingStretches(ours: readonly string[], theirs: readonly string[]): readonly Stretch[] {
  const compared: Compared = { ours, theirs, found: [], cellsLeft: MAX_ALL_CELLS }
  compare(compared, { ours: [0, ours.length], theirs: [0, theirs.length] }, 0)
  return joined(compared.found)
}

function compare(compared: Compared, whole: Stretch, depth: number): void {
  const stretch = trimmed(compared, whole)
  const [a, b] = [lengthOf(stretch.ours), lengthOf(stretch.theirs)]
  if (a === 0 && b === 0) return
  if (a === 0 || b === 0) return void compared.found.push(stretch)
  const anchors = depth < MAX_DEPTH ? anchorsIn(compared, stretch) : []
  if (anchors.length === 0) return compareClosely(compared, stretch)
  let [atOurs] = stretch.ours
  let [atTheirs] = stretch.theirs
  for (const [one, other] of anchors) {
    compare(compared, { ours: [atOurs, one], theirs: [atTheirs, other] }, depth + 1)
    atOurs = one + 1
    atTheirs = other + 1
  }
  compare(compared, { ours: [atOurs, stretch.ours[1]], theirs: [atTheirs, stretch.theirs[1]] }, depth + 1)
}

const lengthOf = ([from, to]: Stretch['ours']): number => to - from

/** Leaves out what both begin and end with. */
function trimmed({ ours, theirs }: Compared, stretch: Stretch): Stretch {
  let [a, endA] = stretch.ours
  let [b, endB] = stretch.theirs
  for (; a < endA && b < endB && ours[a] === theirs[b]; a++, b++);
  for (; a < endA && b < endB && ours[endA - 1] === theirs[endB - 1]; endA--, endB--);
  return { ours: [a, endA], theirs: [b, endB] }
}

/** Returns the places of words that stand once in both, as many as come in the same order. */
function anchorsIn({ ours, theirs }: Compared, stretch: Stretch): readonly (readonly [number, number])[] {
  const inTheirs = placesOfSingles(theirs, stretch.theirs)
  const pairs: [number, number][] = []
  for (const [word, at] of placesOfSingles(ours, stretch.ours)) {
    const other = inTheirs.get(word) ?? MANY
    if (at !== MANY && other !== MANY) pairs.push([at, other])
  }
  return longestRising(pairs)
}

const MANY = -1

/** In the order of the words' first places. */
function placesOfSingles(words: readonly string[], [from, to]: Stretch['ours']): ReadonlyMap<string, number> {
  const places = new Map<string, number>()
  for (let at = from; at < to; at++) places.set(words[at]!, places.has(words[at]!) ? MANY : at)
  return places
}

/** Returns the longest part of the pairs, which rise in the first place, that rises in the second place too. */
function longestRising(pairs: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  /** By length of the part: the pair with which the part of that length ends lowest. */
  const ends: number[] = []
  const before: number[] = []
  for (const [index, [, place]] of pairs.entries()) {
    let [low, high] = [0, ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (pairs[ends[middle]!]![1] < place) low = middle + 1
      else high = middle
    }
    before.push(low === 0 ? MANY : ends[low - 1]!)
    ends[low] = index
  }
  const rising: (readonly [number, number])[] = []
  for (let at = ends.at(-1) ?? MANY; at !== MANY; at = before[at]!) rising.push(pairs[at]!)
  return rising.toReversed()
}

/** Compares a short stretch word by word; one that is too long differs as a whole. */
function compareClosely(compared: Compared, stretch: Stretch): void {
  const [fromA, fromB] = [stretch.ours[0], stretch.theirs[0]]
  const [a, b] = [lengthOf(stretch.ours), lengthOf(stretch.theirs)]
  const cells = (a + 1) * (b + 1)
  if (cells > MAX_CELLS || cells > compared.cellsLeft) return void compared.found.push(stretch)
  compared.cellsLeft -= cells
  const { ours, theirs, found } = compared
  const same = (i: number, j: number) => ours[fromA + i] === theirs[fromB + j]
  // The most words in common behind each pair of places.
  const common = new Uint16Array(cells)
  for (let i = a - 1; i >= 0; i--)
    for (let j = b - 1; j >= 0; j--)
      common[i * (b + 1) + j] = same(i, j)
        ? common[(i + 1) * (b + 1) + j + 1]! + 1
        : Math.max(common[(i + 1) * (b + 1) + j]!, common[i * (b + 1) + j + 1]!)
  for (let i = 0, j = 0; i < a || j < b;) {
    if (i < a && j < b && same(i, j)) {
      i++
      j++
      continue
    }
    const takesOurs = j === b || (i < a && common[(i + 1) * (b + 1) + j]! >= common[i * (b + 1) + j + 1]!)
    found.push({
      ours: [fromA + i, fromA + i + (takesOurs ? 1 : 0)],
      theirs: [fromB + j, fromB + j + (takesOurs ? 0 : 1)],
    })
    if (takesOurs) i++
    else j++
  }
}

/** Joins stretches between which nothing is the same. */
function joined(found: readonly Stretch[]): readonly Stretch[] {
  const all: Stretch[] = []
  for (const next of found) {
    const last = all.at(-1)
    if (last?.ours[1] === next.ours[0] && last.theirs[1] === next.theirs[0]) {
      all[all.length - 1] = { ours: [last.ours[0], next.ours[1]], theirs: [last.theirs[0], next.theirs[1]] }
    } else all.push(next)
  }
  return all
}
