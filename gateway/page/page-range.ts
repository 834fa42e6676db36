import { GatewayError } from '../errors.ts'

/** Pages from `first` to `last`, both 1-based and included; null is the document's last page. */
export interface PageSpan {
  readonly first: number
  readonly last: number | null
}

/** The pages that a request asks for, before the number of pages is known. */
export type PageRange = readonly PageSpan[]

/** How a protocol asks for pages: the field, and the number of a document's first page. Errors say it in these words. */
export interface PageNaming {
  readonly param: string
  readonly first: 0 | 1
}

/** How the `ocr` object asks for pages. */
export const ocrPages: PageNaming = { param: 'ocr.pages', first: 1 }

// Nine digits: more pages than any document has, and a safe integer.
const SPAN = /^(\d{1,9})(?:\s*(-)\s*(\d{1,9})?)?$/

/**
 * Reads `"1-3,7,10-"`: 1-based pages and ranges, spaces allowed, an open end means the last page. Throws
 * `invalid_value`.
 */
export function parsePageRange(text: string): PageRange {
  return text.split(',').map((part) => parseSpan(part.trim()))
}

function parseSpan(text: string): PageSpan {
  const match = SPAN.exec(text)
  if (match === null) throw invalid(text === '' ? 'has an empty entry' : `has "${shortened(text)}", which is no page`)
  const [, firstDigits = '', dash, lastDigits] = match
  const first = Number(firstDigits)
  const last = dash === undefined ? first : lastDigits === undefined ? null : Number(lastDigits)
  if (first === 0 || last === 0) throw invalid('has page 0')
  if (last !== null && last < first) throw invalid(`has "${text}", which ends before it begins`)
  return { first, last }
}

function invalid(problem: string): GatewayError {
  const valid = 'Give 1-based pages and ranges, such as "1-3,7,10-", where an open end means the last page.'
  return new GatewayError('invalid_value', `${ocrPages.param} ${problem}. ${valid}`, { param: ocrPages.param })
}

const shortened = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text)

/**
 * Returns the 1-based numbers of the pages that a range names in a document, ascending, each once; all of them for
 * null. Throws `page_out_of_range` when any named page is not there.
 */
export function resolvePages(range: PageRange | null, pageCount: number, naming: PageNaming = ocrPages): number[] {
  const spans = range?.map((span) => resolveSpan(span, pageCount, naming)) ?? [{ first: 1, last: pageCount }]
  const pages: number[] = []
  // The spans are sorted by their first page. Each adds only pages after the last one added, so that overlaps cost
  // nothing.
  for (const { first, last } of spans.toSorted((a, b) => a.first - b.first))
    for (let page = Math.max(first, (pages.at(-1) ?? 0) + 1); page <= last; page++) pages.push(page)
  return pages
}

function resolveSpan(
  { first, last }: PageSpan,
  pageCount: number,
  { param, first: number }: PageNaming,
): { first: number; last: number } {
  const wanted = Math.max(first, last ?? first)
  if (wanted > pageCount) {
    const pages = pageCount === 1 ? '1 page' : `${pageCount} pages`
    const [asked, highest] = [wanted - 1 + number, pageCount - 1 + number]
    const from = number === 0 ? ' (the first is page 0)' : ''
    throw new GatewayError(
      'page_out_of_range',
      `${param} asks for page ${asked}${from}, but the document has ${pages}. Ask for pages up to ${highest}, or leave ${param} out to read them all.`,
      { param },
    )
  }
  return { first, last: last ?? pageCount }
}
