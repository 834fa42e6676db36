import { htmlToMarkdown } from './html-to-markdown.ts'
import { attributeOf, elementsNamed, isElement, parseHtml, textOf } from './html-tree.ts'
import type { HtmlElement, HtmlNode, HtmlTree } from './html-tree.ts'
import { boxIn, writeBlocks, type BlockLabel, type LaidBlock } from './layout-blocks.ts'
import { stripFence } from './strip-fence.ts'

/** Datalab's names of blocks: chandra/prompts.py and surya/inference/prompts.py. Any other is text. In lower case. */
const LABELS: Readonly<Record<string, BlockLabel>> = {
  caption: 'caption',
  footnote: 'footnote',
  'equation-block': 'formula',
  'list-group': 'list',
  'page-header': 'header',
  'page-footer': 'footer',
  image: 'image',
  figure: 'image',
  diagram: 'image',
  'section-header': 'section',
  table: 'table',
  'code-block': 'code',
}
const BLANK = 'blank-page'

const BLOCK_DIV = /<div\b[^<>]{0,400}\bdata-(?:bbox|label)\s*=/i
/** An answer that is HTML without such divs. */
const OPENING = /^<(?:p|h[1-6]|div|table|ul|ol|pre|img|math|hr)[\s/>]/i

/**
 * Makes Markdown of an answer in Datalab's HTML: a div for each block, `<div data-bbox="10 20 30 40" data-label="Text">`,
 * its places counted in so many parts of the page. Anything else stays as it is.
 */
export function blocksFromHtml(text: string, task: string, scale: number): string {
  const html = stripFence(text, ['html']).trim()
  const isLaidOut = BLOCK_DIV.test(html)
  if (!isLaidOut && !(OPENING.test(html) && html.endsWith('>'))) return text
  const tree = parseHtml(html)
  if (tree === null) return isLaidOut ? withoutDivs(html) : text
  if (isLaidOut) return writeBlocks(laidBlocks(tree.nodes, tree, scale), task)
  // Text between the elements: Markdown that holds HTML.
  const isMixed = tree.nodes.some((node) => !isElement(node) && textOf([node]).trim() !== '')
  return isMixed ? text : htmlToMarkdown(tree.nodes, tree)
}

function laidBlocks(nodes: readonly HtmlNode[], tree: HtmlTree, scale: number): LaidBlock[] {
  return nodes.flatMap((node): LaidBlock[] => {
    const isDiv = isElement(node) && node.tagName === 'div'
    if (isDiv && isMarked(node)) return laidBlock(node, tree, scale)
    if (isDiv && elementsNamed(node.childNodes, 'div').some(isMarked)) return laidBlocks(node.childNodes, tree, scale)
    return [{ label: 'text', box: null, text: htmlToMarkdown([node], tree) }]
  })
}

const isMarked = (div: HtmlElement): boolean =>
  attributeOf(div, 'data-label') !== null || attributeOf(div, 'data-bbox') !== null

function laidBlock(div: HtmlElement, tree: HtmlTree, scale: number): LaidBlock[] {
  const name = (attributeOf(div, 'data-label') ?? '').toLowerCase()
  if (name === BLANK) return []
  const label = LABELS[name] ?? 'text'
  const box = boxIn(numbersOf(attributeOf(div, 'data-bbox') ?? ''), { width: scale, height: scale })
  if (label !== 'image') return [{ label, box, text: labelled(htmlToMarkdown(div.childNodes, tree), label) }]
  const [picture] = elementsNamed(div.childNodes, 'img')
  const alt = picture === undefined ? '' : (attributeOf(picture, 'alt') ?? '')
  // What it shows is said in its mark.
  if (picture !== undefined) picture.attrs = []
  return [{ label, box, alt, text: htmlToMarkdown(div.childNodes, tree) }]
}

/** Reads "[10, 20, 30, 40]" and "10 20 30 40". */
function numbersOf(text: string): readonly number[] {
  return text
    .slice(0, 100)
    .split(/[^\d.]+/)
    .filter(Boolean)
    .map(Number)
}

/** Marks what the label alone says: a heading without a heading's tag, a formula within a line. */
function labelled(markdown: string, label: BlockLabel): string {
  if (label === 'section' && markdown !== '' && !markdown.startsWith('#')) return `## ${markdown.replaceAll('\n', ' ')}`
  const [, latex] = (label === 'formula' && /^\$([^$]+)\$$/.exec(markdown)) || []
  return latex === undefined ? markdown : `$$\n${latex}\n$$`
}

/** What is left of an answer that cannot be parsed: its text, and HTML that Markdown may hold. */
function withoutDivs(html: string): string {
  const lines = html.replaceAll(/<\/?(?:div|p)(?:\s[^<>]{0,400})?>/gi, '\n').split('\n')
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n')
}
