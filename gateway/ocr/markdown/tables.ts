import { isTable, rowsOf } from './html-text.ts'
import { decodeEntities, replaceOutsideRaw, scanMarkup, type Piece, type Tag } from './markup.ts'
import { cellsOf, tableHeight } from './pipe-table.ts'
import { blank, proseOf } from './prose.ts'

/** How a table is written. */
export type TableFormat = 'markdown' | 'html'

/** A table, and where it stands in a page's Markdown. */
export interface FoundTable {
  readonly start: number
  readonly end: number
  /** How the model wrote it. */
  readonly format: TableFormat
  /** As the model wrote it. */
  readonly content: string
}

/** Finds the tables of a text, in HTML and in Markdown, in their order; tables within tables are part of these. */
export function findTables(markdown: string): FoundTable[] {
  const prose = proseOf(markdown)
  const inHtml = htmlTables(prose)
  const found = (format: TableFormat, places: readonly Place[]): FoundTable[] =>
    places.map(([start, end]) => ({ start, end, format, content: markdown.slice(start, end) }))
  const inMarkdown = pipeTables(without(prose, inHtml))
  return [...found('html', inHtml), ...found('markdown', inMarkdown)].toSorted((a, b) => a.start - b.start)
}

/** Writes spaces where places are. */
function without(text: string, places: readonly Place[]): string {
  let end = 0
  const parts = places.map(([start, placeEnd]) => {
    const part = text.slice(end, start) + blank(text.slice(start, placeEnd))
    end = placeEnd
    return part
  })
  return parts.join('') + text.slice(end)
}

type Place = readonly [start: number, end: number]

function htmlTables(prose: string): Place[] {
  const pieces = scanMarkup(prose)
  const places: Place[] = []
  let at = 0
  for (let index = 0; index < pieces.length; index++) {
    const end = isTable(pieces, index) ? (pieces[index] as Tag).partner : null
    const length = lengthOf(pieces.slice(index, (end ?? index) + 1))
    if (end !== null) places.push([at, at + length])
    at += length
    index = end ?? index
  }
  return places
}

const lengthOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { text }) => sum + text.length, 0)

function pipeTables(prose: string): Place[] {
  const lines = prose.split('\n')
  const places: Place[] = []
  let at = 0
  for (let index = 0; index < lines.length; index++) {
    const height = tableHeight(lines, index)
    const length = lines.slice(index, index + Math.max(1, height)).join('\n').length
    if (height > 0) places.push([at, at + length])
    at += length + 1
    index += Math.max(0, height - 1)
  }
  return places
}

/**
 * Writes a table in a format. HTML that Markdown's tables cannot hold stays as it is: cells over several rows or columns,
 * tables within cells, captions.
 */
export function writeTable(
  { format, content }: FoundTable,
  wanted: TableFormat,
): Pick<FoundTable, 'format' | 'content'> {
  if (format === wanted) return { format, content }
  if (wanted === 'html') return { format: wanted, content: htmlTable(content) }
  const written = pipeTable(content)
  return written === null ? { format, content } : { format: wanted, content: written }
}

function htmlTable(content: string): string {
  const [head = '', , ...body] = content.split('\n')
  const rows = body.map((line) => htmlRow(line, 'td'))
  return `<table><thead>${htmlRow(head, 'th')}</thead><tbody>${rows.join('')}</tbody></table>`
}

function htmlRow(line: string, cell: 'td' | 'th'): string {
  const cells = cellsOf(line).map((text) => `<${cell}>${htmlCell(text.trim())}</${cell}>`)
  return `<tr>${cells.join('')}</tr>`
}

const BOLD = /\*\*(?<bold>[^*\n]+)\*\*/

/** Writes a cell of a Markdown table as HTML: its tags stay, and its bold becomes one. */
function htmlCell(text: string): string {
  const escaped = scanMarkup(text).map((piece) => {
    const isMarkup =
      piece.kind === 'void' || piece.kind === 'comment' || (piece.kind !== 'text' && piece.partner !== null)
    return isMarkup ? piece.text : escapeHtml(decodeEntities(piece.text))
  })
  return replaceOutsideRaw(escaped.join(''), BOLD, ({ bold = '' }) => `<strong>${bold}</strong>`)
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const escapeHtml = (text: string): string => text.replaceAll(/[&<>]/g, (sign) => ESCAPES[sign] ?? sign)

const SPAN = /\s(?:col|row)span\s*=\s*["']?0*(?:[2-9]|1\d)/i

function pipeTable(content: string): string | null {
  const pieces = scanMarkup(content).slice(1, -1)
  const tags = pieces.filter((piece): piece is Tag => piece.kind === 'open')
  if (tags.some(({ name, text }) => name === 'table' || name === 'caption' || SPAN.test(text))) return null
  const rows = rowsOf(pieces)
  const columns = rows.reduce((most, cells) => Math.max(most, cells.length), 0)
  if (columns === 0) return null
  const [head = [], ...body] = rows.map((cells) =>
    Array.from({ length: columns }, (_, column) => pipeCell(cells[column])),
  )
  return [head, Array<string>(columns).fill('---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

const pipeCell = (text = ''): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(/(?<!\\)\|/g, String.raw`\|`)
