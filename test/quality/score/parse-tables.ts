import { parseTree, type Element } from './html-tree.ts'
import { strip } from './normalize-text.ts'
import { layOut, type Table, type WrittenCell } from './table-grid.ts'

/** Finds all tables of a text: those in Markdown, then those in HTML. */
export function parseTables(text: string): readonly Table[] {
  return [...parseMarkdownTables(text), ...parseHtmlTables(text)]
}

/**
 * Finds tables in Markdown as olmOCR-bench does: two lines or more that hold a `|`, one after the other. Their first row
 * and first column are headings.
 */
export function parseMarkdownTables(text: string): readonly Table[] {
  const blocks: string[][] = []
  let isOpen = false
  for (const line of strip(text).split('\n')) {
    const isRow = line.includes('|')
    if (isRow && isOpen) blocks.at(-1)?.push(line)
    else if (isRow) blocks.push([line])
    isOpen = isRow
  }
  return blocks.filter((lines) => lines.length >= 2).flatMap((lines) => tableOf(rowsOf(lines)))
}

function tableOf(rows: readonly (readonly WrittenCell[])[]): readonly Table[] {
  const table = layOut(rows)
  return table === null ? [] : [table]
}

function rowsOf(lines: readonly string[]): readonly (readonly WrittenCell[])[] {
  const rule = lines.findIndex((line) => consistsOf(strip(line.replaceAll('|', '')), '- :'))
  return lines
    .filter((line, index) => index !== rule && (strip(line) === '' || !consistsOf(line, '- :|')))
    .map(cellsOf)
    .filter((cells) => cells.length > 0)
    .map((cells, row) =>
      cells.map((text, column) => ({ text, rowSpan: 1, columnSpan: 1, isHeading: row === 0 || column === 0 })),
    )
}

function consistsOf(text: string, signs: string): boolean {
  return text !== '' && Array.from(text).every((sign) => signs.includes(sign))
}

/** One empty cell at each end comes of the pipes there. */
function cellsOf(line: string): readonly string[] {
  const cells = line.split('|').map(strip)
  if (cells[0] === '') cells.shift()
  if (cells.at(-1) === '') cells.pop()
  return cells
}

/** Finds tables in HTML as olmOCR-bench does: `th`, and whatever stands in a `thead`, are headings. */
export function parseHtmlTables(text: string): readonly Table[] {
  return parseTree(text)
    .find((name) => name === 'table')
    .flatMap((table) => {
      const rows = table.find((name) => name === 'tr')
      return tableOf(rows.map((row, index) => htmlRow(row, rows.length - index)))
    })
}

/** `rowsLeft` counts the row itself. */
function htmlRow(row: Element, rowsLeft: number): readonly WrittenCell[] {
  const isHead = row.isWithin('thead')
  return row.children
    .filter((child) => typeof child !== 'string' && (child.name === 'td' || child.name === 'th'))
    .map((child) => {
      const cell = child as Element
      const toTheEnd = strip(cell.attributes.get('rowspan') ?? '') === '0'
      return {
        text: strip(cell.text()),
        rowSpan: toTheEnd ? rowsLeft : spanOf(cell.attributes.get('rowspan')),
        columnSpan: spanOf(cell.attributes.get('colspan')),
        isHeading: cell.name === 'th' || isHead,
      }
    })
}

function spanOf(written: string | undefined): number {
  const span = /^[+-]?\d+$/.test(strip(written ?? '')) ? Number(written) : 1
  return span > 0 ? span : 1
}
