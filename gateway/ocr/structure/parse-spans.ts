import type { RootContent } from 'mdast'
import { fromMarkdown, type Options } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { mathFromMarkdown } from 'mdast-util-math'
import { gfm } from 'micromark-extension-gfm'
import { math } from 'micromark-extension-math'
import type { Span } from './block.ts'
import { shortLines, type ShortLines } from './short-lines.ts'
import { htmlKind, paragraphType } from './span-type.ts'

/**
 * Only blocks are looked for: of GFM its footnotes, of mathematics its display. What is disabled stands within paragraphs, or is
 * no mark in what models write: a rule under a line is a rule on the page and makes no heading of it, an indented line is no
 * code, `[1]: Smith` is a reference to be read. Tables are found before.
 */
const OPTIONS: Options = {
  extensions: [
    {
      document: gfm().document ?? {},
      flow: math().flow ?? {},
      disable: {
        null: [
          'attention',
          'autolink',
          'characterEscape',
          'characterReference',
          'codeIndented',
          'codeText',
          'definition',
          'hardBreakEscape',
          'htmlText',
          'labelEnd',
          'labelStartImage',
          'labelStartLink',
          'setextUnderline',
        ],
      },
    },
  ],
  // Their transforms look for addresses in all text.
  mdastExtensions: [...gfmFromMarkdown().map(({ enter = {}, exit = {} }) => ({ enter, exit })), mathFromMarkdown()],
}

/**
 * The parser takes 20 to 50 µs for each line that is a block of its own, and 0.3 ms for a thousand signs: within these bounds
 * a page holds the event loop for less than 50 ms. Tables are not counted. A full page has 100 lines and 10,000 signs.
 */
const MAX_LINES = 800
const MAX_LENGTH = 64 * 1024
/** What it takes to begin, as lines. */
const LINES_OF_START = 2
/** The parser's time grows with the square of the depth, and no page has deeper lists or quotes. */
const MAX_DEPTH = 32
const CONTAINER_MARKS = /^(?:[ \t]{0,20}(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t])))*/
const CONTAINER_MARK = />|[-+*]|\d[.)]/g

/** Creates what finds the blocks in the texts of one page, between its tables; it answers null where that would take too long. */
export function createParser(): (markdown: string) => Span[] | null {
  let [length, lines] = [0, 0]
  return function parse(markdown) {
    const short = shortLines(markdown)
    const written = short.text.split('\n').filter((line) => line.trim() !== '')
    length += short.text.length
    lines += LINES_OF_START + written.length
    return length > MAX_LENGTH || lines > MAX_LINES || written.some(isDeep) ? null : parsed(markdown, short)
  }
}

function parsed(markdown: string, short: ShortLines): Span[] {
  // The parser leaves out a byte order mark, and counts without it.
  const { children } = fromMarkdown(short.text.replace(/^\uFEFF/, ' '), OPTIONS)
  const place = short.place()
  return children.map((node) => {
    const start = place(node.position?.start.offset ?? 0)
    const end = place(node.position?.end.offset ?? 0)
    return { ...kindOf(node, markdown.slice(start, end)), start, end }
  })
}

function isDeep(line: string): boolean {
  const [marks = ''] = CONTAINER_MARKS.exec(line) ?? []
  const indent = /^[ \t]*/.exec(line)![0].length
  return marks.length > 0 && (marks.match(CONTAINER_MARK)?.length ?? 0) + indent / 2 > MAX_DEPTH
}

function kindOf(node: RootContent, text: string): Pick<Span, 'type' | 'level'> {
  switch (node.type) {
    case 'heading':
      return { type: 'heading', level: node.depth }
    case 'html':
      return htmlKind(text)
    case 'paragraph':
      return { type: paragraphType(text), level: null }
    case 'list':
    case 'code':
      return { type: node.type, level: null }
    case 'math':
      return { type: 'formula', level: null }
    case 'footnoteDefinition':
      return { type: 'footnote', level: null }
    default:
      return { type: 'text', level: null }
  }
}
