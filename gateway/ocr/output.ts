import { htmlToText } from 'html-to-text'
import { marked } from 'marked'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { PageNumber, PageResult } from './page-event.ts'

/** How pages are joined in one output form. */
export interface OutputForm {
  readonly before: string
  readonly after: string
  readonly separator: (following: PageNumber) => string
  /** Returns one page's part of the content. */
  readonly page: (page: PageNumber, result: PageResult) => string
}

/** Returns the output form that a request asks for. */
export function outputForm({ output, pageSeparator, answersJson }: OcrRequest): OutputForm {
  if (output === 'json') {
    return { before: '[\n', after: '\n]', separator: () => ',\n', page: (...page) => jsonPage(answersJson, ...page) }
  }
  return {
    before: '',
    after: '',
    separator: (following) => pageSeparator.replaceAll(/\{(page|label)\}/g, (_, name) => nameOf(following, name)),
    page: ({ page }, result) => withMarker(output === 'text' ? plainText(result.text) : result.text, page, result),
  }
}

/** A page without a label goes by its number, as in a viewer. */
function nameOf({ page, label }: PageNumber, name: string): string {
  return name === 'label' && label !== null ? label : String(page)
}

/** Adds a marker behind the text of a failed page, and in place of the text of a pending one. */
function withMarker(text: string, page: number, { error, status }: PageResult): string {
  if (status === 'pending') return `<!-- page ${page} pending -->`
  if (error === null) return text
  const marker = `<!-- page ${page} failed: ${error.code} -->`
  return text === '' ? marker : `${text}\n\n${marker}`
}

function jsonPage(answersJson: boolean, { page, label }: PageNumber, { text, status, error }: PageResult): string {
  const content = answersJson && error === null ? { data: parseJson(text) } : { markdown: text }
  const failure = error === null ? {} : { error: { code: error.code, message: error.message } }
  return JSON.stringify({ page, ...(label === null ? {} : { label }), status, ...content, ...failure })
}

// A model may write invalid JSON: the client then gets the text as it is.
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Turns a page's Markdown, HTML tables included, into the text that a reader would see. */
export function plainText(markdown: string): string {
  return htmlToText(marked.parse(markdown, { async: false }), {
    wordwrap: false,
    selectors: [
      ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
      { selector: 'table', format: 'dataTable', options: { uppercaseHeaderCells: false } },
      { selector: 'a', options: { ignoreHref: true } },
      { selector: 'img', format: 'skip' },
      { selector: 'hr', format: 'skip' },
    ],
  })
}
