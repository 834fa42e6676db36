import type { LedgerPage } from '../ocr/ledger.ts'
import { closeOpen } from '../ocr/markdown/close-open.ts'
import { pageBlocks, type PageBlock } from '../ocr/page-blocks.ts'
import { dataUrl } from '../ocr/page-figures.ts'
import { blockTypeOf } from '../ocr/structure/block-label.ts'
import type { MistralAnswer } from '../request/mistral.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { OcrBlock, OcrPage } from '../wire/mistral/ocr-response.ts'

/** What a page's blocks say in Mistral's words. */
export type LaidOut = Pick<OcrPage, 'markdown' | 'header' | 'footer' | 'blocks'>

type BlockType = OcrBlock['type']

/** Mistral's names for what models mark; what it has no name for is text. */
const TYPES = {
  title: 'title',
  heading: 'title',
  text: 'text',
  list: 'list',
  table: 'table',
  formula: 'equation',
  figure: 'image',
  caption: 'caption',
  code: 'code',
  header: 'header',
  footer: 'footer',
  footnote: 'text',
} as const satisfies Record<ReturnType<typeof blockTypeOf>, BlockType>

function typeOf(block: PageBlock): BlockType {
  return block.label === 'aside_text' ? 'aside_text' : TYPES[blockTypeOf(block)]
}

/**
 * Writes a page whose blocks the model marked: Markdown without the marks, headers and footers apart where that was asked for,
 * and the blocks with their places. Null for any other page.
 */
export function laidOut(text: string, page: LedgerPage, request: OcrRequest, answer: MistralAnswer): LaidOut | null {
  const found = request.output === 'markdown' ? pageBlocks(text, page, request) : null
  if (found === null) return null
  let images = 0
  const blocks = found.blocks.map((block) => {
    const type = typeOf(block)
    if (type !== 'image') return { ...block, type, imageId: null, image: '' }
    const cut = answer.pictures.inMarkdown ? (page.figures?.[images] ?? null) : null
    const imageId = `page-${page.page}-image-${++images}.jpeg`
    return { ...block, type, imageId, image: `![${imageId}](${cut === null ? imageId : dataUrl(cut)})` }
  })
  const apart = (type: BlockType, isApart: boolean) => {
    const texts = isApart ? blocks.filter((block) => block.type === type).map(({ text: it }) => it) : []
    return texts.length === 0 ? null : texts.join('\n')
  }
  const { header, footer } = answer.headsApart
  const body = blocks.filter(({ type }) => !(type === 'header' && header) && !(type === 'footer' && footer))
  return {
    markdown: closeOpen(markdownOf(found.before, body)).text,
    header: apart('header', header) ?? page.header ?? null,
    footer: apart('footer', footer) ?? page.footer ?? null,
    blocks: answer.includeBlocks ? blocks.flatMap(ocrBlock) : null,
  }
}

interface TypedBlock extends PageBlock {
  readonly type: BlockType
  readonly imageId: string | null
  /** Empty for any other block. */
  readonly image: string
}

function markdownOf(before: string, blocks: readonly TypedBlock[]): string {
  let markdown = before
  for (const { text, image, continues, type } of blocks) {
    const own = [image, text].filter((part) => part !== '').join('\n\n')
    if (own === '') continue
    const joint = continues ? (type === 'text' ? ' ' : '\n') : '\n\n'
    markdown += markdown === '' ? own : joint + own
  }
  return markdown
}

function ocrBlock({ type, text, place, imageId }: TypedBlock): OcrBlock[] {
  if (place === null) return []
  const { left, top, right, bottom } = place
  const box = { top_left_x: left, top_left_y: top, bottom_right_x: right, bottom_right_y: bottom }
  return [{ type, ...box, content: text, ...(imageId === null ? {} : { image_id: imageId }) }]
}
