import { findTables } from '../markdown/tables.ts'
import type { Span } from './block.ts'
import { createParser } from './parse-spans.ts'
import { plainSpans } from './plain-spans.ts'

/** The blocks of a page's Markdown. */
export interface PageSpans {
  /** In their order. They do not overlap, and only white space stands between them. */
  readonly spans: readonly Span[]
  /** The page was too long or too deep to be parsed: its blocks are told by empty lines, or it is one block. */
  readonly isCoarse: boolean
}

/** Looking through a longer text takes more than 50 ms; no page of a document has a tenth of it. */
const MAX_LENGTH = 256 * 1024

/** Finds the blocks of a page's Markdown. */
export function pageSpans(markdown: string): PageSpans {
  if (markdown.length > MAX_LENGTH) return { spans: withoutGaps(markdown, []), isCoarse: true }
  const parsed = parsedSpans(markdown)
  return { spans: withoutGaps(markdown, parsed ?? plainSpans(markdown)), isCoarse: parsed === null }
}

/** Tables are taken out first, as everywhere in the gateway: HTML's may have empty lines, which end HTML in Markdown. */
function parsedSpans(markdown: string): Span[] | null {
  const tables = findTables(markdown)
  const parse = createParser()
  const spans: Span[] = []
  let at = 0
  for (const { start, end } of [...tables, { start: markdown.length, end: markdown.length }]) {
    const between = markdown.slice(at, start)
    const found = between.trim() === '' ? [] : parse(between)
    if (found === null) return null
    for (const span of found) spans.push({ ...span, start: span.start + at, end: span.end + at })
    if (end > start) spans.push({ type: 'table', level: null, start, end })
    at = end
  }
  return spans
}

/** Trims blocks, and makes text of what none of them holds. */
function withoutGaps(markdown: string, spans: readonly Span[]): Span[] {
  const whole: Span[] = []
  let at = 0
  const add = (span: Span): void => {
    const text = markdown.slice(span.start, span.end)
    const start = span.start + text.length - text.trimStart().length
    const end = span.start + text.trimEnd().length
    if (end > start) whole.push({ ...span, start, end })
  }
  for (const span of spans) {
    if (span.start > at) add({ type: 'text', level: null, start: at, end: span.start })
    add({ ...span, start: Math.max(at, span.start) })
    at = Math.max(at, span.end)
  }
  if (at < markdown.length) add({ type: 'text', level: null, start: at, end: markdown.length })
  return whole
}
