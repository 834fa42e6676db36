import type { JoinWish } from '../../request/ocr-request.ts'
import type { JoinedBlock } from '../ledger.ts'
import { lastItem, listJoint } from './list-joint.ts'
import { areLinesApart, isOpenWithin } from './prose-shape.ts'
import { sentenceJoint, type Compounds } from './sentence.ts'
import { tableJoint } from './table-joint.ts'
import type { TableShape } from './table-shape.ts'
import { isFootnote, isPlain, type EdgeBlocks, type TextBlock } from './text-blocks.ts'

/** A page's Markdown, as far as its neighbours may go on with it. */
export interface JoinablePage {
  readonly text: string
  readonly blocks: EdgeBlocks
  /** How the table began that goes on at its beginning, and where that ends; null: none does. */
  readonly table: { readonly shape: TableShape; readonly until: number } | null
}

/** How the texts of two pages are put together. */
export interface Cut {
  /** Where the first one ends. */
  readonly cutAt: number
  readonly between: string
  /** What stands in the place of the second one's text up to `from`. */
  readonly head: string
  readonly from: number
}

/** A block that the end of a page has cut. */
export interface Joint {
  readonly kind: JoinedBlock['kind']
  /** Where the block begins on the first page. */
  readonly start: number
  /** Where on the first page that begins what stays behind the block: footnotes. The length of the text: nothing does. */
  readonly tailAt: number
  /** Where the block ends on the second page. */
  readonly blockEnd: number
  /** As the two stand in one text. */
  readonly written: Cut
  /** As each is a text of its own. */
  readonly alone: Cut
  readonly table: TableShape | null
}

/** Finds what the end of a page has cut; null where nothing was, and where that is doubtful. */
export function findJoint(
  before: JoinablePage,
  after: JoinablePage,
  { paragraphs, tables }: JoinWish,
  compounds: Compounds,
): Joint | null {
  const notes = before.blocks.last.findIndex((block) => !isFootnote(block))
  if (notes === -1 || after.blocks.first.length === 0) return null
  const tailAt = before.blocks.last[notes - 1]?.start ?? before.text.length
  const last = before.blocks.last.slice(notes)
  const table = tables ? tableJoint(before, last, after, tailAt) : null
  if (table !== null || !paragraphs) return table
  return listOf(last, after.blocks.first, tailAt) ?? paragraphJoint(before, last, after, tailAt, compounds)
}

function listOf(last: readonly TextBlock[], first: readonly TextBlock[], tailAt: number): Joint | null {
  const found = listJoint(last, first)
  const [[end], [begin]] = [last, first]
  if (found === null || end === undefined || begin === undefined) return null
  const cut = { cutAt: end.end, between: found.between, head: '', from: begin.start }
  return { kind: 'list', start: found.start, tailAt, blockEnd: begin.end, written: cut, alone: cut, table: null }
}

function paragraphJoint(
  { text }: JoinablePage,
  [end]: readonly TextBlock[],
  { text: following, blocks }: JoinablePage,
  tailAt: number,
  compounds: Compounds,
): Joint | null {
  const [begin] = blocks.first
  if (end === undefined || begin === undefined || !isPlain(begin) || areLinesApart(begin.lines)) return null
  const lines = isPlain(end) ? end.lines : lastItem(end)
  if (lines === null || areLinesApart(lines)) return null
  const paragraph = lines.join('\n').trimEnd()
  const from = begin.start + (begin.lines[0] ?? '').search(/\S/)
  if (isOpenWithin(paragraph)) return null
  const found = sentenceJoint(paragraph.trimStart(), following.slice(from, begin.end), compounds)
  if (found === null) return null
  const { kind, dropped, between } = found
  const cut = { cutAt: end.end - dropped, between, head: '', from }
  const start = text.indexOf(paragraph, end.start)
  return { kind, start: Math.max(end.start, start), tailAt, blockEnd: begin.end, written: cut, alone: cut, table: null }
}
