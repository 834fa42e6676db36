import { alignOverlap, digitsOf, similarity, spelledAlike, tokenize } from './overlap.ts'
import type { Step, Token } from './overlap.ts'
import { linesOf } from './text-lines.ts'
import type { TextLine } from './text-lines.ts'

/**
 * Joins the texts of two tiles that both show a share of the page. Lines that both have read whole must be the same;
 * of a line that an edge has cut, the reading counts that is not cut. Where the texts are no such lines but paragraphs,
 * their words are aligned. What is not sure to be the same is kept. `tileAbove` is what the tile itself adds to the
 * text above.
 */
export function joinOverlap(above: string, below: string, share: number, tileAbove = above): string {
  return (
    joinLinesBelow(above, below, share, tileAbove) ??
    joinWords(above, below, share, tileAbove) ??
    `${above.trimEnd()}\n\n${below.trimStart()}`
  )
}

/** How much more of the texts than the overlap's share is searched: lines are not spread evenly over a tile. */
const SLACK = 2
/** What a line more or less than the overlap should show counts against the likeness of the lines. */
const MISCOUNT = 0.15
const MIN_LIKENESS = 0.6

/** Joins texts line by line; null where no lines at the end of the one are those at the beginning of the other. */
function joinLinesBelow(above: string, below: string, share: number, tileAbove: string): string | null {
  const [upper, lower] = [above.trimEnd().split('\n'), below.trimStart().split('\n')]
  const [first, second] = [linesOf(upper), linesOf(lower)]
  // Of two tiles the one with fewer lines may be half empty. Part of a line more may be seen, and is kept in doubt.
  const expected = Math.floor(share * Math.max(linesOf(tileAbove.split('\n')).length, second.length))
  const most = Math.min(first.length, second.length, SLACK * expected + 2)
  let best = { count: 0, score: MIN_LIKENESS }
  for (let count = 1; count <= most; count++) {
    const likeness = likenessOf(first.slice(-count), second.slice(0, count))
    if (likeness === null) continue
    const miscount = (MISCOUNT * Math.abs(count - expected)) / Math.max(1, expected)
    const score = hasLineLikeNoOther(first, second, count) ? 1 + likeness : likeness - miscount
    if (score > best.score) best = { count, score }
  }
  const { count } = best
  if (count === 0) return null
  const [last, same] = [first.at(-1)!, second[count - 1]!]
  // The upper tile's edge has cut its last line, and the lower one's its first.
  const kept = count === 1 && last.text.length > same.text.length ? last.text : same.text
  return [...upper.slice(0, last.index), kept, ...lower.slice(same.index + 1)].join('\n')
}

/** Tells whether a line that both texts end and begin with stands nowhere else in them: that is no chance. */
function hasLineLikeNoOther(upper: readonly TextLine[], lower: readonly TextLine[], count: number): boolean {
  return upper
    .slice(-count)
    .some(({ key }, index) => key === lower[index]!.key && timesOf(upper, key) === 1 && timesOf(lower, key) === 1)
}

const timesOf = (lines: readonly TextLine[], wanted: string): number => lines.filter(({ key }) => key === wanted).length

/** Returns how alike lines are on average, 0 to 1; null when they are not the same lines. */
function likenessOf(upper: readonly TextLine[], lower: readonly TextLine[]): number | null {
  const last = upper.length - 1
  let [sum, whole] = [0, 0]
  for (const [index, { key }] of upper.entries()) {
    const other = lower[index]!.key
    const isExact = key === other
    const isCut = index === 0 || index === last
    if (!isExact && !isCut && !isSameLine(key, other)) return null
    if (isExact || !isCut) whole++
    sum += isExact ? 1 : cutLikeness(key, other)
  }
  // A single pair is a line that both have read, or no evidence; so are two cut lines that are not very much alike.
  if (whole === 0 && (last === 0 || sum < 2 * MIN_LIKENESS)) return null
  return sum / upper.length
}

/** How alike two readings of a line are of which one may be cut; lines whose digits differ are rather two lines. */
function cutLikeness(one: string, other: string): number {
  const alike = spelledAlike(one, other)
  return digitsOf(one) === digitsOf(other) ? alike : alike * 0.9
}

/** Tells whether two readings are of one line: one letter in ten may be read differently, and no digit. */
function isSameLine(one: string, other: string): boolean {
  if (digitsOf(one) !== digitsOf(other)) return false
  const [words, others] = [one.split(' '), other.split(' ')]
  return (
    words.length === others.length &&
    words.every((word, index) => word === others[index] || similarity(word, others[index]!) >= 0.6) &&
    similarity(one, other) >= 0.9
  )
}

/** At least so many words are searched. */
const MIN_SEARCHED_TOKENS = 20
const MAX_SEARCHED_TOKENS = 600

/** Joins texts whose ends share words, as in a paragraph; null where they do not. */
function joinWords(above: string, below: string, share: number, tileAbove: string): string | null {
  const [upper, lower] = [tokenize(above), tokenize(below)]
  const most = Math.ceil(SLACK * share * Math.max(tokenize(tileAbove).length, lower.length))
  const searched = ({ length }: readonly Token[]): number =>
    Math.min(length, MAX_SEARCHED_TOKENS, Math.max(MIN_SEARCHED_TOKENS, most))
  const start = upper.length - searched(upper)
  const [tail, head] = [upper.slice(start), lower.slice(0, searched(lower))]
  const steps = alignOverlap(tail, head)
  if (!isOverlap(steps, tail, head)) return null
  const first = steps.find((step) => step.first !== null)?.first ?? tail.length
  const last = steps.findLast((step) => step.second !== null)?.second ?? -1
  return write([...upper.slice(0, start + first), ...overlapOf(steps, tail, lower), ...lower.slice(last + 1)])
}
/** Letters that must agree, and their share of the words in the overlap, before it counts as one. */
const MIN_LETTERS = 10
const MIN_MATCHED_SHARE = 0.6

function isOverlap(steps: readonly Step[], tail: readonly Token[], head: readonly Token[]): boolean {
  const matches = steps.filter(isMatch)
  const letters = matches.reduce((sum, { first }) => sum + tail[first]!.key.length, 0)
  const between = steps.slice(steps.findIndex(isMatch), steps.findLastIndex(isMatch) + 1)
  if (differsWithin(between, tail, head)) return false
  const words = between.filter(({ first }) => first === null || tail[first]!.key !== '').length
  return (
    letters >= MIN_LETTERS && matches.filter(({ first }) => tail[first]!.key !== '').length >= MIN_MATCHED_SHARE * words
  )
}

/**
 * Tells whether each text has words of its own at the same place between words of both: they differ in a number or in
 * a word there, and are two lines that only look alike.
 */
function differsWithin(steps: readonly Step[], tail: readonly Token[], head: readonly Token[]): boolean {
  let [own, others] = ['', '']
  for (const step of steps) {
    if (!isMatch(step)) {
      own += step.first === null ? '' : tail[step.first]!.key
      others += step.second === null ? '' : head[step.second]!.key
      continue
    }
    if (tail[step.first]!.key === '') continue
    const isOther = similarity(own, others) < MIN_SAME_WORD || digitsOf(own) !== digitsOf(others)
    if (own !== '' && others !== '' && isOther) return true
    ;[own, others] = ['', '']
  }
  return false
}

/** Two readings of one word have so many pairs of letters in common. */
const MIN_SAME_WORD = 0.3

function isMatch(step: Step): step is { first: number; second: number } {
  return step.first !== null && step.second !== null
}

/**
 * Writes the overlap once: its first half from the tile above and its second half from the tile below, because a tile
 * reads best what is far from its edge. Words that only one tile has are kept; marks and tags that only one has are
 * not.
 */
function overlapOf(steps: readonly Step[], tail: readonly Token[], lower: readonly Token[]): Token[] {
  const matches = steps.flatMap((step, index) => (isMatch(step) ? [index] : []))
  const [opening, middle, closing] = [matches[0]!, matches[matches.length >> 1]!, matches.at(-1)!]
  const before = misread(steps.slice(0, opening), lower, tail.slice(0, steps[opening]!.first!).toReversed())
  const after = misread(steps.slice(closing + 1), tail, lower.slice(steps[closing]!.second! + 1))
  const inside = steps.slice(opening, closing + 1).flatMap((step, offset) => {
    const isUpper = opening + offset < middle
    const [preferred, other] = isUpper
      ? [tail[step.first ?? -1], lower[step.second ?? -1]]
      : [lower[step.second ?? -1], tail[step.first ?? -1]]
    if (preferred !== undefined) return isUpper || step.first !== null || !isTableMarkup(preferred) ? [preferred] : []
    return other !== undefined && other.key !== '' ? [other] : []
  })
  return [...before, ...inside, ...after]
}

/** Tells whether a token opens or closes a table or its head: a table that continues has no second head. */
const isTableMarkup = ({ text }: Token): boolean => /^(?:<\/?(?:table|thead|tbody)\b|\|?[ \t]*:?-{2,})/i.test(text)

/**
 * Returns the words at an outer edge of the overlap, unless they are a line that the tile's edge cut through: the
 * neighbour has read that line whole, and this tile has misread it.
 */
function misread(steps: readonly Step[], own: readonly Token[], others: readonly Token[]): Token[] {
  const tokens = steps.flatMap(({ first, second }) => own[first ?? second ?? -1] ?? [])
  const words = tokens.filter(({ key }) => key !== '')
  if (words.length === 0) return []
  const beside = others.filter(({ key }) => key !== '').slice(0, words.length + 2)
  return similarity(spell(words), spell(beside)) >= 0.4 ? [] : tokens
}

/** Spells the words in sorted order, because those above the overlap come in reverse. */
const spell = (words: readonly Token[]): string =>
  words
    .map(({ key }) => key)
    .toSorted()
    .join(' ')

/** Writes tokens as text. The first token of a tile has no white space before it, and begins a line. */
function write(tokens: readonly Token[]): string {
  return tokens.map(({ before, text, isFirst }, index) => (isFirst && index > 0 ? `\n${text}` : before + text)).join('')
}
