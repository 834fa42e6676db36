import type { ChatOcrOptionsObject } from '../wire/openai/ocr-options.ts'
import type { GivenOptions, OptionNames } from './options.ts'

/** The options that errors name, as the `ocr` object calls them. */
export const ocrObjectNames: OptionNames = {
  task: 'ocr.task',
  fields: 'ocr.fields',
  minConfidence: 'ocr.min_confidence',
  output: 'ocr.output',
  chunks: 'ocr.chunks',
  pageSeparator: 'ocr.page_separator',
  documents: 'ocr.documents',
  figures: 'ocr.figures',
  answerFormat: 'response_format',
}

/** How sure a model must be, by the word for it. */
const minConfidences = { high: 0.95, ordinary: 0.7 } as const

/** Maps the `ocr` object of a request onto the gateway's own options. */
export function ocrObjectOptions(ocr: ChatOcrOptionsObject): GivenOptions {
  const { min_confidence, page_separator, on_page_error, on_deadline, dry_run, prepare, ...others } = ocr
  const { fallback_model, chunks, ...sameNames } = others
  return {
    ...sameNames,
    minConfidence: typeof min_confidence === 'string' ? minConfidences[min_confidence] : min_confidence,
    pageSeparator: page_separator,
    onPageError: on_page_error,
    onDeadline: on_deadline,
    dryRun: dry_run,
    fallbackModel: fallback_model,
    preparation: prepare,
    chunkTokens: chunks?.max_tokens,
  }
}
