import type { ChatOcrOptionsObject } from '../wire/openai/ocr-options.ts'
import type { GivenOptions, OptionNames } from './options.ts'

/** The options that errors name, as the `ocr` object calls them. */
export const ocrObjectNames: OptionNames = {
  task: 'ocr.task',
  fields: 'ocr.fields',
  output: 'ocr.output',
  chunks: 'ocr.chunks',
  pageSeparator: 'ocr.page_separator',
  documents: 'ocr.documents',
  figures: 'ocr.figures',
  answerFormat: 'response_format',
}

/** Maps the `ocr` object of a request onto the gateway's own options. */
export function ocrObjectOptions(ocr: ChatOcrOptionsObject): GivenOptions {
  const { page_separator, on_page_error, on_deadline, dry_run, prepare, chunks, ...sameNames } = ocr
  return {
    ...sameNames,
    pageSeparator: page_separator,
    onPageError: on_page_error,
    onDeadline: on_deadline,
    dryRun: dry_run,
    preparation: prepare,
    chunkTokens: chunks?.max_tokens,
  }
}
