import { francAll } from 'franc-min'

/** Shorter texts say too little: francs are told by the frequency of three letters. */
const MIN_LETTERS = 120
/** What the sample of a document has at most; franc looks at no more than 2,048 characters. */
export const MAX_SAMPLE = 2048
/** Of the signs of Japanese so many are kana at least; Chinese has none. */
const MIN_KANA_SHARE = 0.05
/** A sign of Chinese says as much as a short word. */
const LETTERS_OF_SIGN = 4
/** How near to the best language the next one may be: 1 is as near. Danish and Norwegian are nearer at times. */
const MAX_NEXT = 0.985

const SCRIPTS = {
  kana: /[\p{Script=Hiragana}\p{Script=Katakana}]/gu,
  han: /\p{Script=Han}/gu,
  hangul: /\p{Script=Hangul}/gu,
  letters: /\p{L}/gu,
}

/** Scripts that hardly any other language is written in today. */
const ALONE = {
  he: /\p{Script=Hebrew}/gu,
  el: /\p{Script=Greek}/gu,
  th: /\p{Script=Thai}/gu,
  ka: /\p{Script=Georgian}/gu,
  hy: /\p{Script=Armenian}/gu,
  ta: /\p{Script=Tamil}/gu,
  te: /\p{Script=Telugu}/gu,
}

/**
 * Tells the language of a text without markup, as BCP 47 names it: `en`, `zh`. Chinese, Japanese, Korean and others by their
 * script, the rest by the frequency of letters. Null where the text is short, or could be of two languages.
 */
export function languageOf(sample: string): string | null {
  const text = sample.slice(0, MAX_SAMPLE)
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0
  const [kana, han, hangul, letters] = [SCRIPTS.kana, SCRIPTS.han, SCRIPTS.hangul, SCRIPTS.letters].map(count) as [
    number,
    number,
    number,
    number,
  ]
  const signs = kana + han + hangul
  if (letters - signs + signs * LETTERS_OF_SIGN < MIN_LETTERS) return null
  if (signs * 2 > letters) {
    if (hangul * 2 > signs) return 'ko'
    return kana > MIN_KANA_SHARE * signs ? 'ja' : 'zh'
  }
  const alone = Object.entries(ALONE).find(([, script]) => count(script) * 2 > letters)
  if (alone !== undefined) return alone[0]
  const [best, next] = francAll(text)
  if (best === undefined || best[0] === 'und' || (next !== undefined && next[1] > MAX_NEXT)) return null
  // Canonical names are the short ones, and of the languages that one is the standard of: `arb` is `ar`.
  return Intl.getCanonicalLocales(best[0])[0] ?? null
}
