import { asDataRow, type HtmlRow, type HtmlTable } from './html-table.ts'
import { isContinued } from './continued.ts'
import { areSimilar } from './running-line.ts'
import {
  cellKey,
  digitColumns,
  isLikeRows,
  isOwnRow,
  isSameRow,
  SAMPLE_ROWS,
  type TableShape,
  type TableStart,
} from './table-shape.ts'

/** Returns the shape of a table in HTML. */
export function htmlShape({ rows, columns }: HtmlTable): TableShape {
  const height = headHeight(rows)
  const sample = rows
    .slice(height)
    .slice(-SAMPLE_ROWS)
    .map(({ cells }) => cells)
  return {
    columns,
    head: rows.slice(0, height).map(({ cells }) => cells),
    hasDigits: digitColumns(sample, columns),
  }
}

function headHeight(rows: readonly HtmlRow[]): number {
  const first = rows.findIndex(({ isHead }) => !isHead)
  return first === -1 ? rows.length : first
}

/** Tells what becomes of the beginning of a table in HTML that goes on with another one; null where it does not. */
export function htmlStart(
  source: string,
  table: HtmlTable,
  before: Pick<HtmlTable, 'rows' | 'caption'>,
  shape: TableShape,
): TableStart | null {
  const { rows, columns, caption, startTagEnd } = table
  if (columns !== shape.columns || columns < 2 || !goesWith(caption, before.caption)) return null
  const repeated = repeatedRows(rows, before.rows, shape)
  const [first] = rows
  const isEmptyHead = repeated === 0 && first?.isHead === true && first.cells.every((cell) => cell === '')
  const dropped = isEmptyHead ? 1 : repeated
  const row = rows[dropped]
  if (row === undefined) return null
  if (row.isHead) {
    if (dropped > 0 || rows[1]?.isHead === true || !isOwnRow(row.cells, shape)) return null
    return { head: asDataRow(row, source), from: rows[1]?.start ?? row.end, alone: null }
  }
  if (dropped === 0 && (shape.head.length === 0 || !isLikeRows(row.cells, shape))) return null
  return { head: '', from: row.start, alone: { head: source.slice(0, startTagEnd), from: row.start } }
}

/** Counts the rows at the beginning that are the header of the table before; where it has none, its first row may be one. */
function repeatedRows(rows: readonly HtmlRow[], before: readonly HtmlRow[], { head }: TableShape): number {
  const heads = head.length > 0 ? head : before.slice(0, 1).map(({ cells }) => cells)
  const other = heads.findIndex((cells, index) => !isSameRow(rows[index]?.cells ?? [], cells))
  return other === -1 ? heads.length : 0
}

/** A caption of its own makes another table. */
function goesWith(caption: string | null, before: string | null): boolean {
  if (caption === null || caption === '' || isContinued(caption)) return true
  return before !== null && areSimilar(cellKey(caption), cellKey(before))
}
