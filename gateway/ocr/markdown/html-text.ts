import { inlineText } from './inline-text.ts'
import { BLOCK, decodeEntities, scanMarkup } from './markup.ts'
import type { Piece, Tag } from './markup.ts'
import { tableText } from './table-text.ts'

/** A part of a page's text. */
export interface HtmlPart {
  readonly text: string
  /** The marks of its Markdown are removed too: it was a table. */
  readonly isFinal: boolean
}

/** Removes HTML: tags that HTML has and that are closed again, and comments. Tables become lines. */
export function htmlText(markdown: string): readonly HtmlPart[] {
  const pieces = scanMarkup(markdown)
  const parts: HtmlPart[] = []
  const lists: List[] = []
  let text = ''
  let depth = 0
  for (let index = 0; index < pieces.length; index++) {
    const piece = pieces[index]!
    if (isTable(pieces, index)) {
      const end = (piece as Tag).partner ?? pieces.length
      parts.push({ text: endLine(text), isFinal: false })
      parts.push({ text: tableText(rowsOf(pieces.slice(index + 1, end))), isFinal: true })
      text = '\n'
      index = end
      continue
    }
    if (piece.kind === 'comment') continue
    if (piece.kind === 'text')
      text += raise(pieces, index, text) ?? (depth > 0 ? decodeEntities(piece.text) : piece.text)
    else if (!isElement(piece, lists)) text += piece.text
    else {
      depth += piece.kind === 'open' ? 1 : piece.kind === 'close' ? -1 : 0
      text = addTag(text, piece, lists, pieces[index + 1])
    }
  }
  parts.push({ text, isFinal: false })
  return parts
}

/** Tells whether a table begins here: one that is closed again, or that the answer was cut off in. */
export function isTable(pieces: readonly Piece[], index: number): boolean {
  const piece = pieces[index]
  if (piece?.kind !== 'open' || piece.name !== 'table') return false
  const next = pieces.slice(index + 1, index + 3).find(({ kind, text }) => kind !== 'text' || text.trim() !== '')
  return piece.partner !== null || (next !== undefined && 'name' in next && BLOCK.has(next.name))
}

/** A list that is open, and the number of its last item. */
interface List {
  readonly isNumbered: boolean
  number: number
}

/** Tells whether a tag counts: it is closed again, or an item of a list. */
function isElement({ kind, name, partner }: Tag, lists: readonly List[]): boolean {
  return kind === 'void' || partner !== null || (name === 'li' && lists.length > 0)
}

const PARAGRAPH = /^(?:p|h[1-6]|blockquote|ul|ol|dl)$/

/** Writes what a tag leaves in the text. */
function addTag(text: string, { kind, name, text: tag }: Tag, lists: List[], next: Piece | undefined): string {
  if (kind === 'void')
    return name === 'br' && !(next?.kind === 'text' && /^[ \t]*\n/.test(next.text)) ? `${text}\n` : text
  if (name === 'ul' || name === 'ol') {
    if (kind === 'close') lists.pop()
    else lists.push({ isNumbered: name === 'ol', number: Number(/\sstart\s*=\s*["']?(\d+)/i.exec(tag)?.[1] ?? 1) - 1 })
  }
  if (name === 'li' && kind === 'open') {
    const list = lists.at(-1)!
    list.number += 1
    return `${endLine(text)}${'  '.repeat(Math.min(lists.length, 8) - 1)}${list.isNumbered ? `${list.number}. ` : '- '}`
  }
  if (!BLOCK.has(name)) return text
  const ended = endLine(text)
  return PARAGRAPH.test(name) && kind === 'close' && lists.length === 0 && ended !== '' ? `${ended}\n` : ended
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text.trimEnd()}\n`
}

const RAISED: ReadonlyMap<string, string> = new Map(
  Array.from('0123456789+-−=()n', (sign, index) => [sign, Array.from('⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ')[index]!]),
)

/** Writes the exponent of a number with raised signs: without its tags, 10<sup>2</sup> would be another number. */
function raise(pieces: readonly Piece[], index: number, before: string): string | null {
  const [tag, piece] = [pieces[index - 1], pieces[index]!]
  const isExponent = tag?.kind === 'open' && tag.name === 'sup' && tag.partner === index + 1 && /\d$/.test(before)
  const signs = Array.from(piece.text.trim(), (sign) => RAISED.get(sign))
  return isExponent && signs.length > 0 && !signs.includes(undefined) ? signs.join('') : null
}

/** A cell over more columns or rows is in no table of a page. */
const MAX_SPAN = 50

/** Returns the cells of a table's rows. A cell over several columns or rows leaves empty ones beside or below it. */
export function rowsOf(pieces: readonly Piece[]): readonly (readonly string[])[] {
  const table = startTable()
  let depth = 0
  for (const [index, piece] of pieces.entries()) {
    if (piece.kind === 'comment') continue
    if (piece.kind === 'text') {
      table.write(raise(pieces, index, table.written()) ?? decodeEntities(inlineText(piece.text)))
      continue
    }
    const { kind, name, text } = piece
    if (name === 'table') depth += kind === 'open' ? 1 : -1
    const isOwn = depth === 0 && name !== 'table'
    if (isOwn && kind === 'open' && (name === 'td' || name === 'th')) table.cell(text)
    else if (isOwn && /^(?:tr|caption|thead|tbody|tfoot)$/.test(name)) table.endRow()
    else if (BLOCK.has(name) || kind === 'void') table.write(' ')
    else if (piece.partner === null) table.write(text)
  }
  return table.rows
}

function startTable() {
  const rows: string[][] = []
  /** How many rows more the cell above takes, by column. */
  const taken: number[] = []
  let row: string[] | null = null
  let current = 0

  function beginRow(): string[] {
    row = []
    rows.push(row)
    return row
  }

  function skipTaken(cells: string[], end: number): void {
    for (let column = cells.length; column < end && (taken[column] ?? 0) > 0; column++) {
      taken[column]! -= 1
      cells.push('')
    }
  }

  return {
    rows,
    written: () => row?.[current] ?? '',
    write(text: string): void {
      if (row === null && text.trim() === '') return
      const cells = row ?? beginRow()
      if (cells.length === 0) cells.push('')
      current = Math.min(current, cells.length - 1)
      cells[current] += text
    },
    cell(tag: string): void {
      const cells = row ?? beginRow()
      skipTaken(cells, taken.length)
      current = cells.length
      for (let column = 0; column < spanOf(tag, 'col'); column++) {
        taken[cells.length] = spanOf(tag, 'row') - 1
        cells.push('')
      }
    },
    endRow(): void {
      if (row !== null)
        for (let column = row.length; column < taken.length; column++) if (taken[column]! > 0) taken[column]! -= 1
      row = null
      current = 0
    },
  }
}

function spanOf(tag: string, direction: 'col' | 'row'): number {
  const span = new RegExp(String.raw`\b${direction}span\s*=\s*["']?(\d+)`, 'i').exec(tag)?.[1] ?? '1'
  return Math.max(1, Math.min(MAX_SPAN, Number(span)))
}
