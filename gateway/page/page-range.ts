import { GatewayError } from '../errors.ts'

/** Pages from `first` to `last`, both 1-based and included; null is the document's last page. */
export interface PageSpan {
  readonly first: number
  readonly last: number | null
}

/** The pages that a request asks for, before the number of pages is known. */
export type PageRange = readonly PageSpan[]

const PARAM = 'ocr.pages'

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
  return new GatewayError('invalid_value', `ocr.pages ${problem}. ${valid}`, { param: PARAM })
}

const shortened = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text)

/**
 * Returns the 1-based numbers of the pages that a range names in a document, ascending, each once; all of them for
 * null. Throws `page_out_of_range` when any named page is not there.
 */
export function resolvePages(range: PageRange | null, pageCount: number): number[] {
  const spans = (range ?? [{ first: 1, last: pageCount }]).map((span) => resolveSpan(span, pageCount, range !== null))
  const pages: number[] = []
  // The spans are sorted by their first page. Each adds only pages after the last one added, so that overlaps cost
  // nothing.
  for (const { first, last } of spans.toSorted((a, b) => a.first - b.first))
    for (let page = Math.max(first, (pages.at(-1) ?? 0) + 1); page <= last; page++) pages.push(page)
  return pages
}

function resolveSpan({ first, last }: PageSpan, pageCount: number, isAsked: boolean): { first: number; last: number } {
  const wanted = Math.max(first, last ?? first)
  if (isAsked && wanted > pageCount) {
    const pages = pageCount === 1 ? '1 page' : `${pageCount} pages`
    throw new GatewayError(
      'page_out_of_range',
      `ocr.pages asks for page ${wanted}, but the document has ${pages}. Ask for pages up to ${pageCount}, or leave ocr.pages out to read them all.`,
      { param: PARAM },
    )
  }
  return { first, last: last ?? pageCount }
}
