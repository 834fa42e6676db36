import type { TextLayer } from '../../page/text-layer.ts'
import type { AgreementLevel } from './agreement-level.ts'

/** Fewer words, or letters and digits, agree or disagree by chance. A Chinese character counts as a word. */
const MIN_WORDS = 15
const MIN_CHARACTERS = 60
/** Of the characters of a layer that may be compared, and of one that may stand for the page: symbols of formulas are lost. */
const MAX_UNREADABLE_SHARE = 0.1
const MAX_UNREADABLE_SHARE_TRUSTED = 0.02
/** Dots that lead to a page number, and rules, do not count. */
const MIN_ALPHANUMERIC_SHARE = 0.5

/** Private use, control, unassigned, halves of characters, and what stands for one that nobody knows. */
const UNREADABLE = /[\p{Co}\p{Cn}\p{Cs}\uFFFD]|(?!\s)\p{Cc}/gu
const RUN_OF_SIGNS = /([^\p{L}\p{N}\s])(?:\s?\1){2,}/gu
const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{M}\p{N}]+/gu

/**
 * Tells whether a text layer may be compared with an answer: long enough, readable, and by its letters a language. Fonts
 * without a Unicode map, or with a wrong one, give ciphers such as "7KLV LV D WHVW".
 */
export function isSane(layer: TextLayer): boolean {
  return unreadableShare(layer) <= MAX_UNREADABLE_SHARE && isLanguage(layer.text)
}

/** How far the document's pages must agree with their layers before one may stand for a page. */
const MIN_LEVEL = 0.7
/** What some OCR has read must have shown its worth on other pages. */
const MIN_OCR_LEVEL = 0.8
const MIN_OCR_PAGES = 2

/** Tells whether a text layer may stand for a page that no attempt has read; `level` is its document's. */
export function isTrustworthy(layer: TextLayer, level: AgreementLevel | undefined): boolean {
  if (!layer.isWhole || !isSane(layer) || unreadableShare(layer) > MAX_UNREADABLE_SHARE_TRUSTED) return false
  if (layer.isOcr) return level !== undefined && level.pages >= MIN_OCR_PAGES && level.value >= MIN_OCR_LEVEL
  return level === undefined || level.value >= MIN_LEVEL
}

function unreadableShare({ text, unmapped }: TextLayer): number {
  const characters = text.replaceAll(/\s/g, '').length
  const unreadable = text.match(UNREADABLE)?.length ?? 0
  return Math.max(unmapped, unreadable / Math.max(1, characters))
}

function isLanguage(text: string): boolean {
  const bare = text.replaceAll(RUN_OF_SIGNS, ' ').replaceAll(/\s+/g, ' ')
  const words = bare.match(WORD) ?? []
  const alphanumeric = words.join('').length
  if (words.length < MIN_WORDS || alphanumeric < MIN_CHARACTERS) return false
  return alphanumeric >= MIN_ALPHANUMERIC_SHARE * bare.replaceAll(' ', '').length && isLatinLanguage(bare)
}

// Measured over 171 pages of the corpus in Latin letters, and over each with its letters shifted by 1 to 25: the commonest
// letters make up 0.50 to 0.72 of a page and 0.05 to 0.46 of 99 % of the ciphers, vowels 0.31 to 0.50. Both bounds let
// through 2 of 4375 ciphers. Letters with gaps between them have words of one letter, text without spaces endless ones.
const MIN_LATIN_LETTERS = 100
const MIN_COMMON_SHARE = 0.5
const MIN_VOWEL_SHARE = 0.25
const MIN_WORD_LENGTH = 1.8
const MAX_WORD_LENGTH = 20

/** Whether the Latin letters of a text, if there are enough to tell, are those of any language written in them. */
function isLatinLanguage(text: string): boolean {
  const plain = text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
  const words = plain.match(/[a-z]+/g) ?? []
  const letters = words.join('')
  if (letters.length < MIN_LATIN_LETTERS) return true
  const share = (pattern: RegExp) => (letters.match(pattern)?.length ?? 0) / letters.length
  const length = letters.length / words.length
  return (
    length >= MIN_WORD_LENGTH &&
    length <= MAX_WORD_LENGTH &&
    share(/[eaionrst]/g) >= MIN_COMMON_SHARE &&
    share(/[aeiouy]/g) >= MIN_VOWEL_SHARE
  )
}
