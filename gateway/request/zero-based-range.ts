import { GatewayError } from '../errors.ts'

const SPAN = /^(\d{1,9})(?:\s*-\s*(\d{1,9}))?$/

/**
 * Returns the range that stands for 0-based pages, given as numbers or as `"0-2,5"`; null where none is named: all pages
 * are meant. Throws `invalid_value`.
 */
export function zeroBasedRange(pages: readonly number[] | number | string | null, param: string): string | null {
  if (pages === null) return null
  const spans = typeof pages === 'string' ? pages.split(',').map((span) => span.trim()) : [pages].flat().map(String)
  if (spans.every((span) => span === '')) return null
  return spans.map((span) => oneBased(span, param)).join(',')
}

function oneBased(span: string, param: string): string {
  const match = SPAN.exec(span)
  if (match === null) throw invalid(`has ${JSON.stringify(span.slice(0, 40))}, which is no page`, param)
  const [, first = '', last = first] = match
  if (Number(last) < Number(first)) throw invalid(`has "${span}", which ends before it begins`, param)
  return `${Number(first) + 1}-${Number(last) + 1}`
}

function invalid(problem: string, param: string): GatewayError {
  const valid = 'Give 0-based pages, as a list such as [0, 2] or as text such as "0-2,5".'
  return new GatewayError('invalid_value', `${param} ${problem}. ${valid}`, { param })
}
