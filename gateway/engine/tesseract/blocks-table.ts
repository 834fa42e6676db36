import { joinText, lineText } from './blocks-text.ts'
import type { Line, Word } from './recognition.ts'

/** A rule between two cells that Tesseract read as a word. */
const UPRIGHT_RULE = /^[|¦]$/
/** Rules of a table that Tesseract read as words. */
const RULE = /^[|¦[\]{}_—–-]+$/
/** In line heights. The gap between two cells; the gap between words is a third of it. */
const CELL_GAP = 0.9
/** In line heights. The gap between two columns, through all rows. */
const COLUMN_GAP = 0.3

/** The share of a grid's cells that must not be empty. */
const MIN_FILLED_SHARE = 0.7
/** The share of a grid's cells that may be joined from several. */
const MAX_JOINED_SHARE = 0.1

interface Column {
  readonly x0: number
  readonly x1: number
}

interface Cell extends Column {
  text: string
}

interface Row {
  readonly line: Line
  /** Those that go on with a cell of it too. */
  readonly lines: Line[]
  readonly cells: readonly Cell[]
}

/**
 * Whether most lines, and at least two, have vertical rules between their words: a table that Tesseract took for text.
 */
export function areRuled(lines: readonly Line[]): boolean {
  const ruled = lines.filter((line) => line.words.slice(1, -1).some((word) => UPRIGHT_RULE.test(word.text)))
  return ruled.length >= 2 && ruled.length * 2 > lines.length
}

/** A stretch of rows of equal length, or one line of text. */
export type TablePart = { readonly lines: Line[] } & (
  { readonly rows: readonly string[][] } | { readonly text: string }
)

/**
 * Sorts a table's lines into cells by the gaps that run through its rows. A line with only one cell is a title or note
 * and is returned as text, unless it continues the cell above. Rows that form no grid are returned as text, line by
 * line, with ` | ` between the cells.
 */
export function tableParts(lines: readonly Line[]): TablePart[] {
  const stretches: Row[][] = []
  for (const line of lines) {
    const row = { line, lines: [line], cells: toCells(line) }
    const stretch = stretches.at(-1)
    const last = stretch?.at(-1)
    const [only, ...others] = row.cells
    if (only === undefined) continue
    const above = others.length > 0 ? undefined : cellAbove(only, last, line.height)
    if (above !== undefined) {
      above.text = joinText(above.text, only.text)
      last?.lines.push(line)
    } else if (stretch === undefined || others.length === 0 || last?.cells.length === 1) stretches.push([row])
    else stretch.push(row)
  }
  return stretches.flatMap(toParts)
}

/** Returns the cell of the row above that a single cell continues. In the first column it begins a new row instead. */
function cellAbove(cell: Cell, row: Row | undefined, height: number): Cell | undefined {
  return row?.cells.slice(1).find((above) => Math.abs(above.x0 - cell.x0) < 0.5 * height)
}

function toParts(stretch: readonly Row[]): TablePart[] {
  const columns = columnsOf(stretch)
  const rows = stretch.map(({ cells }) =>
    columns.map((column) => cells.filter((cell) => cell.x0 < column.x1 && cell.x1 > column.x0)),
  )
  const all = rows.flat()
  const filled = all.filter((cells) => cells.length > 0).length
  // Rows that are together by accident cross each other's columns: they form no grid.
  const crowded = all.filter((cells) => cells.length > 1).length
  if (
    rows.length >= 2 &&
    columns.length >= 2 &&
    filled >= MIN_FILLED_SHARE * all.length &&
    crowded <= MAX_JOINED_SHARE * all.length
  ) {
    return [
      { lines: stretch.flatMap(({ lines }) => lines), rows: rows.map((row) => row.map((cells) => textOf(cells, ' '))) },
    ]
  }
  return stretch.map(({ lines, cells }) => ({ lines, text: textOf(cells, ' | ') }))
}

function textOf(cells: readonly Cell[], between: string): string {
  return cells.map((cell) => cell.text).join(between)
}

function toCells(line: Line): Cell[] {
  const cells: Word[][] = []
  let end = -Infinity
  for (const word of line.words) {
    if (RULE.test(word.text)) {
      end = -Infinity
      continue
    }
    if (word.box.x0 - end > CELL_GAP * line.height) cells.push([])
    cells.at(-1)?.push(word)
    end = word.box.x1
  }
  return cells.map((words) => ({
    x0: Math.min(...words.map((word) => word.box.x0)),
    x1: Math.max(...words.map((word) => word.box.x1)),
    text: lineText(words, line.height),
  }))
}

/** Returns the columns that the cells of several rows fall into. */
function columnsOf(rows: readonly Row[]): Column[] {
  const columns: Column[] = []
  const gap = COLUMN_GAP * Math.max(0, ...rows.map((row) => row.line.height))
  for (const { x0, x1 } of rows.flatMap((row) => row.cells).toSorted((a, b) => a.x0 - b.x0)) {
    const last = columns.at(-1)
    if (last === undefined || x0 - last.x1 >= gap) columns.push({ x0, x1 })
    else columns[columns.length - 1] = { x0: last.x0, x1: Math.max(last.x1, x1) }
  }
  return columns
}
