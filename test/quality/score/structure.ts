import type { Heading, RootContent } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { ratio } from './indel.ts'
import { normalizeText } from './normalize-text.ts'
import { parseTables } from './parse-tables.ts'
import type { Table } from './table-grid.ts'

/** What is alike in the structure of a text and of the truth. Shares, 0 to 1; null where the truth has none. */
export interface Structure {
  /** Headings that both have, at the same level, by those of both (F1). */
  readonly headings: number | null
  /** Cells that stand in the same column of the same row, by those of both (F1). */
  readonly tables: number | null
}

/** Two texts that are as much alike are the same. */
const SAME = 0.9

/** Compares headings and tables of a text with those of the truth; the truth is Markdown, the text may hold HTML. */
export function compareStructure(truth: string, text: string): Structure {
  const [wanted, found] = [headingsOf(truth), headingsOf(text)]
  const tables = parseTables(truth)
  return {
    headings: wanted.length === 0 ? null : commonHeadings(wanted, found),
    tables: tables.length === 0 ? null : commonTables(tables, parseTables(text)),
  }
}

interface FoundHeading {
  readonly level: number
  readonly text: string
}

function headingsOf(markdown: string): readonly FoundHeading[] {
  return fromMarkdown(markdown)
    .children.filter((node): node is Heading => node.type === 'heading')
    .map((node) => ({ level: node.depth, text: normalizeText(textOf(node)).trim() }))
}

function textOf(node: Heading | RootContent): string {
  if ('value' in node) return node.value
  return 'children' in node ? node.children.map(textOf).join('') : ''
}

function commonHeadings(wanted: readonly FoundHeading[], found: readonly FoundHeading[]): number {
  const left = [...found]
  let common = 0
  for (const heading of wanted) {
    const at = left.findIndex(({ level, text }) => level === heading.level && ratio(text, heading.text) >= SAME)
    if (at < 0) continue
    left.splice(at, 1)
    common += 1
  }
  return (2 * common) / (wanted.length + found.length)
}

/** Each true table is held against the one that is most like it, and each other table counts as wrong cells. */
function commonTables(wanted: readonly Table[], found: readonly Table[]): number {
  const left = [...found]
  let common = 0
  for (const table of wanted) {
    const shares = left.map((other) => commonCells(table, other))
    const best = shares.indexOf(Math.max(0, ...shares))
    if (best < 0) continue
    common += shares[best] ?? 0
    left.splice(best, 1)
  }
  const cells = (tables: readonly Table[]) => tables.reduce((sum, table) => sum + table.length, 0)
  return (2 * common) / (cells(wanted) + cells(found))
}

/** Rows and cells of a table that are looked at: no true table has more. */
const MAX_ROWS = 300

/** Counts cells that are the same in both, rows in the same order: a row too many does not make the rest wrong. */
function commonCells(one: Table, other: Table): number {
  const [rows, others] = [rowsOf(one), rowsOf(other)]
  let above = new Float64Array(others.length + 1)
  for (const row of rows) {
    const current = new Float64Array(others.length + 1)
    others.forEach((candidate, at) => {
      const same = row.filter((text, column) => isSame(text, candidate[column])).length
      current[at + 1] = Math.max(above[at]! + same, above[at + 1]!, current[at]!)
    })
    above = current
  }
  return above.at(-1) ?? 0
}

function isSame(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return false
  return one === other || (one.length > 0 && other.length > 0 && ratio(one, other) >= SAME)
}

function rowsOf(table: Table): readonly (readonly (string | undefined)[])[] {
  const rows: (string | undefined)[][] = []
  for (const { row, column, text } of table) if (row < MAX_ROWS) (rows[row] ??= [])[column] = normalizeText(text).trim()
  return Array.from(rows, (row) => row ?? [])
}
