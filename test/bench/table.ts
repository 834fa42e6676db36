/** One row of a benchmark's table; the columns of the first row are everyone's. */
export type Row = Readonly<Record<string, string>>

/** Prints rows as a table: the first column on the left, figures on the right. */
export function printTable(rows: readonly Row[]): void {
  const columns = Object.keys(rows[0] ?? {})
  const width = (column: string) => Math.max(column.length, ...rows.map((row) => row[column]?.length ?? 0))
  const head = Object.fromEntries(columns.map((column) => [column, column]))
  const line = (row: Row) =>
    columns
      .map((column, index) => (index === 0 ? row[column]?.padEnd(width(column)) : row[column]?.padStart(width(column))))
      .join('  ')
  process.stdout.write(`\n${[head, ...rows].map(line).join('\n')}\n\n`)
}

/** Prints whether a bar was met; returns it. */
export function printBar(text: string, isMet: boolean): boolean {
  process.stdout.write(`${isMet ? 'met   ' : 'MISSED'} ${text}\n`)
  return isMet
}
