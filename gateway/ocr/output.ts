import type { PageWarning } from '../page/page.ts'
import { layerText } from '../read/evidence/layer-to-markdown.ts'
import { isOfLayer } from '../read/page-answer.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { readerOf } from './another-reading.ts'
import { closeOpen } from './markdown/close-open.ts'
import { nameImages } from './markdown/image-names.ts'
import { escapedPlainText, plainText } from './markdown/plain-text.ts'
import { writeTables, type WrittenTables } from './markdown/tables.ts'
import type { PageNumber, PageResult } from './page-event.ts'
import { figureWarnings, placeFigures, withoutFigures } from './page-figures.ts'

/** How pages are joined in one output form. */
export interface OutputForm {
  readonly before: string
  readonly after: string
  readonly separator: (following: PageNumber) => string
  /** A page's Markdown, from which its part of the content is written. */
  readonly markdown: (page: PageNumber, result: PageResult) => PagePart
  /** Writes a page's Markdown as the content has it. */
  readonly write: (page: PageNumber, result: PageResult, markdown: string) => string
}

/** One page's Markdown. */
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
  // What marks pictures is known of the model that wrote the text.
  const asRead = (result: PageResult): OcrRequest => ({ ...request, model: readerOf(request, result) })
  if (output === 'json') {
    return {
      before: '[\n',
      after: '\n]',
      separator: () => ',\n',
      markdown: ({ page }, result) => ({ ...markdownOf(page, result, asRead(result)), closing: 0 }),
      write: (number, result, markdown) =>
        jsonPage(answersJson, number, { ...result, text: placeFigures(markdown, number.page, result, asRead(result)) }),
    }
  }
  return {
    before: '',
    after: '',
    separator: (following) => pageSeparator.replaceAll(/\{(page|label)\}/g, (_, name) => nameOf(following, name)),
    markdown: ({ page }, result) =>
      output === 'text' ? toPlainText(result, asRead(result)) : markdownOf(page, result, asRead(result)),
    write({ page }, result, markdown) {
      const isText = output === 'text'
      // Last, because a picture within the text may be millions of characters.
      const text = isText
        ? unmarked({ ...result, text: markdown }, request)
        : placeFigures(markdown, page, result, asRead(result))
      return withMarker(text, page, result)
    },
  }
}

/** A page without a label goes by its number, as in a viewer. */
function nameOf({ page, label }: PageNumber, name: string): string {
  return name === 'label' && label !== null ? label : String(page)
}

/** Returns a page's Markdown so that it can stand beside other pages': nothing is open, and its pictures' names are its own. They are not in it yet. */
function markdownOf(page: number, result: PageResult, request: OcrRequest): PagePart {
  const { text } = result
  // No model wrote the text layer, and JSON is no Markdown.
  if (request.answersJson || isOfLayer(result)) return { text, warnings: [], closing: 0 }
  const named = withoutFigures(nameImages(text, page), request)
  const { text: closed, openers } = closeOpen(named)
  const { text: written, left } = tablesOf(closed, request)
  const warnings = [
    ...(openers.length === 0 ? [] : [closedWarning(openers)]),
    ...(left === 0 ? [] : [leftWarning(left)]),
    ...figureWarnings(result, request),
  ]
  // A table that was written anew is closed by itself.
  const closing = written.endsWith(closed.slice(named.length)) ? closed.length - named.length : 0
  return { text: written, warnings, closing }
}

function tablesOf(markdown: string, { tables }: OcrRequest): WrittenTables {
  return tables == null ? { text: markdown, left: 0 } : writeTables(markdown, tables)
}

function leftWarning(left: number): PageWarning {
  const message = `Tables of this page stand in it as the model wrote them, ${left} of them: they are too long, or hold too much within each other, to be written anew.`
  return { code: 'left_as_written', message }
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

/** Returns the Markdown that is written as plain text, in which nothing can be open. */
function toPlainText(result: PageResult, request: OcrRequest): PagePart {
  return { text: result.text, warnings: figureWarnings(result, request), closing: 0 }
}

/** Returns a page's text without markup. */
function unmarked({ text, isFallback, isEasy, engine }: PageResult, { answersJson, task }: OcrRequest): string {
  if (answersJson) return text
  // The text layer, and what Tesseract has read, are escaped where they are written as Markdown.
  if (isFallback) return layerText(text)
  if (isEasy === true) return escapedPlainText(text)
  if (engine === 'tesseract') return task === 'text' ? text : escapedPlainText(text)
  return plainText(text)
}
