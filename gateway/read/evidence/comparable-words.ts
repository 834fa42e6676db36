/** A word, a number or two characters of Chinese, Japanese or Korean, as it is compared. */
export interface ComparableWord {
  readonly key: string
  /** In letters: a misread name is worse than a misread index. */
  readonly weight: number
  /** The line of the text that it stands in, from 0. */
  readonly line: number
}

const IDEOGRAPHIC = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー`
const WORD = new RegExp(String.raw`[${IDEOGRAPHIC}]+|(?:(?![${IDEOGRAPHIC}])[\p{L}\p{N}])+`, 'gu')
const IDEOGRAPH = new RegExp(String.raw`[${IDEOGRAPHIC}]`, 'u')
const BETWEEN_IDEOGRAPHS = new RegExp(String.raw`(?<=[${IDEOGRAPHIC}])[^\S\n]+(?=[${IDEOGRAPHIC}])`, 'gu')
const MAX_WEIGHT = 12
/** A Chinese character says about as much as two letters. */
const IDEOGRAPH_WEIGHT = 2

/**
 * Splits text into comparable words: without case, accents, ligatures, width, punctuation and digit grouping. Chinese,
 * Japanese and Korean are split into pairs of neighbouring characters, because spaces do not separate their words
 * reliably.
 */
export function comparableWords(text: string): ComparableWord[] {
  const words: ComparableWord[] = []
  for (const [line, content] of plain(text).split('\n').entries())
    for (const word of content.match(WORD) ?? []) {
      if (IDEOGRAPH.test(word)) addPairs(words, word, line)
      else words.push({ key: word, weight: Math.min(word.length, MAX_WEIGHT), line })
    }
  return words
}

function plain(text: string): string {
  return text
    .replaceAll(/[\u00AD\u200B-\u200F\u2060\uFEFF]/g, '')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/(?<=\p{N})[.,'’٫٬](?=\p{N})/gu, '')
    .replaceAll(BETWEEN_IDEOGRAPHS, '')
}

function addPairs(words: ComparableWord[], run: string, line: number): void {
  const characters = Array.from(run)
  if (characters.length === 1) words.push({ key: run, weight: IDEOGRAPH_WEIGHT, line })
  for (let at = 0; at + 1 < characters.length; at++)
    words.push({ key: `${characters[at]}${characters[at + 1]}`, weight: IDEOGRAPH_WEIGHT, line })
}
