import type { PageWarning } from '../page/page.ts'
import { layerText } from '../read/evidence/layer-to-markdown.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { closeOpen } from './markdown/close-open.ts'
import { nameImages } from './markdown/image-names.ts'
import { escapedPlainText, plainText } from './markdown/plain-text.ts'
import type { PageNumber, PageResult } from './page-event.ts'
import { figureWarnings, placeFigures, withoutFigures } from './page-figures.ts'
import { createDocumentForm } from './structure/document.ts'
import { laidOutPage, type LaidOutPage } from './structure/laid-out.ts'

/** How pages are joined in one output form. */
export interface OutputForm {
  readonly before: string
  /** In pieces. */
  readonly after: () => Iterable<string>
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
  const { output, pageSeparator } = request
  if (output === 'json') return jsonForm(request)
  return {
    before: '',
    after: () => [],
    separator: (following) => pageSeparator.replaceAll(/\{(page|label)\}/g, (_, name) => nameOf(following, name)),
    page({ page }, result) {
      const { text, ...about } = output === 'text' ? textOf(result, request) : markdownOf(page, result, request)
      return { text: withMarker(text, page, result), ...about }
    },
  }
}

function jsonForm(request: OcrRequest): OutputForm {
  const form = createDocumentForm(request)
  return {
    before: form.before,
    after: () => form.after(),
    separator: () => form.separator,
    page(number, result) {
      const laidOut = request.answersJson ? null : laidOutPage(number.page, result, request)
      const { text, warnings } =
        laidOut === null ? markdownOf(number.page, result, request) : marked(laidOut, result, request)
      const page = form.page(number, result, text, laidOut?.blocks ?? null)
      return { text: page.text, warnings: [...warnings, ...page.warnings], closing: 0 }
    },
  }
}

function marked(
  { markdown, openers }: LaidOutPage,
  result: PageResult,
  request: OcrRequest,
): Omit<PagePart, 'closing'> {
  return { text: markdown, warnings: [...closedWarnings(openers), ...figureWarnings(result, request)] }
}

/** A page without a label goes by its number, as in a viewer. */
function nameOf({ page, label }: PageNumber, name: string): string {
  return name === 'label' && label !== null ? label : String(page)
}

/** Returns a page's Markdown so that it can stand beside other pages': nothing is open, and its pictures' names are its own. */
function markdownOf(page: number, result: PageResult, request: OcrRequest): PagePart {
  const { text, isFallback } = result
  // No model wrote the text layer, and JSON is no Markdown.
  if (request.answersJson || isFallback) return { text, warnings: [], closing: 0 }
  const named = withoutFigures(nameImages(text, page), request)
  const { text: closed, openers } = closeOpen(named)
  const warnings = [...closedWarnings(openers), ...figureWarnings(result, request)]
  // Last, because a picture within the text may be millions of characters.
  return { text: placeFigures(closed, page, result, request), warnings, closing: closed.length - named.length }
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

/** Returns a page's text without markup, in which nothing can be open. */
function textOf(result: PageResult, request: OcrRequest): PagePart {
  return { text: unmarked(result, request), warnings: figureWarnings(result, request), closing: 0 }
}

function unmarked({ text, isFallback, engine }: PageResult, { answersJson, task }: OcrRequest): string {
  if (answersJson) return text
  // The text layer, and what Tesseract has read, are escaped where they are written as Markdown.
  if (isFallback) return layerText(text)
  if (engine === 'tesseract') return task === 'text' ? text : escapedPlainText(text)
  return plainText(text)
}
