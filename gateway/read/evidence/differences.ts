import { plainAnswer } from './plain-answer.ts'
import { differingStretches, type Stretch } from './sequence-diff.ts'

/** How two readings of a page differ. */
export interface Differences {
  /** The share of the words and numbers of both that the two have in common, 0 to 1; 1 where neither has any. */
  readonly agreement: number
  /** Numbers first; at most `MAX_LISTED`. */
  readonly listed: readonly Difference[]
  /** How many there are, listed or not. */
  readonly count: number
}

/** A place at which two readings differ. */
export interface Difference {
  /** `number`: the digits differ. `missing`: only the other has something there; `extra`: only ours; `text`: both, and not the same. */
  readonly kind: 'number' | 'missing' | 'extra' | 'text'
  /** What stands there, without markup, and cut off where it is long. */
  readonly ours: string
  readonly theirs: string
}

/** Of longer texts the rest is not compared: a dense page of print has a quarter of it. In UTF-16 code units. */
const MAX_COMPARED = 30_000
const MAX_LISTED = 20
const MAX_LENGTH = 200

/** A word or a number, where it stands, and what it is compared by. */
interface Token {
  readonly key: string
  readonly start: number
  readonly end: number
}

const IDEOGRAPH = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`
const NUMBER = String.raw`(?<![\p{L}\p{N}])[-−]?\p{N}(?:[\p{N}.,'’]*\p{N})?`
const TOKEN = new RegExp(String.raw`${NUMBER}|[${IDEOGRAPH}]|(?:(?![${IDEOGRAPH}])[\p{L}\p{M}\p{N}])+`, 'gu')
const DIGITS = /\p{N}/u

/**
 * Compares two readings of a page by their words and numbers. Markup, case and accents do not matter, nor do marks between the
 * digits of thousands; a decimal mark does. Takes some milliseconds, for any texts.
 */
export function findDifferences(ours: string, theirs: string): Differences {
  const [own, other] = [comparable(ours), comparable(theirs)]
  const [ownTokens, otherTokens] = [tokensOf(own), tokensOf(other)]
  const [ownKeys, otherKeys] = [keysOf(ownTokens), keysOf(otherTokens)]
  const stretches = differingStretches(ownKeys, otherKeys)
  const kinds = stretches.map((stretch) => kindOf(stretch, ownKeys, otherKeys))
  const order = [...stretches.keys()].toSorted((a, b) => rank(kinds[a]) - rank(kinds[b]) || a - b)
  const listed = order.slice(0, MAX_LISTED).map((index): Difference => {
    const stretch = stretches[index]!
    return {
      kind: kinds[index]!,
      ours: written(own, ownTokens, stretch.ours),
      theirs: written(other, otherTokens, stretch.theirs),
    }
  })
  return { agreement: inCommon(ownKeys, otherKeys), listed, count: stretches.length }
}

const comparable = (text: string): string => plainAnswer(text.slice(0, MAX_COMPARED))

function tokensOf(text: string): Token[] {
  return Array.from(text.matchAll(TOKEN), ({ 0: token, index }) => ({
    key: keyOf(token),
    start: index,
    end: index + token.length,
  }))
}

const keysOf = (tokens: readonly Token[]): string[] => tokens.map(({ key }) => key)

function keyOf(token: string): string {
  // oxlint-disable-next-line no-control-regex -- ASCII needs no normal form, and most words are
  const plain = /^[\0-\x7f]*$/.test(token) ? token : token.normalize('NFKD').replaceAll(/\p{M}/gu, '').normalize('NFC')
  if (!DIGITS.test(plain)) return plain.toLowerCase()
  return plain
    .toLowerCase()
    .replace('−', '-')
    .replaceAll(/(?<=\d)[,'’](?=\d{3}(?!\d))/g, '')
}

function kindOf({ ours, theirs }: Stretch, own: readonly string[], other: readonly string[]): Difference['kind'] {
  if (numbersIn(own, ours) !== numbersIn(other, theirs)) return 'number'
  if (ours[0] === ours[1]) return 'missing'
  return theirs[0] === theirs[1] ? 'extra' : 'text'
}

function numbersIn(keys: readonly string[], [from, to]: Stretch['ours']): string {
  const numbers = keys.slice(from, to).filter((key) => DIGITS.test(key))
  return numbers.join(' ')
}

const rank = (kind: Difference['kind'] | undefined): number => (kind === 'number' ? 0 : 1)

/** Returns a stretch as it is written, on one line. */
function written(text: string, tokens: readonly Token[], [from, to]: Stretch['ours']): string {
  if (from === to) return ''
  const [start, end] = [tokens[from]!.start, tokens[to - 1]!.end]
  const whole = text
    .slice(start, Math.min(end, start + 4 * MAX_LENGTH))
    .replaceAll(/\s+/g, ' ')
    .trim()
  const isCut = whole.length > MAX_LENGTH || end > start + 4 * MAX_LENGTH
  return isCut ? `${whole.slice(0, MAX_LENGTH - 1).toWellFormed()}…` : whole
}

/** Returns the share of all words that both have, each as often as it stands there; their order does not matter. */
function inCommon(own: readonly string[], other: readonly string[]): number {
  if (own.length + other.length === 0) return 1
  const left = new Map<string, number>()
  for (const key of own) left.set(key, (left.get(key) ?? 0) + 1)
  let both = 0
  for (const key of other) {
    const count = left.get(key) ?? 0
    if (count === 0) continue
    left.set(key, count - 1)
    both++
  }
  return (2 * both) / (own.length + other.length)
}
