import type { EngineBlock } from '../engine.ts'
import { placeOf } from './blocks-place.ts'
import { toPieces } from './blocks-pieces.ts'
import type { Piece } from './blocks-pieces.ts'
import { escapeInline, escapeStart } from './blocks-text.ts'
import type { Block } from './recognition.ts'

/** What was read on a page as text, and where its parts stand on the image. */
export interface WrittenPage {
  /** Empty for a page without text. */
  readonly text: string
  readonly blocks: readonly EngineBlock[]
}

/** Writes what Tesseract read on one page as Markdown, in reading order. */
export function blocksToMarkdown(blocks: readonly Block[]): WrittenPage {
  return write(toPieces(blocks), markdownOf)
}

/** Writes what Tesseract read on one page as text without any marks, in reading order. */
export function blocksToText(blocks: readonly Block[]): WrittenPage {
  return write(toPieces(blocks), textOf)
}

function write(pieces: readonly Piece[], writePiece: (piece: Piece) => string): WrittenPage {
  let text = ''
  let previous: Piece | undefined
  const blocks: EngineBlock[] = []
  for (const piece of pieces) {
    const between = previous?.kind === 'item' && piece.kind === 'item' ? '\n' : '\n\n'
    if (previous !== undefined) text += between
    const start = text.length
    text += writePiece(piece)
    blocks.push({ start, end: text.length, ...placeOf(piece.lines) })
    previous = piece
  }
  return { text, blocks }
}

function markdownOf(piece: Piece): string {
  if (piece.kind === 'heading') return `${'#'.repeat(piece.level)} ${escapeInline(piece.text)}`
  if (piece.kind === 'table') return tableMarkdown(piece.rows)
  const lines = piece.text.split('\n').map((line) => escapeStart(escapeInline(line)))
  // Markdown keeps a line break after two spaces.
  if (piece.kind === 'paragraph') return lines.join('  \n')
  return `${piece.marker} ${lines.join(`  \n${' '.repeat(piece.marker.length + 1)}`)}`
}

function tableMarkdown([head = [], ...body]: readonly (readonly string[])[]): string {
  return [rowMarkdown(head), rowMarkdown(head.map(() => '---')), ...body.map(rowMarkdown)].join('\n')
}

function rowMarkdown(cells: readonly string[]): string {
  return `| ${cells.map((cell) => escapeInline(cell).replaceAll('|', '\\|')).join(' | ')} |`
}

function textOf(piece: Piece): string {
  if (piece.kind === 'item') return `${piece.marker} ${piece.text}`
  if (piece.kind !== 'table') return piece.text
  return piece.rows.map((cells) => cells.filter((cell) => cell !== '').join('  ')).join('\n')
}
