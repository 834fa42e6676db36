import type { TextLayer } from '../../page/text-layer.ts'
import type { AgreementLevel } from './agreement-level.ts'

/** Fewer words, or letters and digits, agree or disagree by chance. A Chinese character counts as a word. */
const MIN_WORDS = 15
const MIN_CHARACTERS = 60
/** Of the characters of a layer that is compared, and of one that becomes the page's text: formulas lose symbols. */
const MAX_UNREADABLE_SHARE = 0.1
const MAX_UNREADABLE_SHARE_TRUSTED = 0.02
/** Of the characters of a layer, without dot leaders and rules. */
const MIN_ALPHANUMERIC_SHARE = 0.5

/** Private-use, unassigned and control characters, lone surrogates, and the replacement character. */
const UNREADABLE = /[\p{Co}\p{Cn}\p{Cs}\uFFFD]|(?!\s)\p{Cc}/gu
const RUN_OF_SIGNS = /([^\p{L}\p{N}\s])(?:\s?\1){2,}/gu
const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{M}\p{N}]+/gu

/**
 * Tells whether a text layer may be compared with an answer: long enough, readable, and by its letters a language.
 * Fonts without a Unicode map, or with a wrong one, give ciphers such as "7KLV LV D WHVW".
 */
export function isSane(layer: TextLayer): boolean {
  return unreadableShare(layer) <= MAX_UNREADABLE_SHARE && isLanguage(layer.text)
}

/** A document's level must reach this before a layer becomes a page's text. */
const MIN_LEVEL = 0.7
/** A layer that OCR has written must also have agreed on other pages of its document. */
const MIN_OCR_LEVEL = 0.8
const MIN_OCR_PAGES = 2

/** Tells whether a text layer may become the text of a page that no attempt has read; `level` is its document's. */
export function isTrustworthy(layer: TextLayer, level: AgreementLevel): boolean {
  if (!layer.isWhole || !isSane(layer) || unreadableShare(layer) > MAX_UNREADABLE_SHARE_TRUSTED) return false
  if (layer.isOcr) return level.pages >= MIN_OCR_PAGES && level.value >= MIN_OCR_LEVEL
  return level.value >= MIN_LEVEL
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

// Measured over 171 pages of the corpus in Latin letters, and over each with its letters shifted by 1 to 25: the
// commonest letters make up 0.50 to 0.72 of a page and 0.05 to 0.46 of 99 % of the ciphers, vowels 0.31 to 0.50. Both
// bounds let through 2 of 4375 ciphers. Spaced letters give words of one letter; text without spaces gives very long
// words.
const MIN_LATIN_LETTERS = 100
const MIN_COMMON_SHARE = 0.5
const MIN_VOWEL_SHARE = 0.25
const MIN_WORD_LENGTH = 1.8
const MAX_WORD_LENGTH = 20

/** Tells whether the Latin letters of a text are those of a language; true when there are too few to tell. */
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
