import { scanBlocks } from './blocks.ts'
import { BLOCK, scanMarkup } from './markup.ts'
import type { Piece, Tag } from './markup.ts'

/** A page's Markdown with nothing left open, and how what was open began. */
export interface ClosedMarkdown {
  readonly text: string
  /** "```", `<table>`, `$$`; in the order in which they were closed. */
  readonly openers: readonly string[]
}

/** What is left open, and the line, or the end of a line, that closes it. */
interface Open {
  readonly opener: string
  readonly closer: string
}

/** How all begins that can be left open. Most pages have none of it, and need not be searched. */
const MAY_BE_OPEN = /`{3}|~{3}|<|\$\$|\\\[/
const MAY_BE_MATH = /\$\$|\\\[/

/**
 * Closes what is open at the end of a page: a code block, a comment, HTML elements, display mathematics. The pages that
 * follow would be inside it. Code is left alone, and so is what only looks open: "cost $$", `a<b>c`.
 */
export function closeOpen(markdown: string): ClosedMarkdown {
  if (!MAY_BE_OPEN.test(markdown)) return { text: markdown, openers: [] }
  const { lines, open } = scanBlocks(markdown)
  const isPre = open?.opener === '<pre>'
  // The tags inside an open `<pre>` are tags, and it is one of them.
  const end = open === null || isPre ? lines.length : open.line
  const prose = lines.slice(0, end).map(({ role, text }) => (role === 'text' ? text : ''))
  const math = MAY_BE_MATH.test(markdown) ? openMath(prose) : null
  const elements = openElements(scanMarkup(prose.join('\n')))
  const block = isPre && elements.some(({ opener }) => opener === '<pre>') ? null : open
  if (block === null && math === null && elements.length === 0) return { text: markdown, openers: [] }
  let text = elements.some(({ opener }) => opener === '<table>') ? endTag(markdown) : markdown
  for (const { closer } of [block, math].filter((it) => it !== null)) text = `${endLine(text)}${closer}`
  const tags = elements.map(({ closer }) => closer).join('')
  const isInline = block === null && math === null && !elements.some(({ closer }) => BLOCK.has(closer.slice(2, -1)))
  if (tags !== '') text = `${isInline ? text : endLine(text)}${tags}`
  return { text, openers: [block, math, ...elements].flatMap((it) => it?.opener ?? []) }
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}

/** Ends a tag that was cut off: it would take in what follows up to the next `>`. */
function endTag(text: string): string {
  const tag = /<\/?[a-z][^<>\n]{0,500}$/i.exec(text)?.[0]
  if (tag === undefined) return text
  return `${text}${(tag.match(/"/g)?.length ?? 0) % 2 === 1 ? '"' : ''}>`
}

/** Elements that end where their parent does, or where the next of their kind begins. */
const OPTIONAL_END: ReadonlySet<string> = new Set(
  'p li dt dd tr td th thead tbody tfoot caption colgroup col'.split(' '),
)
/** As tags they are rare, and as signs common: "a<b>c", `Set<a>`. */
const ONE_LETTER: ReadonlySet<string> = new Set('a b i q s u'.split(' '))

/** Returns the elements that are open at the end, the innermost first. */
function openElements(pieces: readonly Piece[]): Open[] {
  const open = pieces.filter(
    (piece, index): piece is Tag =>
      piece.kind === 'open' && piece.partner === null && !isSign(piece, pieces[index - 1]),
  )
  const parent = open.findLastIndex(({ name }) => BLOCK.has(name) && !OPTIONAL_END.has(name))
  const last = new Map(open.map(({ name }, index) => [name, index]))
  const left = open.filter(
    ({ name }, index) => !OPTIONAL_END.has(name) || (parent >= 0 && index > parent && last.get(name) === index),
  )
  return left.toReversed().map(({ name }) => ({ opener: `<${name}>`, closer: `</${name}>` }))
}

function isSign({ name }: Tag, before: Piece | undefined): boolean {
  return ONE_LETTER.has(name) && before?.kind === 'text' && /[\p{L}\p{N}]$/u.test(before.text)
}

const ANY_MARK = /\$\$|\\[[\]]/
const MATH_MARK = /(?<![\\$])\$\$(?!\$)|(?<!\\)\\[[\]]/g
/** A line may be ten million spaces: a group without an end takes a place on the stack for each. */
const CONTAINER_MARKS = /^(?:[ \t]{1,1000}|>|[-+*] |\d{1,9}[.)] ){0,1000}/
const CLOSERS: Readonly<Record<string, string>> = { $$: '$$', '\\[': '\\]' }

/** Finds display mathematics that begins a line and is open at the end. */
function openMath(prose: readonly string[]): Open | null {
  let open: (Open & { readonly isDisplay: boolean; readonly line: number; readonly from: number }) | null = null
  for (const [index, line] of prose.entries()) {
    // Mathematics in the middle of a line ends with its paragraph.
    if (open?.isDisplay === false && line.trim() === '') open = null
    if (!ANY_MARK.test(line)) continue
    const start = CONTAINER_MARKS.exec(line)![0].length
    const bare = line.replaceAll(/(?<!`)(`+)(?!`)[^`\n]{1,500}\1(?!`)/g, (code) => ' '.repeat(code.length))
    for (const { 0: mark, index: at } of bare.matchAll(MATH_MARK)) {
      if (open !== null) {
        if (open.closer.endsWith(mark)) open = null
        continue
      }
      const closer = CLOSERS[mark]
      if (closer === undefined) continue
      const prefix = line.slice(0, start).replaceAll(/[^>\s]/g, ' ')
      open = { opener: mark, closer: prefix + closer, isDisplay: at === start, line: index, from: at + mark.length }
    }
  }
  if (open?.isDisplay !== true) return null
  const { line, from } = open
  const after = [prose[line]!.slice(from), ...prose.slice(line + 1, line + 20)].join('\n')
  return isMath(after) ? open : null
}

/** Tells mathematics from a price class: "$$ moderate". */
function isMath(text: string): boolean {
  const bare = text.replaceAll(MATH_MARK, '')
  return /[\\^_={}]/.test(bare) || !/\p{L}{4}/u.test(bare)
}
