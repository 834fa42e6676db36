import type { OcrModel } from '../profile/question.ts'
import type { FigureWish, OcrRequest, Warning } from './ocr-request.ts'
import type { OcrOptions, OptionNames } from './options.ts'

/** What a client's wish for pictures comes to, and what is said where it comes to nothing. */
export interface WishedFigures {
  readonly wish: FigureWish | null
  readonly ignored: readonly Warning[]
}

/** Reads a client's wish for pictures; one that the model, the task or the output cannot fulfil is said to have no effect. */
export function figureWish(
  figures: OcrOptions['figures'] | undefined,
  model: OcrModel,
  asked: Pick<OcrRequest, 'task' | 'answersJson' | 'output'>,
  { figures: param }: OptionNames,
): WishedFigures {
  // Responses that were kept by an earlier version have no such option.
  if (figures === null || figures === undefined) return { wish: null, ignored: [] }
  if (figures === 'drop') return { wish: { marks: 'drop', limit: 0, minSize: 0 }, ignored: [] }
  const why = whyNot(figures, model, asked)
  if (why === null) return { wish: { marks: figures, limit: Infinity, minSize: 0 }, ignored: [] }
  const message = `The option had no effect: ${param} "${figures}": ${why}.`
  // Where they are referred to, the answer has a list of them all the same.
  const wish = figures === 'reference' ? ({ marks: 'reference', limit: 0, minSize: 0 } as const) : null
  return { wish, ignored: [{ code: 'option_ignored', message }] }
}

function whyNot(
  figures: 'reference' | 'embed',
  { id, profile }: OcrModel,
  { task, answersJson, output }: Pick<OcrRequest, 'task' | 'answersJson' | 'output'>,
): string | null {
  if (profile.findImages === undefined) return `${id} marks no pictures`
  if (answersJson) return `the task "${task}" answers with JSON`
  const { imageTasks } = profile
  if (imageTasks?.includes(task) === false) {
    return `${id} marks pictures in the task ${imageTasks.map((name) => `"${name}"`).join(', ')} alone`
  }
  return figures === 'embed' && output === 'text' ? 'plain text has no pictures' : null
}
