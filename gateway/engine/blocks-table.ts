import { joinText, lineText } from './blocks-text.ts'
import type { Line, Word } from './tesseract/recognition.ts'

/** A word that is the rule between two cells, read as a character. */
const UPRIGHT_RULE = /^[|¦]$/
/** Words that are the rules of a table, read as characters. */
const RULE = /^[|¦[\]{}_—–-]+$/
/** In line heights: white space between two cells; between words it is a third of that. */
const CELL_GAP = 0.9
/** In line heights: white space that runs through all rows between two columns. */
const COLUMN_GAP = 0.3

/** Of a grid's cells, so many have something in them. */
const FILLED = 0.7

interface Column {
  readonly x0: number
  readonly x1: number
}

interface Cell extends Column {
  text: string
}

/** Whether most of the lines, two at least, have upright rules between their words: a table that was taken for text. */
export function areRuled(lines: readonly Line[]): boolean {
  const ruled = lines.filter((line) => line.words.slice(1, -1).some((word) => UPRIGHT_RULE.test(word.text)))
  return ruled.length >= 2 && ruled.length * 2 > lines.length
}

/** A stretch of rows of equal length, or one line of text. */
export type TablePart = { readonly rows: readonly string[][] } | { readonly text: string }

/**
 * Sorts a table's lines into cells by the white space that runs through its rows. Lines with one cell only are its
 * titles and notes and come back as text, but for those that go on with the cell above. What does not fill a grid comes
 * back as text line by line, ` | ` between its cells.
 */
export function tableParts(lines: readonly Line[]): TablePart[] {
  const rows = lines.map((line) => ({ line, cells: toCells(line) })).filter((row) => row.cells.length > 0)
  const columns = columnsOf(rows.filter((row) => row.cells.length > 1))
  const stretches: Cell[][][] = []
  for (const { line, cells } of rows) {
    const grid = stretches.at(-1)
    const last = grid?.at(-1)
    const [only] = cells
    if (cells.length === 1 && only !== undefined) {
      const above = last?.find((cell) => Math.abs(cell.x0 - only.x0) < 0.5 * line.height)
      if (last !== undefined && last.length > 1 && above !== undefined && above !== last[0])
        above.text = joinText(above.text, only.text)
      else stretches.push([cells])
    } else if (grid === undefined || last?.length === 1) {
      stretches.push([cells])
    } else {
      grid.push(cells)
    }
  }
  return stretches.flatMap((stretch) => toParts(stretch, columns))
}

function toParts(stretch: readonly Cell[][], columns: readonly Column[]): TablePart[] {
  const rows = stretch.map((cells) =>
    columns.map((column) =>
      textOf(
        cells.filter((cell) => cell.x0 < column.x1 && cell.x1 > column.x0),
        ' ',
      ),
    ),
  )
  const filled = rows.flat().filter((cell) => cell !== '').length
  if (rows.length >= 2 && columns.length >= 2 && filled >= FILLED * rows.length * columns.length) return [{ rows }]
  return stretch.map((cells) => ({ text: textOf(cells, ' | ') }))
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

/** The columns that the cells of several rows fall into. */
function columnsOf(rows: readonly { readonly line: Line; readonly cells: readonly Cell[] }[]): Column[] {
  const columns: Column[] = []
  const gap = COLUMN_GAP * Math.max(0, ...rows.map((row) => row.line.height))
  for (const { x0, x1 } of rows.flatMap((row) => row.cells).toSorted((a, b) => a.x0 - b.x0)) {
    const last = columns.at(-1)
    if (last === undefined || x0 - last.x1 >= gap) columns.push({ x0, x1 })
    else columns[columns.length - 1] = { x0: last.x0, x1: Math.max(last.x1, x1) }
  }
  return columns
}
