import { boxIn, writeBlocks, type BlockLabel, type LaidBlock } from './layout-blocks.ts'

const LABELS: Readonly<Record<string, BlockLabel>> = {
  title: 'title',
  sub_title: 'section',
  image: 'image',
  figure: 'image',
  table: 'table',
  equation: 'formula',
  formula: 'formula',
  list: 'list',
  code: 'code',
  header: 'header',
  footer: 'footer',
  page_header: 'header',
  page_footer: 'footer',
  page_number: 'page_number',
  footnote: 'footnote',
  page_footnote: 'footnote',
  table_footnote: 'footnote',
  image_footnote: 'footnote',
  caption: 'caption',
  image_caption: 'caption',
  table_caption: 'caption',
  code_caption: 'caption',
  aside_text: 'aside_text',
}

/** What a place is counted in: run_dpsk_ocr2_pdf.py divides by 999. */
const FRAME = { width: 999, height: 999 }

const TAG = /<\|ref\|>([^<]{0,200})<\|\/ref\|>(?:<\|det\|>([^<]{0,4000})<\|\/det\|>)?/g
/** Tags that the end of the answer cuts off, and those without a partner. */
const CUT = /<\|(?:ref|det)\|>[^<]{0,200}$/
const REST = /<\|\/?(?:ref|det)\|>/g
const END = /<｜end▁of▁sentence｜>/g

/**
 * Makes Markdown of an answer with DeepSeek's tags: `<|ref|>title<|/ref|><|det|>[[205, 132, 790, 157]]<|/det|>` before each
 * block. Anything else stays as it is.
 */
export function blocksFromGrounding(text: string, task: string): string {
  const answer = text.replaceAll(END, '').replaceAll('\\coloneqq', ':=').replaceAll('\\eqqcolon', '=:')
  const tags = [...answer.matchAll(TAG)]
  if (tags.length === 0) return answer === text && !text.includes('<|') ? text : bare(answer)
  const blocks = tags.map((tag, index): LaidBlock => {
    const [all, label = '', places = ''] = tag
    const content = answer.slice(tag.index + all.length, tags[index + 1]?.index)
    return { label: LABELS[label.trim()] ?? 'text', box: boxIn(firstPlace(places), FRAME), text: bare(content) }
  })
  const before: LaidBlock = { label: 'text', box: null, text: bare(answer.slice(0, tags[0]?.index)) }
  return writeBlocks([before, ...blocks], task)
}

/** Returns a part of an answer without tags that have no partner. */
function bare(part: string): string {
  return part.replace(CUT, '').replaceAll(REST, '').trim()
}

/** Reads the first of the places that a tag names. */
function firstPlace(places: string): readonly number[] {
  return (places.match(/\d{1,6}(?:\.\d{1,6})?/g) ?? []).slice(0, 4).map(Number)
}
