import { layerText } from '../read/evidence/layer-to-markdown.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { escapedPlainText, plainText } from './markdown/plain-text.ts'
import type { PageNumber, PageResult } from './page-event.ts'

/** How pages are joined in one output form. */
export interface OutputForm {
  readonly before: string
  readonly after: string
  readonly separator: (page: number) => string
  /** Returns one page's part of the content. */
  readonly page: (page: PageNumber, result: PageResult) => string
}

/** Returns the output form that a request asks for. */
export function outputForm(request: OcrRequest): OutputForm {
  const { output, pageSeparator, answersJson } = request
  if (output === 'json') {
    return { before: '[\n', after: '\n]', separator: () => ',\n', page: (...page) => jsonPage(answersJson, ...page) }
  }
  return {
    before: '',
    after: '',
    separator: (page) => pageSeparator.replaceAll('{page}', String(page)),
    page: ({ page }, result) => withMarker(output === 'text' ? textOf(result, request) : result.text, page, result),
  }
}

/** Adds a marker behind the text of a failed page, and in place of the text of a pending one. */
function withMarker(text: string, page: number, { error, status }: PageResult): string {
  if (status === 'pending') return `<!-- page ${page} pending -->`
  if (error === null) return text
  const marker = `<!-- page ${page} failed: ${error.code} -->`
  return text === '' ? marker : `${text}\n\n${marker}`
}

function jsonPage(answersJson: boolean, { page }: PageNumber, { text, status, error }: PageResult): string {
  const content = answersJson && error === null ? { data: parseJson(text) } : { markdown: text }
  const failure = error === null ? {} : { error: { code: error.code, message: error.message } }
  return JSON.stringify({ page, status, ...content, ...failure })
}

// A model may write invalid JSON: the client then gets the text as it is.
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Returns a page's text without markup. */
function textOf({ text, isFallback, engine }: PageResult, { answersJson, task }: OcrRequest): string {
  if (answersJson) return text
  // The text layer, and what Tesseract has read, are escaped where they are written as Markdown.
  if (isFallback) return layerText(text)
  if (engine === 'tesseract') return task === 'text' ? text : escapedPlainText(text)
  return plainText(text)
}
