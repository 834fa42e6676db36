import { joinLines } from './join-lines.ts'
import { alignOverlap, similarity, tokenize } from './overlap.ts'
import type { Step, Token } from './overlap.ts'

/**
 * Joins the texts of a page's tiles, rows from the top and each from the left, into the page's text. Text that two
 * neighbours have both read, in their overlap, is kept once; no other words are dropped.
 */
export function joinTiles(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.reduce(joinLines, '')).reduce(joinBelow, '')
}

/** The overlap is a tenth of a tile; this share of both texts is searched for it. */
const SEARCHED_SHARE = 0.25
const MIN_SEARCHED_TOKENS = 60
const MAX_SEARCHED_TOKENS = 600

/** Joins the text of a tile with that of the tile below it. */
function joinBelow(above: string, below: string): string {
  if (above.trim() === '') return below
  if (below.trim() === '') return above
  const [upper, lower] = [tokenize(above), tokenize(below)]
  const start = upper.length - searched(upper)
  const [tail, head] = [upper.slice(start), lower.slice(0, searched(lower))]
  const steps = alignOverlap(tail, head)
  if (!isOverlap(steps, tail)) return `${above.trimEnd()}\n\n${below.trimStart()}`
  const first = steps.find((step) => step.first !== null)?.first ?? tail.length
  const last = steps.findLast((step) => step.second !== null)?.second ?? -1
  return write([...upper.slice(0, start + first), ...overlapOf(steps, tail, lower), ...lower.slice(last + 1)])
}

const searched = ({ length }: readonly Token[]): number =>
  Math.min(length, MAX_SEARCHED_TOKENS, Math.max(MIN_SEARCHED_TOKENS, Math.ceil(length * SEARCHED_SHARE)))

/** Letters that must agree, and their share of the words in the overlap, before it counts as one. */
const MIN_LETTERS = 10
const MIN_MATCHED_SHARE = 0.6

function isOverlap(steps: readonly Step[], tail: readonly Token[]): boolean {
  const matches = steps.filter(isMatch)
  const letters = matches.reduce((sum, { first }) => sum + tail[first]!.key.length, 0)
  const between = steps.slice(steps.findIndex(isMatch), steps.findLastIndex(isMatch) + 1)
  const words = between.filter(({ first }) => first === null || tail[first]!.key !== '').length
  return (
    letters >= MIN_LETTERS && matches.filter(({ first }) => tail[first]!.key !== '').length >= MIN_MATCHED_SHARE * words
  )
}

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
