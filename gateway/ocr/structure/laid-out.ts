import type { OcrRequest } from '../../request/ocr-request.ts'
import { closeOpen } from '../markdown/close-open.ts'
import { pageBlocks, type PageBlock } from '../page-blocks.ts'
import type { PageResult } from '../page-event.ts'
import { figureLink } from '../page-figures.ts'
import type { Block } from './block.ts'
import { blockTypeOf } from './block-label.ts'
import { sidesOf } from './block-places.ts'

/** A page whose blocks its model marks, without the marks: what they say is said of the blocks. */
export interface LaidOutPage {
  readonly markdown: string
  readonly blocks: readonly Block[]
  /** What the gateway has closed, because what follows would be inside it: `<table>`. */
  readonly openers: readonly string[]
}

/** Writes a page whose blocks the model marked; null for any other page. */
export function laidOutPage(page: number, result: PageResult, request: OcrRequest): LaidOutPage | null {
  const found = pageBlocks(result.text, { ...result, closing: 0 }, request)
  if (found === null) return null
  let markdown = found.before
  const blocks: Block[] =
    markdown === '' ? [] : [{ type: 'text', level: null, start: 0, end: markdown.length, box: null, confidence: null }]
  const openers: string[] = []
  let images = 0
  for (const block of found.blocks) {
    const type = blockTypeOf(block)
    const picture = type === 'figure' ? pictureOf(block, page, images++, result, request) : ''
    // Each block is closed by itself: what follows would be inside it.
    const closed = closeOpen([picture, block.text].filter((part) => part !== '').join('\n\n'))
    const own = closed.text
    if (own === '') continue
    openers.push(...closed.openers)
    if (markdown !== '') markdown += block.continues ? (type === 'text' ? ' ' : '\n') : '\n\n'
    const start = markdown.length
    markdown += own
    const box = block.place === null ? null : sidesOf(block.place)
    blocks.push({ type, level: levelOf(type, own), start, end: markdown.length, box, confidence: null })
  }
  return { markdown, blocks, openers }
}

/** Only what a model calls an image is cut out, and its marks are counted. */
function pictureOf(
  { mark }: PageBlock,
  page: number,
  index: number,
  { figures: cut }: PageResult,
  { figures }: OcrRequest,
): string {
  if (figures?.marks === 'drop') return ''
  const figure = cut?.[index] ?? null
  if (figure === null || (figures?.marks !== 'reference' && figures?.marks !== 'embed')) return mark
  return figureLink(page, index, '', figure, figures.marks)
}

function levelOf(type: Block['type'], text: string): number | null {
  if (type !== 'title' && type !== 'heading') return null
  const marks = /^#{1,6}(?=[ \t])/.exec(text)?.[0].length
  return marks ?? (type === 'title' ? 1 : 2)
}
