import type { PageWarning } from '../page/page.ts'
import { layerText } from '../read/evidence/layer-to-markdown.ts'
import { isOfLayer } from '../read/page-answer.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { closeOpen } from './markdown/close-open.ts'
import { nameImages } from './markdown/image-names.ts'
import { escapedPlainText, plainText } from './markdown/plain-text.ts'
import type { PageNumber, PageResult } from './page-event.ts'
import { figureWarnings, placeFigures, withoutFigures } from './page-figures.ts'

/** How pages are joined in one output form. */
export interface OutputForm {
  readonly before: string
  readonly after: string
  readonly separator: (following: PageNumber) => string
  readonly page: (page: PageNumber, result: PageResult) => PagePart
}

/** One page's part of the content. */
export interface PagePart {
  readonly text: string
  /** About what was done to the page's text. */
  readonly warnings: readonly PageWarning[]
  /** How many characters at the end of what was read the gateway has added, to close what was open. */
  readonly closing: number
}

/** Returns the output form that a request asks for. */
export function outputForm(request: OcrRequest): OutputForm {
  const { output, pageSeparator, answersJson } = request
  if (output === 'json') {
    const page = (number: PageNumber, result: PageResult): PagePart => {
      const { text, warnings } = markdownOf(number.page, result, request)
      return { text: jsonPage(answersJson, number, { ...result, text }), warnings, closing: 0 }
    }
    return { before: '[\n', after: '\n]', separator: () => ',\n', page }
  }
  return {
    before: '',
    after: '',
    separator: (following) => pageSeparator.replaceAll(/\{(page|label)\}/g, (_, name) => nameOf(following, name)),
    page({ page }, result) {
      const { text, ...about } = output === 'text' ? textOf(result, request) : markdownOf(page, result, request)
      return { text: withMarker(text, page, result), ...about }
    },
  }
}

/** A page without a label goes by its number, as in a viewer. */
function nameOf({ page, label }: PageNumber, name: string): string {
  return name === 'label' && label !== null ? label : String(page)
}

/** Returns a page's Markdown so that it can stand beside other pages': nothing is open, and its pictures' names are its own. */
function markdownOf(page: number, result: PageResult, request: OcrRequest): PagePart {
  const { text } = result
  // No model wrote the text layer, and JSON is no Markdown.
  if (request.answersJson || isOfLayer(result)) return { text, warnings: [], closing: 0 }
  const named = withoutFigures(nameImages(text, page), request)
  const { text: closed, openers } = closeOpen(named)
  const warnings = [...(openers.length === 0 ? [] : [closedWarning(openers)]), ...figureWarnings(result, request)]
  // Last, because a picture within the text may be millions of characters.
  return { text: placeFigures(closed, page, result, request), warnings, closing: closed.length - named.length }
}

function closedWarning(openers: readonly string[]): PageWarning {
  const message = `At the end of this page's text ${openers.join(' ')} was left open. The gateway closed it, because the pages that follow would be inside it.`
  return { code: 'closed_by_gateway', message }
}

/** Adds a marker behind the text of a failed page, and in place of the text of a pending one. */
function withMarker(text: string, page: number, result: PageResult): string {
  const marker = markerOf(page, result)
  return text === '' || marker === null ? (marker ?? text) : `${text}${MARKER_GAP}${marker}`
}

const MARKER_GAP = '\n\n'

/** What says in the content that a page was not read, or not whole; null where it was. */
function markerOf(page: number, { error, status }: Pick<PageResult, 'error' | 'status'>): string | null {
  if (status === 'pending') return `<!-- page ${page} pending -->`
  return error === null ? null : `<!-- page ${page} failed: ${error.code} -->`
}

/** Returns what of a page's part of the content was read from the page: without the marker of one that failed. */
export function readText(part: string, page: number, result: Pick<PageResult, 'error' | 'status'>): string {
  const marker = markerOf(page, result)
  if (marker === null || !part.endsWith(marker)) return part
  const text = part.slice(0, -marker.length)
  return text.endsWith(MARKER_GAP) ? text.slice(0, -MARKER_GAP.length) : text
}

function jsonPage(answersJson: boolean, { page, label }: PageNumber, { text, status, error }: PageResult): string {
  const failure = error === null ? {} : { error: { code: error.code, message: error.message } }
  const written = (content: object): string =>
    JSON.stringify({ page, ...(label === null ? {} : { label }), status, ...content, ...failure })
  if (!answersJson || error !== null) return written({ markdown: text })
  try {
    return written({ data: JSON.parse(text) as unknown })
  } catch {
    // A model may write invalid JSON, or nest it deeper than it can be written: the client then gets the text as it is.
    return written({ data: text })
  }
}

/** Returns a page's text without markup, in which nothing can be open. */
function textOf(result: PageResult, request: OcrRequest): PagePart {
  return { text: unmarked(result, request), warnings: figureWarnings(result, request), closing: 0 }
}

function unmarked({ text, isFallback, isEasy, engine }: PageResult, { answersJson, task }: OcrRequest): string {
  if (answersJson) return text
  // The text layer, and what Tesseract has read, are escaped where they are written as Markdown.
  if (isFallback) return layerText(text)
  if (isEasy === true) return escapedPlainText(text)
  if (engine === 'tesseract') return task === 'text' ? text : escapedPlainText(text)
  return plainText(text)
}
