/** Wider columns are not padded, and neither are tables with more columns: padding must not outgrow the text. */
const MAX_PADDED_WIDTH = 60
const MAX_PADDED_COLUMNS = 40
const BETWEEN_CELLS = '   '

/** Writes the rows of a table as lines, the cells in columns. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const lines = rows.map((cells) => cells.map((cell) => cell.replaceAll(/\s+/g, ' ').trim()))
  const columns = lines.reduce((most, cells) => Math.max(most, cells.length), 0)
  const widths = Array.from({ length: columns }, (_, column) =>
    lines.reduce((width, cells) => Math.max(width, Math.min(MAX_PADDED_WIDTH, cells[column]?.length ?? 0)), 0),
  )
  return lines
    .map((cells) => {
      if (columns > MAX_PADDED_COLUMNS) return cells.filter((cell) => cell !== '').join(BETWEEN_CELLS)
      return cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(BETWEEN_CELLS)
        .trimEnd()
    })
    .filter((line) => line !== '')
    .join('\n')
}
