import type { OcrDocumentChunk } from '../../wire/openai/ocr-document.ts'
import type { Block } from './block.ts'
import { createOpenChunk, stretchOf, unitOf, type Holds, type Joint, type OpenChunk, type Unit } from './open-chunk.ts'
import type { OutlinePage } from './outline.ts'
import { MAX_ATOM_TOKENS, splitText, type Cuts } from './split-text.ts'
import { tableRows } from './table-rows.ts'

/** A page as chunks are made of it. */
export interface ChunkPage extends OutlinePage {
  readonly markdown: string
}

/** Makes chunks of a document, page by page, and holds only those pages that are in the chunk that is being made. */
export interface Chunker {
  /** Returns the chunks that are complete. */
  add(page: ChunkPage): OcrDocumentChunk[]
  end(): OcrDocumentChunk[]
}

const emptyLine: Joint = () => '\n\n'
/** A heading is left alone where less than this share of a chunk is left behind it. */
const LEAST_SHARE = 0.25
const MAX_HEADING_LENGTH = 500

/**
 * Creates what makes chunks of at most so many tokens, as they are estimated. A heading begins a chunk, and stays with what
 * follows it. A table is a chunk with its headings and its captions; a longer one is cut between its rows, a longer paragraph
 * behind a sentence.
 */
export function createChunker(most: number, joint: Joint = emptyLine): Chunker {
  const open = createOpenChunk(most, joint)
  const above: { readonly level: number; readonly text: string }[] = []

  function add(block: Block, next: Block | undefined, page: ChunkPage): void {
    const unit = unitOf(page, block.start, block.end)
    if (block.level !== null) {
      if (open.holds() !== 'headings' || unit.tokens > open.room()) open.flush()
      while ((above.at(-1)?.level ?? 0) >= block.level) above.pop()
      above.push({ level: block.level, text: page.plain(block, MAX_HEADING_LENGTH) })
    }
    const section: Section = { open, most, headings: above.map(({ text }) => text) }
    if (block.level !== null) putText(section, unit, 'headings', 'sentences')
    else if (block.type === 'table') addTable(section, unit)
    else if (block.type !== 'caption' || !addCaption(section, unit, next)) addText(section, unit, cutsOf(block))
  }

  return {
    add(page) {
      for (const [index, block] of page.blocks.entries()) add(block, page.blocks[index + 1], page)
      return open.take()
    },
    end() {
      open.flush()
      return open.take()
    },
  }
}

/** The headings that a block stands below, and the chunk that it may go into. */
interface Section {
  readonly open: OpenChunk
  readonly most: number
  readonly headings: readonly string[]
}

const cutsOf = ({ type }: Block): Cuts => (type === 'list' || type === 'code' ? 'lines' : 'sentences')

function addTable({ open, most, headings }: Section, unit: Unit): void {
  const holds = open.holds()
  if (holds === 'text' || holds === 'table' || unit.tokens > open.room()) open.flush()
  if (unit.tokens <= most) open.put(unit, 'table', headings)
  else putParts({ open, most, headings }, unit, tableRows(unit.markdown.slice(unit.start, unit.end), most), 'table')
}

/** Puts a caption beside its table, above or below; false where none is there. */
function addCaption({ open, headings, most }: Section, unit: Unit, next: Block | undefined): boolean {
  if (open.holds() === 'table' && unit.tokens <= open.room()) {
    open.put(unit, 'table', headings)
    return true
  }
  if (next?.type !== 'table' || unit.tokens > most) return false
  if (open.holds() !== 'headings' || unit.tokens > open.room()) open.flush()
  open.put(unit, 'captions', headings)
  return true
}

function addText(section: Section, unit: Unit, cuts: Cuts): void {
  const { open, most } = section
  const holds = open.holds()
  const isBegun = holds !== null && holds !== 'headings'
  const isFull = isBegun || open.room() < Math.max(MAX_ATOM_TOKENS, LEAST_SHARE * most)
  if (holds === 'table' || holds === 'captions' || (unit.tokens > open.room() && isFull)) open.flush()
  putText(section, unit, 'text', cuts)
}

function putText(section: Section, unit: Unit, holds: Holds, cuts: Cuts): void {
  const { open, most, headings } = section
  const room = open.room()
  if (unit.tokens <= room) open.put(unit, holds, headings)
  else putParts(section, unit, splitText(unit.markdown.slice(unit.start, unit.end), room, most, cuts), holds)
}

/** Puts parts of a unit into chunks of their own; what follows may stand beside the last one. */
function putParts({ open, headings }: Section, unit: Unit, ends: readonly number[], holds: Holds): void {
  let start = unit.start
  for (const [index, offset] of ends.entries()) {
    const end = unit.start + offset
    const isLast = index === ends.length - 1
    // What is complete needs no room.
    open.put(isLast ? unitOf(unit, start, end) : stretchOf(unit, start, end), holds, headings)
    if (!isLast) open.flush()
    start = end
  }
}
