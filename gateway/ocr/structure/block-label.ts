import type { PageBlock } from '../page-blocks.ts'
import type { BlockType } from './block.ts'

/** What models call the blocks that they mark; what is not here is text. Written in lower case, with underscores. */
const TYPES: ReadonlyMap<string, BlockType> = new Map(
  Object.entries({
    title: ['title', 'doc_title', 'document_title'],
    heading: ['section', 'section_header', 'section_heading', 'heading', 'paragraph_title', 'sub_title'],
    list: ['list', 'list_item', 'list_group'],
    table: ['table', 'chart'],
    formula: ['formula', 'equation', 'equation_block', 'display_formula'],
    figure: ['image', 'picture', 'figure', 'diagram'],
    caption: ['caption', 'image_caption', 'figure_caption', 'table_caption'],
    code: ['code', 'code_block', 'algorithm'],
    header: ['header', 'page_header'],
    footer: ['footer', 'page_footer'],
    footnote: ['footnote', 'page_footnote'],
  } satisfies Partial<Record<BlockType, string[]>>).flatMap(([type, labels]) =>
    labels.map((label) => [label, type as BlockType] as const),
  ),
)

/** Returns what a block is that a model marks. */
export function blockTypeOf({ label, isAbove }: Pick<PageBlock, 'label' | 'isAbove'>): BlockType {
  const name = label.toLowerCase().replaceAll(/[\s-]/g, '_')
  if (name === 'page_number') return isAbove ? 'header' : 'footer'
  return TYPES.get(name) ?? 'text'
}
