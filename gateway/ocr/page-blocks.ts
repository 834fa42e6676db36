import { pixelBox, type Box } from '../page/box.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { LedgerPage } from './ledger.ts'

/** A block of a page, as the model tells it apart from others. */
export interface PageBlock {
  /** What the model calls it: `title`, `page_number`. */
  readonly label: string
  /** It goes on with the block before it. */
  readonly continues: boolean
  readonly text: string
  /** As the model wrote it: `![image](100,200,500,700)`. */
  readonly mark: string
  /** In pixels of the page image; null where what the model says of places is not about the page. */
  readonly place: Box | null
  /** Whether it stands in the upper half. */
  readonly isAbove: boolean
}

/** The blocks of a page's text, and what stands before the first. */
export interface PageBlocks {
  readonly before: string
  readonly blocks: readonly PageBlock[]
}

/** Finds the blocks of a page, as the model has written them; null where the model was not asked for them, or marks none. */
export function pageBlocks(
  text: string,
  {
    width,
    height,
    isTiled,
    isFallback,
    closing,
  }: Pick<LedgerPage, 'width' | 'height' | 'isTiled' | 'isFallback' | 'closing'>,
  { model, task }: Pick<OcrRequest, 'model' | 'task'>,
): PageBlocks | null {
  if (task !== LAYOUT || isFallback) return null
  // What seems open where a mark stands in front of it need not be open without.
  const read = text.slice(0, text.length - closing)
  const marks = model.profile.findBlocks?.(read) ?? []
  if (marks.length === 0) return null
  const blocks = marks.map(({ label, continues, start, textStart, end, box }): PageBlock => {
    const place = isTiled || width === null || height === null ? null : pixelBox(box, { width, height })
    const [mark, text] = [read.slice(start, textStart).trim(), read.slice(textStart, end).trim()]
    return { label, continues, text, mark, place, isAbove: box.top + box.bottom < 1 }
  })
  return { before: read.slice(0, marks[0]?.start ?? 0).trim(), blocks }
}

/** The task in which a model marks blocks. */
const LAYOUT = 'layout'
