import type { OcrRequest, Warning } from './ocr-request.ts'
import type { OcrOptions } from './options.ts'

/** What a client's wishes for joined pages come to, and what is said where they come to nothing. */
export interface WishedJoins {
  readonly wish: Required<Pick<OcrRequest, 'join' | 'headers' | 'footers'>>
  readonly ignored: readonly Warning[]
}

/** Tasks whose answers are the text of whole pages. */
const OF_PAGES: ReadonlySet<string> = new Set(['document', 'text'])
/** The task in which a model marks blocks: what is marked as a header is one, and a mark would stand within what is joined. */
const OF_BLOCKS = 'layout'

/** Reads what is to be joined, and what becomes of headers and footers; what the task has no use for is said to have no effect. */
export function joinWish(
  { join: asked, headers = 'keep', footers = 'keep' }: Partial<Pick<OcrOptions, 'join' | 'headers' | 'footers'>>,
  { task, answersJson }: Pick<OcrRequest, 'task' | 'answersJson'>,
): WishedJoins {
  const { paragraphs = false, tables = false } =
    typeof asked === 'object' ? asked : { paragraphs: asked === true, tables: asked === true }
  const join = paragraphs || tables ? { paragraphs, tables } : null
  const isOfPages = !answersJson && OF_PAGES.has(task)
  const hasHeads = isOfPages || (!answersJson && task === OF_BLOCKS)
  const ignored = [
    ...(join === null || isOfPages ? [] : ['join']),
    ...(headers === 'keep' || hasHeads ? [] : ['headers']),
    ...(footers === 'keep' || hasHeads ? [] : ['footers']),
  ]
  return {
    wish: {
      join: isOfPages ? join : null,
      headers: hasHeads ? headers : 'keep',
      footers: hasHeads ? footers : 'keep',
    },
    ignored: ignored.map((name) => noEffect(name, task)),
  }
}

function noEffect(name: string, task: string): Warning {
  const message = `The option had no effect: ocr.${name}: the task "${task}" does not answer with the text of pages.`
  return { code: 'option_ignored', message }
}
