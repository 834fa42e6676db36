import type { TextLayer } from '../../page/text-layer.ts'
import type { Question } from '../../profile/question.ts'
import { agreement } from './agreement.ts'
import type { AgreementLevel } from './agreement-level.ts'
import { comparableWords } from './comparable-words.ts'
import { isTrustworthy } from './trust.ts'

/** Tells whether the answer is the page's text; a client's own prompt may ask for anything else. */
export function isTranscription({ model, task, prompt }: Question): boolean {
  return (task === 'document' || task === 'text') && prompt === model.profile.tasks[task]?.text
}

/**
 * Words of a layer that can contradict an answer, and different words without digits among them. Where there are fewer, or
 * the same line stands there over and over, a few words decide. Two Chinese characters count as a word.
 */
const MIN_WORDS = 50
const MIN_DIFFERENT_WORDS = 20
/**
 * With less agreement an answer is not the page's text. Answers that leave out much have a tenth and more; pages of other
 * documents in the same language have 0.28, because they share its small words.
 */
const MAX_CONTRADICTING_AGREEMENT = 0.05

/** An answer of fewer words is no other page's text. It leaves out, which `agreement` tells. */
const MIN_ANSWER_WORDS = 20

/** How an answer stands to a text layer that can be trusted; `short` holds almost nothing of it, and little else. */
export type Verdict = 'agrees' | 'short' | 'contradicts'

/**
 * Tells whether an answer holds almost nothing of the text that its page is known to have; null where the layer cannot
 * be trusted so far. `level` is the document's.
 */
export function judgeAnswer(
  layer: TextLayer,
  level: AgreementLevel,
  { model, task }: Question,
  answer: string,
): Verdict | null {
  if (!isTrustworthy(layer, level) || !isRich(layer.text)) return null
  const text = model.profile.clean(answer, task)
  if (!isPlausible(layer.text, text)) return null
  if (agreement(layer.text, text) >= MAX_CONTRADICTING_AGREEMENT) return 'agrees'
  return comparableWords(text).length < MIN_ANSWER_WORDS ? 'short' : 'contradicts'
}

function isRich(layer: string): boolean {
  const words = comparableWords(layer).map(({ key }) => key)
  const different = new Set(words.filter((word) => /^\p{L}{2,}$/u.test(word)))
  return words.length >= MIN_WORDS && different.size >= MIN_DIFFERENT_WORDS
}

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0

/** Of the Latin letters. In Vietnamese, which has the most, one in three has an accent. */
const MAX_ACCENTED_SHARE = 0.5
const MIN_VOWEL_SHARE = 0.3
/** Of the characters of a page in Chinese these are a sixth, and of the same page with scrambled characters a hundredth. */
const COMMON_CHINESE =
  /[的一是不了在人有我他这這中大来來上国國个個到说說们們为為子和你地出也时時年得就要下以生会會自之]/g
const MIN_COMMON_SHARE = 0.05
const MIN_KANA_SHARE = 0.2

/**
 * Tells whether a layer is surely a language, and in a script in which wrong encodings can be told from it: a right
 * answer must never lose against a wrong layer. Fonts with a wrong Unicode map give Latin letters for any other script,
 * Russian as "Âûïèñêà", so an answer in another script than Latin is believed.
 */
function isPlausible(layer: string, answer: string): boolean {
  const letters = count(layer, /\p{L}/gu)
  const latin = count(layer, /\p{Script=Latin}/gu)
  if (latin > letters / 2) {
    const accented = count(layer.normalize('NFD'), /(?<=\p{Script=Latin}\p{M}*)\p{M}/gu)
    const isLatinAnswer = count(answer, /\p{Script=Latin}/gu) >= count(answer, /\p{L}/gu) / 2
    return accented < MAX_ACCENTED_SHARE * latin && isLatinAnswer
  }
  const cyrillic = count(layer, /\p{Script=Cyrillic}/gu)
  if (cyrillic > letters / 2) return count(layer, /[аеёиоуыэюяіїє]/giu) >= MIN_VOWEL_SHARE * cyrillic
  const han = count(layer, /\p{Script=Han}/gu)
  const kana = count(layer, /[\p{Script=Hiragana}\p{Script=Katakana}]/gu)
  if (han + kana <= letters / 2) return false
  return kana >= MIN_KANA_SHARE * (han + kana) || count(layer, COMMON_CHINESE) >= MIN_COMMON_SHARE * han
}
