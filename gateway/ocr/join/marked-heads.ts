import type { OcrRequest } from '../../request/ocr-request.ts'
import { readerOf } from '../another-reading.ts'
import type { PageResult } from '../page-event.ts'
import { pageBlocks } from '../page-blocks.ts'
import type { RunningLines } from '../../request/ocr-request.ts'

/** What models call the blocks at a page's edges, in the letters that their names share: `Page-Header`, `page_header`. */
const HEADERS: ReadonlySet<string> = new Set(['header', 'pageheader', 'runningheader', 'headertext'])
const FOOTERS: ReadonlySet<string> = new Set(['footer', 'pagefooter', 'runningfooter', 'footertext'])
const NUMBERS: ReadonlySet<string> = new Set(['pagenumber', 'number', 'folio'])

/** A page's text without the blocks that were to go, and their texts. */
export interface MarkedHeads {
  readonly text: string
  readonly header: string | null
  readonly footer: string | null
}

/** Takes the blocks out of a page's text that its model marked as headers or footers; null where it marks no blocks. */
export function markedHeads(result: PageResult, request: OcrRequest): MarkedHeads | null {
  const { text } = result
  const model = readerOf(request, result)
  const isMarked = pageBlocks(text, { ...result, closing: 0 }, { ...request, model }) !== null
  if (!isMarked) return null
  const taken = { header: [] as string[], footer: [] as string[] }
  const parts: string[] = []
  let end = 0
  for (const mark of model.profile.findBlocks?.(text) ?? []) {
    const kind = kindOf(mark.label, mark.box.top + mark.box.bottom < 1)
    if (kind === null || !isTaken(kind === 'header' ? request.headers : request.footers)) continue
    parts.push(text.slice(end, mark.start))
    end = mark.end
    const block = text.slice(mark.textStart, mark.end).trim()
    if (block !== '') taken[kind].push(block)
  }
  const left = [...parts, text.slice(end)].join('')
  // Never all of a page.
  if (end === 0 || left.trim() === '') return { text, header: null, footer: null }
  return { text: left.trimEnd(), header: linesOf(taken.header), footer: linesOf(taken.footer) }
}

const linesOf = (texts: readonly string[]): string | null => (texts.length === 0 ? null : texts.join('\n'))

const isTaken = (lines: RunningLines = 'keep'): boolean => lines !== 'keep'

function kindOf(label: string, isAbove: boolean): 'header' | 'footer' | null {
  const name = label.toLowerCase().replaceAll(/[^a-z]/g, '')
  if (HEADERS.has(name)) return 'header'
  if (FOOTERS.has(name)) return 'footer'
  if (!NUMBERS.has(name)) return null
  return isAbove ? 'header' : 'footer'
}
