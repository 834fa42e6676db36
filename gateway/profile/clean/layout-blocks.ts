import type { Box } from '../../page/box.ts'

/** What blocks are called in a page's text, whatever their models call them: LightOnOCR-3's names. */
export type BlockLabel =
  | 'title'
  | 'section'
  | 'text'
  | 'list'
  | 'caption'
  | 'footnote'
  | 'aside_text'
  | 'header'
  | 'footer'
  | 'page_number'
  | 'table'
  | 'formula'
  | 'code'
  | 'image'

/** A block of a page, as a model says it. */
export interface LaidBlock {
  readonly label: BlockLabel
  /** Null where the model does not say it, or says what is no place. */
  readonly box: Box | null
  /** Markdown; HTML for tables. */
  readonly text: string
  /** Of a picture: what it shows, in one line. */
  readonly alt?: string
}

/** The task whose answer has the blocks marked. */
const LAYOUT = 'layout'

const MAX_ALT_CHARACTERS = 200

/**
 * Writes blocks as Markdown. In the task `layout` each is marked, `![label](112,80,640,455) text`; in any other, pictures are
 * alone: `![what it shows](image_1.png)112,80,640,455`. Both in thousandths of the page.
 */
export function writeBlocks(blocks: readonly LaidBlock[], task: string): string {
  let images = 0
  const written: string[] = []
  let last = ''
  for (const block of blocks) {
    if (block.label === 'image') images += 1
    const text = blockText(block, task, images).trim()
    if (text === '') continue
    // The items of one list stand together.
    const isNext = block.label === 'list' && ITEM.test(text) && ITEM.test(last)
    written.push(written.length === 0 ? '' : isNext ? '\n' : '\n\n', text)
    last = block.label === 'list' ? text : ''
  }
  return written.join('')
}

/** The mark of a list's item. */
const ITEM = /^(?:[-*+]|\d{1,9}[.)])[ \t]/

function blockText(block: LaidBlock, task: string, number: number): string {
  if (task === LAYOUT) return block.box === null ? block.text : `![${block.label}](${places(block.box)}) ${block.text}`
  return block.label === 'image' ? `${imageMark(block, number)}\n\n${block.text}` : block.text
}

function imageMark({ alt = '', box }: LaidBlock, number: number): string {
  return `![${altText(alt)}](image_${number}.png)${box === null ? '' : places(box)}`
}

/** Writes what a picture shows so that it can stand in the mark of the picture. */
export function altText(text: string): string {
  return text
    .slice(0, 2 * MAX_ALT_CHARACTERS)
    .replaceAll(/[\s[\]\\]+/g, ' ')
    .trim()
    .slice(0, MAX_ALT_CHARACTERS)
    .trim()
}

function places({ left, top, right, bottom }: Box): string {
  return [left, top, right, bottom].map((share) => Math.round(share * 1000)).join(',')
}

/**
 * Reads a place: left, top, right and bottom in a frame of this width and height. Null for anything but four numbers that
 * are a rectangle; what lies outside of the frame is cut off.
 */
export function boxIn(
  numbers: readonly unknown[],
  frame: { readonly width: number; readonly height: number },
): Box | null {
  if (numbers.length !== 4 || !numbers.every((number) => Number.isFinite(number))) return null
  const shares = numbers.map((number, index) => Number(number) / (index % 2 === 0 ? frame.width : frame.height))
  const [left = 0, top = 0, right = 0, bottom = 0] = shares.map((share) => Math.min(1, Math.max(0, share)))
  return left < right && top < bottom ? { left, top, right, bottom } : null
}

/** The frame of models that count in thousandths. */
export const THOUSANDTHS = { width: 1000, height: 1000 } as const

/** Writes LaTeX as a block of its own, unless it has marks of its own. */
export function formulaBlock(latex: string): string {
  const text = latex.trim()
  return text === '' || text.includes('$') || /^\\[[(]/.test(text) ? text : `$$\n${text}\n$$`
}
