import { cellsOf } from '../markdown/pipe-table.ts'
import { digitColumns, isOwnRow, isSameRow, SAMPLE_ROWS, type TableShape, type TableStart } from './table-shape.ts'

/** Returns the shape of a Markdown table. */
export function pipeShape(content: string): TableShape {
  const lines = content.split('\n')
  const head = cellsOf(lines[0] ?? '')
  const rows = lines.slice(2).slice(-SAMPLE_ROWS).map(cellsOf)
  return { columns: head.length, head: [head], hasDigits: digitColumns(rows, head.length) }
}

/** Tells what becomes of the beginning of a Markdown table that goes on with another one; null where it does not. */
export function pipeStart(content: string, shape: TableShape): TableStart | null {
  const headEnd = content.indexOf('\n')
  const ruleEnd = endOfLine(content, headEnd + 1)
  const rule = content.slice(headEnd, ruleEnd)
  const head = content.slice(0, headEnd)
  const cells = cellsOf(head)
  if (cells.length !== shape.columns || shape.columns < 2) return null
  const isHeader = cells.every((cell) => cell.trim() === '') || isSameRow(cells, shape.head.at(-1) ?? [])
  if (!isHeader) return isOwnRow(cells, shape) ? { head, from: ruleEnd, alone: null } : null
  // A header alone: there is nothing that goes on.
  if (ruleEnd >= content.length) return null
  const from = ruleEnd + 1
  const rowEnd = endOfLine(content, from)
  return { head: '', from, alone: { head: content.slice(from, rowEnd) + rule, from: rowEnd } }
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end === -1 ? text.length : end
}
