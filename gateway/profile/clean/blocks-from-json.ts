import { readItems } from './json-items.ts'
import { boxIn, formulaBlock, writeBlocks, type BlockLabel, type LaidBlock } from './layout-blocks.ts'

/** How a model writes a page as a JSON list of `{"bbox": [x1, y1, x2, y2], "category": "Text", "text": "…"}`. */
export interface JsonBlocks {
  /** What its categories are called here; any other is text. In lower case. */
  readonly labels: Readonly<Record<string, BlockLabel>>
  /** What the numbers of a place are counted in; null where that is not known. */
  readonly frame: { readonly width: number; readonly height: number } | null
}

/** Makes Markdown of such a list. Anything else stays as it is. */
export function blocksFromJson(text: string, task: string, { labels, frame }: JsonBlocks): string {
  const items = readItems(text)
  if (items === null || !items.some((item) => 'bbox' in item || 'category' in item)) return text
  const blocks = items.map((item): LaidBlock => {
    const { bbox, category, text: content } = item
    const label = labels[typeof category === 'string' ? category.toLowerCase() : ''] ?? 'text'
    const said = typeof content === 'string' ? content.trim() : ''
    const box = frame !== null && Array.isArray(bbox) ? boxIn(bbox, frame) : null
    return { label, box, text: label === 'formula' ? formulaBlock(said) : said }
  })
  return writeBlocks(blocks, task)
}
