import { isRemark } from '../../profile/clean/drop-remark.ts'
import type { Question } from '../../profile/question.ts'
import type { AttemptReason } from '../page-answer.ts'
import { isGarbled } from './garbled.ts'

/**
 * Returns why a finished answer to a page with ink does not count; null when it does. `text` is the raw answer,
 * `finishReason` is vLLM's.
 */
export function checkAnswer(
  { model, task, prompt }: Question,
  text: string,
  finishReason: string,
): AttemptReason | null {
  if (finishReason === 'repetition') return 'loop'
  if (finishReason === 'abort') return 'aborted'
  if (finishReason !== 'stop') return 'cut_off'
  // Checked before the profile's clean, which removes the remark.
  if (isRemark(text)) return 'commentary'
  if (model.profile.clean(text, task).trim() === '') return 'empty'
  // "[]" is JSON for: nothing of what was asked for.
  if (model.profile.tasks[task]?.json !== true && isGarbled(text)) return 'garbled'
  return isEcho(text, prompt) ? 'echo' : null
}

/** A page may well hold the words of a shorter prompt. */
const MIN_ECHO_LETTERS = 12

/** Tells whether an answer repeats the prompt: all of it, half of it or more, or all of it before other text. */
function isEcho(answer: string, promptText: string | null): boolean {
  const asked = lettersOf(promptText ?? '')
  const said = lettersOf(answer)
  if (asked.length < MIN_ECHO_LETTERS) return asked !== '' && said === asked
  return said.startsWith(asked) || (said.length >= asked.length / 2 && asked.includes(said))
}

/** Drops quotes, bullets, emphasis and spaces, which a model adds or omits when it repeats a sentence. */
function lettersOf(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '')
}
