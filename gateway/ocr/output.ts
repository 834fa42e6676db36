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
import { createDocumentForm } from './structure/document.ts'
import { laidOutPage } from './structure/laid-out.ts'

/** How pages are joined in one output form. */
export interface OutputForm {
  readonly before: string
  /** In pieces. */
  readonly after: () => Iterable<string>
  readonly separator: (following: PageNumber) => string
  /** A page's Markdown, from which its part of the content is written. */
  readonly markdown: (page: PageNumber, result: PageResult) => PagePart
  /** Writes a page's Markdown as the content has it: once, and in page order. */
  readonly write: (page: PageNumber, result: PageResult, markdown: string) => Omit<PagePart, 'closing'>
}

/** One page's Markdown. */
export interface PagePart {
  readonly text: string
  /** About what was done to the page's text. */
  readonly warnings: readonly PageWarning[]
  /** How many characters at the end of what was read the gateway has added, to close what was open. */
  readonly closing: number
}

const NAMED = /\{(page|label)\}/g

/** Returns the output form that a request asks for. */
export function outputForm(request: OcrRequest): OutputForm {
  const { output, pageSeparator } = request
  if (output === 'json') return jsonForm(request)
  const namesPages = pageSeparator.search(NAMED) >= 0
  return {
    before: '',
    after: () => [],
    separator: (following) =>
      namesPages ? pageSeparator.replaceAll(NAMED, (_, name) => nameOf(following, name)) : pageSeparator,
    markdown: ({ page }, result) =>
      output === 'text'
        ? toPlainText(result, asRead(request, result))
        : markdownOf(page, result, asRead(request, result)),
    write({ page }, result, markdown) {
      const isText = output === 'text'
      // Last, because a picture within the text may be millions of characters.
      const text = isText
        ? unmarked({ ...result, text: markdown }, request)
        : placeFigures(markdown, page, result, asRead(request, result))
      return { text: withMarker(text, page, result), warnings: [] }
    },
  }
}

function jsonForm(request: OcrRequest): OutputForm {
  const form = createDocumentForm(request)
  const laidOut = (page: number, result: PageResult) =>
    request.answersJson ? null : laidOutPage(page, result, asRead(request, result))
  return {
    before: form.before,
    after: () => form.after(),
    separator: () => form.separator,
    markdown({ page }, result) {
      const marked = laidOut(page, result)
      if (marked === null) return { ...markdownOf(page, result, asRead(request, result)), closing: 0 }
      const warnings = [...closedWarnings(marked.openers), ...figureWarnings(result, asRead(request, result))]
      return { text: marked.markdown, warnings, closing: 0 }
    },
    write(number, result, markdown) {
      const marked = laidOut(number.page, result)
      const whole = marked?.markdown ?? placeFigures(markdown, number.page, result, asRead(request, result))
      return form.page(number, result, whole, marked?.blocks ?? null)
    },
  }
}

/** Returns the request as it is of a page that another model has read: what marks pictures is known of the model that wrote the text. */
function asRead(request: OcrRequest, result: PageResult): OcrRequest {
  const model = readerOf(request, result)
  return model === request.model ? request : { ...request, model }
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
    ...closedWarnings(openers),
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
  const message = `Tables of this page stand in it as the model wrote them, ${left} of them: they are too long, hold too much within each other, or have comments.`
  return { code: 'left_as_written', message }
}

function closedWarnings(openers: readonly string[]): PageWarning[] {
  if (openers.length === 0) return []
  const message = `At the end of this page's text ${openers.join(' ')} was left open. The gateway closed it, because the pages that follow would be inside it.`
  return [{ code: 'closed_by_gateway', message }]
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
