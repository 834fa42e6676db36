import { comparableWords } from './comparable-words.ts'
import type { ComparableWord } from './comparable-words.ts'
import { plainAnswer } from './plain-answer.ts'

/** Pieces into which a text may split a word of the other text: at line ends, after drop capitals, in spaced print. */
const MAX_PIECES = 4
/** Lines at the top and at the bottom of a page that may be a running header or footer, which models leave out. */
const EDGE_LINES = 2
/** An edge line of which an answer holds this share or more was misread, not left out. */
const MAX_LEFT_OUT_SHARE = 0.5
/** Headers and footers make up no more of a page's weight than this. */
const MAX_EDGE_SHARE = 0.15

/**
 * Returns the share of a text layer's words and numbers, by length, that an answer holds, 0 to 1. A word counts as
 * often as it occurs. Order, markup, number format and word division do not matter, nor do short headers and footers
 * that the answer leaves out. 1 for a layer without words.
 */
export function agreement(layerText: string, answer: string): number {
  const words = comparableWords(layerText)
  const found = findWords(words, comparableWords(plainAnswer(answer)))
  const total = weigh(words, () => true)
  const held = weigh(words, (index) => found[index] === true)
  const [edges, heldEdges] = leftOutEdges(words, found, MAX_EDGE_SHARE * total)
  return total === edges ? 1 : (held - heldEdges) / (total - edges)
}

function weigh(words: readonly ComparableWord[], counts: (index: number) => boolean): number {
  return words.reduce((sum, { weight }, index) => (counts(index) ? sum + weight : sum), 0)
}

/** Tells for each word whether the answer has it. */
function findWords(words: readonly ComparableWord[], answered: readonly ComparableWord[]): boolean[] {
  const left = new Map<string, number>()
  for (const { key } of answered) left.set(key, (left.get(key) ?? 0) + 1)
  const take = (key: string): boolean => {
    const count = left.get(key) ?? 0
    if (count > 0) left.set(key, count - 1)
    return count > 0
  }
  const found = words.map(({ key }) => take(key) || (isRightToLeft(key) && take(Array.from(key).toReversed().join(''))))
  joinParted(words, found, answered, take)
  const missing = words.filter((_, index) => found[index] !== true)
  if (missing.length === 0) return found
  const parted = partedWords(answered, beginningsOf(missing))
  return found.map((isFound, index) => isFound || parted.has(words[index]!.key))
}

/** A layer may hold the letters of Arabic and Hebrew words in visual order, from left to right. */
function isRightToLeft(key: string): boolean {
  return /[\p{Script=Arabic}\p{Script=Hebrew}]/u.test(key)
}

/** Most words differ in their first letters, so many of them: few are worth joining with others. */
const BEGINNING = 3

const beginningsOf = (words: readonly ComparableWord[]): ReadonlySet<string> =>
  new Set(words.map(({ key }) => key.slice(0, BEGINNING)))

/** Finds words that the layer splits into pieces. */
function joinParted(
  words: readonly ComparableWord[],
  found: boolean[],
  answered: readonly ComparableWord[],
  take: (key: string) => boolean,
): void {
  if (found.every(Boolean)) return
  const beginnings = beginningsOf(answered)
  const joined = (from: number, to: number) => words.slice(from, to).reduce((text, { key }) => text + key, '')
  const known: boolean[] = []
  const mayBegin = (from: number) =>
    (known[from] ??= beginnings.has(joined(from, from + MAX_PIECES).slice(0, BEGINNING)))
  for (let index = 0; index < words.length; index++) {
    if (found[index] === true) continue
    const window = windowsAround(index, words.length).find(([from, to]) => mayBegin(from) && take(joined(from, to)))
    if (window !== undefined) found.fill(true, ...window)
  }
}

/** Runs of two and more neighbours that include the one at `index`. */
function windowsAround(index: number, length: number): [from: number, to: number][] {
  const windows: [number, number][] = []
  for (let size = 2; size <= MAX_PIECES; size++)
    for (let from = Math.max(0, index - size + 1); from <= index && from + size <= length; from++)
      windows.push([from, from + size])
  return windows
}

/** Returns what neighbouring words of the answer spell together, if it begins as asked: words that it splits into pieces. */
function partedWords(answered: readonly ComparableWord[], beginnings: ReadonlySet<string>): Set<string> {
  const parted = new Set<string>()
  for (let from = 0; from < answered.length; from++)
    for (let size = 2, joined = answered[from]!.key; size <= MAX_PIECES && from + size <= answered.length; size++) {
      joined += answered[from + size - 1]!.key
      if (beginnings.has(joined.slice(0, BEGINNING))) parted.add(joined)
      else if (joined.length >= BEGINNING) break
    }
  return parted
}

/**
 * Returns the weight of the edge lines that the answer leaves out, and the weight of their words that it holds anyway.
 */
function leftOutEdges(
  words: readonly ComparableWord[],
  found: readonly boolean[],
  maxWeight: number,
): [number, number] {
  const lines = [...new Set(words.map(({ line }) => line))]
  let edges = 0
  let held = 0
  for (const edge of new Set([...lines.slice(0, EDGE_LINES), ...lines.slice(-EDGE_LINES)])) {
    const weight = weigh(words, (index) => words[index]!.line === edge)
    const heldWeight = weigh(words, (index) => words[index]!.line === edge && found[index] === true)
    if (heldWeight >= MAX_LEFT_OUT_SHARE * weight || edges + weight > maxWeight) continue
    edges += weight
    held += heldWeight
  }
  return [edges, held]
}
