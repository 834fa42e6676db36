import type { PlacedRegion } from './blocks-reading-order.ts'
import type { Line, Word } from './recognition.ts'

const HAN = /\p{Script=Han}/u
/** Characters that are set without spaces: Han, and full-width punctuation. */
const WITHOUT_SPACES = /[\p{Script=Han}\u3000-\u303f\uff00-\uffef]/u
/** In line heights. A gap this wide is a space, even between Chinese characters. */
const WIDE_GAP = 1.2

/** Whether a text has a Chinese character in it. */
export function hasHan(text: string): boolean {
  return HAN.test(text)
}

/** Returns the words of one line as text, without the spaces that Tesseract puts between Chinese words. */
export function lineText(words: readonly Word[], height: number): string {
  let text = ''
  let previous: Word | undefined
  for (const word of words) {
    const gap = previous === undefined ? 0 : word.box.x0 - previous.box.x1
    const together = !needsSpace(text, word.text) && gap < WIDE_GAP * height
    text += text === '' || together ? word.text : ` ${word.text}`
    previous = word
  }
  return text
}

function needsSpace(before: string, after: string): boolean {
  const last = before.at(-1) ?? ''
  const first = after[0] ?? ''
  return !WITHOUT_SPACES.test(last) && !WITHOUT_SPACES.test(first)
}

/** Prefixes that keep their hyphen when a line breaks after it. */
const COMPOUND =
  /\b(?:all|anti|back|cross|double|east|eight|ex|far|first|five|four|full|half|hard|high|ill|in|left|light|long|low|many|mid|much|multi|nine|non|north|off|old|one|on|open|out|post|pre|pro|quasi|real|right|second|self|semi|seven|short|single|six|so|south|state|sub|ten|third|three|top|two|ultra|up|user|vice|well|west|wide|world)$/i

/** What ends a word and is none: it goes with no prefix. "four-teen", "cross-ing" are words that a line has broken. */
const ENDING =
  /^(?:e?teen(?:th)?s?|t(?:y|ies|ieth)|fold|scores?|ings?|e[drs]|ers|est|ly|ness|ments?|able|ish|less|ful|wards?)(?!\p{L})/u

/** Joins a line's text to the text before it in the same paragraph, and rejoins a word that was hyphenated there. */
export function joinText(before: string, after: string): string {
  if (before === '') return after
  const broken = /(\p{L}{2,})[-\u00ad\u2010]$/u.exec(before)
  if (broken?.[1] !== undefined && /^\p{Ll}/u.test(after)) {
    return COMPOUND.test(broken[1]) && !ENDING.test(after) ? before + after : before.slice(0, -1) + after
  }
  return needsSpace(before, after) ? `${before} ${after}` : before + after
}

/** In line heights. A gap inside a line that separates a label from its value, as on a receipt. */
const LABEL_GAP = 2.5
/** In line heights. Lines with a larger indent are centred or set right. */
const INDENT = 3

/**
 * Whether a line has a deliberate break: the next line's first word would have fitted, or the line is a row of its own.
 */
export function endsEarly(line: Line, next: Line, { left, right }: Pick<PlacedRegion, 'left' | 'right'>): boolean {
  const first = next.words[0]
  if (first === undefined) return false
  const gaps = line.words.slice(1).map((word, index) => word.box.x0 - (line.words[index]?.box.x1 ?? 0))
  if (gaps.some((gap) => gap > LABEL_GAP * line.height)) return true
  const indent = line.box.x0 - left
  const room = right - line.box.x1 + (indent > INDENT * line.height ? indent : 0)
  const firstWidth = hasHan(first.text) ? next.height : first.box.x1 - first.box.x0
  return firstWidth + line.height < room
}

/** 0 to 100. Tesseract gives this or less only for what is no text, or for a script that its language does not have. */
const GARBAGE_CONFIDENCE = 20
/** Up to this confidence, a line must also look like words. */
const DOUBTFUL_CONFIDENCE = 60

/** Whether a line is noise: what Tesseract reads in pictures, rules and dirt. */
export function isNoise(line: Line): boolean {
  const text = line.words.map((word) => word.text).join(' ')
  if (!/[\p{L}\p{N}]/u.test(text) || line.confidence <= GARBAGE_CONFIDENCE) return true
  return line.confidence <= DOUBTFUL_CONFIDENCE && !looksLikeWords(text)
}

/**
 * Whether three characters in five are letters or digits, and half of the letters belong to words of three and more.
 */
function looksLikeWords(text: string): boolean {
  if (HAN.test(text)) return true
  const solid = text.replace(/\s/g, '')
  const letters = text.match(/[\p{L}\p{N}]/gu)?.length ?? 0
  const inWords = (text.match(/[\p{L}\p{N}]{3,}/gu) ?? []).join('').length
  return letters >= 0.6 * solid.length && inWords >= 0.5 * letters
}

/** Escapes what Markdown would read as a mark inside running text. */
export function escapeInline(text: string): string {
  return text
    .replace(/[\\`]|\*(?!\s)|(?<=\S)\*|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|~(?=~)|<(?=[a-z/!?])|\](?=\()/giu, '\\$&')
    .replace(/&(?=#?\w+;)/g, '\\&')
}

/** Escapes what Markdown would read as a mark because it begins a line. Takes text whose insides are escaped. */
export function escapeStart(text: string): string {
  return text
    .replace(/^(?:#{1,6}(?=\s|$)|>|[-+](?=\s|$)|(?:=+|-{2,})$|\|)/, '\\$&')
    .replace(/^(\d{1,9})([.)])(?=\s|$)/, '$1\\$2')
}
