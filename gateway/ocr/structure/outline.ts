import type { OcrDocumentHeading } from '../../wire/openai/ocr-document.ts'
import { abstractAfter, isAbstractName } from './abstract.ts'
import type { Block } from './block.ts'
import { MAX_SAMPLE } from './language.ts'

/** What is known of a document once all its pages have been seen. */
export interface Outline {
  readonly title: string | null
  readonly abstract: string | null
  readonly headings: readonly OcrDocumentHeading[]
  /** Text without markup, from its beginning. */
  readonly sample: string
}

/** A page as the outline sees it. */
export interface OutlinePage {
  readonly page: number
  readonly blocks: readonly Block[]
  /** Returns the text of a block without markup, of its first so many characters. */
  readonly plain: (block: Block, maxLength: number) => string
}

/** Collects the title, the headings, the abstract and a sample of the text, page by page. Holds nothing else of them. */
export interface OutlineBuilder {
  /** Returns the page's blocks; the title among them is called so. */
  add(page: OutlinePage): readonly Block[]
  end(): Outline
}

/** A title stands on one of the first pages that have text. */
const TITLE_PAGES = 3
const MAX_HEADING_LENGTH = 500
/** An answer may hold millions. */
const MAX_HEADINGS = 10_000
/** Of a block, so that the sample is of several. */
const SAMPLE_PART = 400
const SAMPLED: ReadonlySet<Block['type']> = new Set(['text', 'list', 'title', 'heading', 'footnote'])

/** Creates what collects the outline of one document. */
export function createOutline(): OutlineBuilder {
  const headings: OcrDocumentHeading[] = []
  /** The headings that the next one may stand below. */
  const above: OcrDocumentHeading[] = []
  const abstract = abstractAfter()
  let title: string | null = null
  let [pages, count, sample] = [0, 0, '']

  function addHeading(heading: OcrDocumentHeading): void {
    count += 1
    if (count > MAX_HEADINGS) return
    while ((above.at(-1)?.level ?? 0) >= heading.level) above.pop()
    const siblings = above.at(-1)?.children ?? headings
    siblings.push(heading)
    above.push(heading)
  }

  return {
    add({ page, blocks, plain }) {
      pages += blocks.length > 0 ? 1 : 0
      return blocks.map((block) => {
        const { type, start, level } = block
        if (SAMPLED.has(type) && sample.length < MAX_SAMPLE) sample += `${plain(block, SAMPLE_PART)}\n`
        abstract.add(block, plain)
        if (level === null) return block
        const text = plain(block, MAX_HEADING_LENGTH).replaceAll(/\s+/g, ' ')
        if (text === '') return block
        addHeading({ level, text, page, start, children: [] })
        if (title !== null || level !== 1 || pages > TITLE_PAGES || isAbstractName(text)) return block
        title = text
        return { ...block, type: 'title' }
      })
    },
    end: () => ({ title, abstract: abstract.end(), headings, sample }),
  }
}
