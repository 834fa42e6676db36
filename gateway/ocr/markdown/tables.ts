import { isTable } from './html-text.ts'
import { decodeEntities, replaceOutsideRaw, scanMarkup, type Piece, type Tag } from './markup.ts'
import { cellsOf, tableHeight } from './pipe-table.ts'
import { blank, proseOf } from './prose.ts'
import { isElement, MAX_TABLE_CHARACTERS, parseTable, sectionsOf } from './table-tree.ts'
import { cleanTable, escapeHtml, markdownText, pipeTable } from './table-writers.ts'

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

/** A table that was written in a format. */
export interface WrittenTable extends Pick<FoundTable, 'format' | 'content'> {
  /** It would have taken too long to parse, or has a comment: it is as the model wrote it. */
  readonly isLeft?: true
}

/**
 * Writes a table in a format; HTML is repaired on the way. What Markdown's tables cannot hold becomes HTML: cells over several
 * rows or columns, tables within cells, captions.
 */
export function writeTable({ format, content }: FoundTable, wanted: TableFormat): WrittenTable {
  if (format === 'markdown')
    return wanted === format ? { format, content } : { format: wanted, content: htmlTable(content) }
  // A comment may have taken in all text behind it, which would be lost.
  const nodes = content.includes('<!--') ? null : parseTable(content)
  if (nodes === null) return { format, content, isLeft: true }
  const tables = nodes.filter((node) => isElement(node)).filter(({ tagName }) => tagName === 'table')
  if (!tables.some((table) => sectionsOf(table).length > 0)) return { format, content }
  const pipes = wanted === 'markdown' ? tables.map(pipeTable) : [null]
  const isWritten = pipes.every((table) => table !== null)
  const beside = markdownText(nodes.filter((node) => !isElement(node) || node.tagName !== 'table')).trim()
  const parts = [...(beside === '' ? [] : [beside]), ...(isWritten ? pipes : tables.map(cleanTable))]
  return { format: isWritten ? 'markdown' : 'html', content: parts.join('\n\n') }
}

/** A page's Markdown with its tables in one format, and how many of them are as the model wrote them. */
export interface WrittenTables {
  readonly text: string
  readonly left: number
}

/** Writes all tables of a text in a format. A table of Markdown stands between blank lines; within a quote it stays HTML. */
export function writeTables(markdown: string, wanted: TableFormat): WrittenTables {
  let text = ''
  let end = 0
  let left = 0
  let charactersLeft = MAX_TABLE_CHARACTERS
  let hasGap = false
  for (const found of findTables(markdown)) {
    charactersLeft -= found.content.length
    if (charactersLeft < 0) {
      left += 1
      continue
    }
    const line = lineBefore(markdown, found.start)
    const { format, content, isLeft } = writeTable(found, CONTAINER.test(line) ? 'html' : wanted)
    if (isLeft === true) left += 1
    const isNew = format !== found.format
    const between = markdown.slice(end, found.start)
    text += between
    // Behind a table that is new, too, there is a blank line already.
    if (isNew && format === 'markdown' && !(hasGap && between.trim() === ''))
      text += gapBefore(markdown, found.start, line)
    text += isNew ? content.replaceAll('\n', `\n${indentOf(line)}`) : content
    end = found.end
    hasGap = isNew
    if (isNew) text += gapAfter(markdown, end)
  }
  return { text: text + markdown.slice(end), left }
}

/** What matters of a line stands near its beginning and its end. In characters. */
const MAX_LOOK = 1000

/** Returns what stands before a table on its line. */
function lineBefore(markdown: string, start: number): string {
  const before = markdown.slice(Math.max(0, start - MAX_LOOK), start)
  return before.slice(before.lastIndexOf('\n') + 1)
}

/** A mark of a list or a quote before a table: its lines would need one, or spaces, each. */
const CONTAINER = /^[ \t]*(?:>|[-+*][ \t]|\d{1,9}[.)][ \t])/
const indentOf = (line: string): string => (line.trim() === '' ? line : '')

/** A paragraph would take in the first line of a table. */
function gapBefore(markdown: string, start: number, line: string): string {
  if (line.trim() !== '') return '\n\n'
  const above = markdown.slice(Math.max(0, start - line.length - MAX_LOOK), start - line.length)
  return above.trim() === '' || /\n[ \t]*\n$/.test(above) ? '' : `\n${line}`
}

/** A table takes in what follows up to a blank line. */
function gapAfter(markdown: string, end: number): string {
  const following = markdown.slice(end, end + 200)
  if (following.trim() === '' || /^[ \t]*\n[ \t]*\n/.test(following)) return ''
  return /^[ \t]*\n/.test(following) ? '\n' : '\n\n'
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

const ESCAPED = /\\(?<sign>[!-/:-@[-`{-~])/

/** Removes the backslashes of Markdown, which Tesseract's text has: outside of code and mathematics. */
const unescaped = (text: string): string => replaceOutsideRaw(text, ESCAPED, ({ sign = '' }) => sign)

const BOLD = /\*\*(?<bold>[^*\n]+)\*\*/

/** Writes a cell of a Markdown table as HTML: its tags stay, and its bold becomes one. */
function htmlCell(text: string): string {
  const escaped = scanMarkup(text).map((piece) => {
    const isMarkup =
      piece.kind === 'void' || piece.kind === 'comment' || (piece.kind !== 'text' && piece.partner !== null)
    return isMarkup ? piece.text : escapeHtml(unescaped(decodeEntities(piece.text)))
  })
  return replaceOutsideRaw(escaped.join(''), BOLD, ({ bold = '' }) => `<strong>${bold}</strong>`)
}
