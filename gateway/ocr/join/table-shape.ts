import { inlineText } from '../markdown/inline-text.ts'
import { decodeEntities } from '../markdown/markup.ts'
import { areSimilar } from './running-line.ts'

/** What of a table is compared with that of the next page. */
export interface TableShape {
  readonly columns: number
  /** The texts of its header's rows; empty: it has none. */
  readonly head: readonly (readonly string[])[]
  /** By column: whether most of its cells below the header hold digits; null where there are too few. */
  readonly hasDigits: readonly boolean[] | null
}

/** What becomes of the beginning of a table that goes on with another one. */
export interface TableStart {
  /** What stands in the place of its text up to `from`. */
  readonly head: string
  readonly from: number
  /** The same where the rest is to be a table by itself; null: it is one as it stands. */
  readonly alone: Pick<TableStart, 'head' | 'from'> | null
}

/** Rows below a header that are looked at. */
export const SAMPLE_ROWS = 20
const MIN_SAMPLE_ROWS = 2

/** Makes a cell comparable. */
export function cellKey(cell: string): string {
  return decodeEntities(inlineText(cell.trim()))
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{Sc}%]/gu, '')
}

/** Tells of each column whether most of its cells hold digits. */
export function digitColumns(rows: readonly (readonly string[])[], columns: number): readonly boolean[] | null {
  if (rows.length < MIN_SAMPLE_ROWS) return null
  return Array.from({ length: columns }, (_, column) => {
    const filled = rows.map((row) => row[column] ?? '').filter((cell) => cell !== '')
    return filled.length > 0 && filled.filter((cell) => /\p{Nd}/u.test(cell)).length > 0.6 * filled.length
  })
}

/** Tells whether a row is the header of the table before. */
export function isSameRow(row: readonly string[], other: readonly string[]): boolean {
  const [keys, others] = [row.map(cellKey), other.map(cellKey)]
  if (keys.every((key) => key === '') || keys.length !== others.length) return false
  return keys.every((key, column) => key === others[column]) || areSimilar(keys.join('|'), others.join('|'))
}

/**
 * Tells whether a row that stands where a header would is one of the table's own: it has digits in all columns that have, and one
 * of these has none in its header.
 */
export function isOwnRow(row: readonly string[], shape: TableShape): boolean {
  const { columns, head, hasDigits } = shape
  if (hasDigits === null || row.length !== columns) return false
  const tells = hasDigits.some(
    (has, column) =>
      has && /\p{Nd}/u.test(row[column] ?? '') && !head.some((cells) => /\p{Nd}/u.test(cells[column] ?? '')),
  )
  return tells && head.length > 0 && isLikeRows(row, shape)
}

/** Tells whether a row has digits, or nothing, in the columns that have them. */
export function isLikeRows(row: readonly string[], { hasDigits }: TableShape): boolean {
  return (hasDigits ?? []).every((has, column) => {
    const cell = row[column] ?? ''
    return !has || cell.trim() === '' || /\p{Nd}/u.test(cell)
  })
}
