import { findTables, type FoundTable } from '../markdown/tables.ts'
import { isContinuedCaption } from './continued.ts'
import { htmlShape, htmlStart } from './html-joint.ts'
import { readHtmlTable } from './html-table.ts'
import type { Joint, JoinablePage } from './joint.ts'
import { pipeShape, pipeStart } from './pipe-joint.ts'
import type { TableShape, TableStart } from './table-shape.ts'
import type { TextBlock } from './text-blocks.ts'

/**
 * Joins a table at the end of a page with one at the beginning of the next: they have as many columns, and the second repeats the
 * header of the first, or has none. A line between them that says "continued" goes.
 */
export function tableJoint(
  before: JoinablePage,
  last: readonly TextBlock[],
  after: JoinablePage,
  tailAt: number,
): Joint | null {
  const end = last[0]?.end ?? 0
  const [first, second] = after.blocks.first
  const start = (first !== undefined && isContinuedCaption(first.lines) ? second : first)?.start
  if (start === undefined || !mayEnd(before.text, end) || !mayBegin(after.text, start)) return null
  const table = findTables(before.text).findLast((found) => found.end === end)
  const next = findTables(after.text).find((found) => found.start === start)
  if (table === undefined || next === undefined || table.format !== next.format) return null
  const known = before.table !== null && table.start < before.table.until ? before.table.shape : null
  const found = table.format === 'html' ? inHtml(table, next, known) : inMarkdown(table, next, known)
  if (found === null) return null
  const { rowsEnd, shape, begin } = found
  const { head, from } = begin.alone ?? { head: '', from: 0 }
  return {
    kind: 'table',
    start: table.start,
    tailAt,
    blockEnd: next.end,
    written: { cutAt: table.start + rowsEnd, between: '\n', head: begin.head, from: start + begin.from },
    alone: { cutAt: table.end, between: '\n', head, from: start + from },
    table: shape,
  }
}

/** Looking for tables takes a while, and most pages have none here. */
function mayEnd(text: string, end: number): boolean {
  const line = text.slice(Math.max(text.lastIndexOf('\n', end - 1) + 1, end - 2000), end)
  return line.includes('|') || line.toLowerCase().endsWith('</table>')
}

function mayBegin(text: string, start: number): boolean {
  const found = text.indexOf('\n', start)
  const line = text.slice(start, Math.min(found === -1 ? text.length : found, start + 2000))
  return line.includes('|') || line.toLowerCase().startsWith('<table')
}

interface Found {
  /** Where rows may be added, within the first table. */
  readonly rowsEnd: number
  readonly shape: TableShape
  readonly begin: TableStart
}

function inMarkdown(table: FoundTable, next: FoundTable, known: TableShape | null): Found | null {
  const shape = known ?? pipeShape(table.content)
  const begin = pipeStart(next.content, shape)
  return begin === null ? null : { rowsEnd: table.content.length, shape, begin }
}

function inHtml(table: FoundTable, next: FoundTable, known: TableShape | null): Found | null {
  const read = readHtmlTable(table.content)
  const following = read === null ? null : readHtmlTable(next.content)
  if (read?.rowsEnd == null || following === null) return null
  const shape = known ?? htmlShape(read)
  const begin = htmlStart(next.content, following, read, shape)
  return begin === null ? null : { rowsEnd: read.rowsEnd, shape, begin }
}
