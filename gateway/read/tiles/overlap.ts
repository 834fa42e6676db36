/** A piece of text that is compared as a whole, and the white space before it. */
export interface Token {
  readonly before: string
  readonly text: string
  /** What is compared; empty for punctuation and markup, which may differ. */
  readonly key: string
  /** Nothing but white space stands before it. */
  readonly isFirst: boolean
}

/** A step of an alignment: the index of the token in the first text, in the second, or in both. */
export interface Step {
  readonly first: number | null
  readonly second: number | null
}

const TABLE_RULE = String.raw`\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)+\|?`
const CHARACTER = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]`
const TOKEN = new RegExp(
  String.raw`${TABLE_RULE}|</?[a-zA-Z][^<>]*>|${CHARACTER}|(?:(?!${CHARACTER})[\p{L}\p{M}\p{N}])+|[^\s]`,
  'gu',
)

/** Splits text into words, Chinese and Japanese characters, tags and single marks. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let end = 0
  for (const match of text.matchAll(TOKEN)) {
    const isWord = /^[\p{L}\p{M}\p{N}]/u.test(match[0])
    const key = isWord ? match[0].normalize('NFKC').toLowerCase() : ''
    tokens.push({ before: text.slice(end, match.index), text: match[0], key, isFirst: tokens.length === 0 })
    end = match.index + match[0].length
  }
  return tokens
}

/** What a token that has no counterpart costs; less than half a mismatch, so that different words stay side by side. */
const GAP = -0.5
const MARK_GAP = -0.05
/** Words less alike than this are different words. */
const ALIKE = 0.5
/** What a similar word scores less than an equal one, so that one similar word does not pull a line apart. */
const DOUBT = 0.4

/**
 * Aligns the end of one text with the beginning of another (the overlap alignment of sequence assembly: gaps before it
 * in the first and behind it in the second are free). Returns the steps of the overlap, in order; none when there is
 * none.
 */
export function alignOverlap(first: readonly Token[], second: readonly Token[]): Step[] {
  const columns = second.length + 1
  const scores = new Float64Array((first.length + 1) * columns)
  for (let j = 1; j < columns; j++) scores[j] = scores[j - 1]! + gapOf(second[j - 1]!)
  for (let i = 1; i <= first.length; i++)
    for (let j = 1; j < columns; j++) {
      const pair = scores[(i - 1) * columns + j - 1]! + likeness(first[i - 1]!, second[j - 1]!)
      const skipFirst = scores[(i - 1) * columns + j]! + gapOf(first[i - 1]!)
      const skipSecond = scores[i * columns + j - 1]! + gapOf(second[j - 1]!)
      scores[i * columns + j] = Math.max(pair, skipFirst, skipSecond)
    }
  const last = scores.subarray(first.length * columns)
  let end = 0
  for (let j = 1; j < columns; j++) if (last[j]! > last[end]!) end = j
  return end === 0 ? [] : traceBack(first, second, scores, end)
}

function traceBack(first: readonly Token[], second: readonly Token[], scores: Float64Array, end: number): Step[] {
  const columns = second.length + 1
  const steps: Step[] = []
  for (let [i, j] = [first.length, end]; j > 0;) {
    const here = scores[i * columns + j]!
    const isFree = i === 0
    if (!isFree && here === scores[(i - 1) * columns + j - 1]! + likeness(first[i - 1]!, second[j - 1]!))
      steps.push({ first: --i, second: --j })
    else if (!isFree && here === scores[(i - 1) * columns + j]! + gapOf(first[i - 1]!))
      steps.push({ first: --i, second: null })
    else steps.push({ first: null, second: --j })
  }
  return steps.toReversed()
}

const gapOf = ({ key }: Token): number => (key === '' ? MARK_GAP : GAP)

/** Scores a pair of tokens: longer words score more, and different words never pair. */
function likeness(a: Token, b: Token): number {
  if (a.key === '' || b.key === '') return a.text === b.text ? 0.2 : -Infinity
  if (a.key === b.key) return 1 + Math.min(a.key.length, 10) / 10
  if (areDifferentNumbers(a.key, b.key)) return -Infinity
  const alike = spelledAlike(a.key, b.key)
  return alike < ALIKE ? -Infinity : alike - DOUBT
}

/** Tells whether both words have digits, and not the same: a digit that one reading took for a letter may be the same. */
export function areDifferentNumbers(a: string, b: string): boolean {
  const [digits, others] = [digitsOf(a), digitsOf(b)]
  return digits !== '' && others !== '' && digits !== others
}

/** Returns the digits of a text. */
export const digitsOf = (text: string): string => text.replace(/\D/g, '')

/** 1 less the share of letters to be changed (V. Levenshtein's distance): short words have too few pairs to compare. */
export function spelledAlike(a: string, b: string): number {
  const longer = Math.max(a.length, b.length)
  if (Math.min(a.length, b.length) < ALIKE * longer) return 0
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min(previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), previous[j]! + 1, row[j - 1]! + 1))
    previous = row
  }
  return 1 - previous[b.length]! / longer
}

/** Share of letter pairs that two words have in common (Dice's coefficient), 0 to 1. */
export function similarity(a: string, b: string): number {
  if (a.length < 2 || b.length < 2) return a === b ? 1 : 0
  const pairs = new Map<string, number>()
  for (let at = 0; at < a.length - 1; at++) pairs.set(a.slice(at, at + 2), (pairs.get(a.slice(at, at + 2)) ?? 0) + 1)
  let common = 0
  for (let at = 0; at < b.length - 1; at++) {
    const left = pairs.get(b.slice(at, at + 2)) ?? 0
    if (left === 0) continue
    pairs.set(b.slice(at, at + 2), left - 1)
    common++
  }
  return (2 * common) / (a.length + b.length - 2)
}
