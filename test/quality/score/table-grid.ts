/** One cell as its table writes it. */
export interface WrittenCell {
  readonly text: string
  /** At least 1. */
  readonly rowSpan: number
  readonly columnSpan: number
  readonly isHeading: boolean
}

/** One cell in its place, and its neighbours: where cells span, a cell has several in one direction. */
export interface Cell extends WrittenCell {
  readonly row: number
  readonly column: number
  readonly up: readonly Cell[]
  readonly down: readonly Cell[]
  readonly left: readonly Cell[]
  readonly right: readonly Cell[]
}

/** A table, as its cells in order. */
export type Table = readonly Cell[]

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] }
type PlacedCell = Mutable<Cell>
type Grid = readonly (readonly (PlacedCell | null)[])[]

/** A page has no more: what a hostile span asks for beyond them is cut. */
const MAX_SPAN = 1000

/**
 * Lays out rows of cells as olmOCR-bench does (`_build_table_data_from_specs` in olmocr/bench/table_parsing.py), which is
 * as a browser does, but that a row may be open at its end. Returns null for a table without cells.
 */
export function layOut(rows: readonly (readonly WrittenCell[])[]): Table | null {
  const cells: PlacedCell[] = []
  const grid = placeCells(rows, cells)
  if (cells.length === 0) return null
  for (const cell of cells) {
    cell.left = neighbours(grid, cell, 'row', -1)
    cell.right = neighbours(grid, cell, 'row', 1)
    cell.up = neighbours(grid, cell, 'column', -1)
    cell.down = neighbours(grid, cell, 'column', 1)
  }
  return cells
}

/** A cell that reaches into the rows below, and into how many still. */
interface Reaching {
  readonly cell: PlacedCell
  readonly left: number
}

function placeCells(rows: readonly (readonly WrittenCell[])[], cells: PlacedCell[]): Grid {
  const grid: (PlacedCell | null)[][] = []
  const reaching: (Reaching | null)[] = []
  rows.forEach((written, row) => grid.push(placeRow(written, row, reaching, cells)))
  while (reaching.some((each) => each !== null)) grid.push(reaching.map((_, column) => takeReaching(reaching, column)))
  const width = Math.max(0, ...grid.map((places) => places.findLastIndex((cell) => cell !== null) + 1))
  return grid.map((places) => Array.from({ length: width }, (_, column) => places[column] ?? null))
}

function placeRow(
  written: readonly WrittenCell[],
  row: number,
  reaching: (Reaching | null)[],
  cells: PlacedCell[],
): (PlacedCell | null)[] {
  const places: (PlacedCell | null)[] = []
  let next = 0
  while (next < written.length || places.length < reaching.length) {
    const column = places.length
    if ((reaching[column] ?? null) !== null || next >= written.length) {
      places.push(takeReaching(reaching, column))
      continue
    }
    const { rowSpan, columnSpan, ...rest } = written[next++]!
    const spans = { rowSpan: Math.min(rowSpan, MAX_SPAN), columnSpan: Math.min(columnSpan, MAX_SPAN) }
    const cell: PlacedCell = { ...rest, ...spans, row, column, up: [], down: [], left: [], right: [] }
    cells.push(cell)
    for (let offset = 0; offset < cell.columnSpan; offset++) {
      reaching[column + offset] = cell.rowSpan > 1 ? { cell, left: cell.rowSpan - 1 } : null
      places.push(cell)
    }
  }
  return places
}

function takeReaching(reaching: (Reaching | null)[], column: number): PlacedCell | null {
  const found = reaching[column] ?? null
  if (found === null) return null
  reaching[column] = found.left > 1 ? { ...found, left: found.left - 1 } : null
  return found.cell
}

/** The nearest other cells in one direction, one for each row or column that the cell takes; empty places are passed over. */
function neighbours(grid: Grid, cell: PlacedCell, along: 'row' | 'column', step: -1 | 1): PlacedCell[] {
  const found = new Set<PlacedCell>()
  const lastRow = cell.row + cell.rowSpan - 1
  const lastColumn = cell.column + cell.columnSpan - 1
  if (along === 'row') {
    const from = step < 0 ? cell.column - 1 : lastColumn + 1
    for (let row = cell.row; row <= lastRow; row++) addFirst(found, cell, (steps) => grid[row]?.[from + steps * step])
  } else {
    const from = step < 0 ? cell.row - 1 : lastRow + 1
    for (let column = cell.column; column <= lastColumn; column++)
      addFirst(found, cell, (steps) =>
        grid[from + steps * step] === undefined ? undefined : (grid[from + steps * step]![column] ?? null),
      )
  }
  return [...found]
}

function addFirst(
  found: Set<PlacedCell>,
  self: PlacedCell,
  at: (steps: number) => PlacedCell | null | undefined,
): void {
  for (let steps = 0; ; steps++) {
    const cell = at(steps)
    if (cell === undefined) return
    if (cell === null || cell === self) continue
    found.add(cell)
    return
  }
}

/**
 * Returns the headings of a cell in one direction: those that are marked as headings on the way to the edge, or, where
 * none is, the cells at the edge.
 */
export function headingsOf(cell: Cell, direction: 'up' | 'left'): readonly Cell[] {
  const seen = new Set<Cell>([cell])
  const headings: Cell[] = []
  const ends: Cell[] = []
  // A set grows while it is walked.
  for (const current of seen) {
    if (current !== cell && current.isHeading) headings.push(current)
    if (current !== cell && current[direction].length === 0) ends.push(current)
    for (const next of current[direction]) seen.add(next)
  }
  return headings.length > 0 ? headings : ends
}
