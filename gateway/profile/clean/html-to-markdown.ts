import { serializeOuter } from 'parse5'
import { attributeOf, elementsNamed, isElement, textOf } from './html-tree.ts'
import type { HtmlElement, HtmlNode, HtmlTree } from './html-tree.ts'

/** Elements that stand in lines of their own. */
const BLOCK: ReadonlySet<string> = new Set(
  'p div h1 h2 h3 h4 h5 h6 ul ol table pre hr blockquote section article header footer form figure figcaption center dl dt dd'.split(
    ' ',
  ),
)

/**
 * Writes nodes of an answer as Markdown. Formulas get dollars, tables stay HTML, byte by byte but for their formulas. Signs are
 * written as they stand on the page, like other models do; only a dollar beside formulas is escaped.
 */
export function htmlToMarkdown(nodes: readonly HtmlNode[], { source }: Pick<HtmlTree, 'source'>): string {
  const context = { source, escapesDollars: elementsNamed(nodes, 'math').length > 0 }
  return blocksOf(nodes, context).join('\n\n')
}

interface Context {
  readonly source: string
  readonly escapesDollars: boolean
}

/** Joins what is inline between two blocks into a block of its own. */
function blocksOf(nodes: readonly HtmlNode[], context: Context): string[] {
  const blocks: string[] = []
  let line: HtmlNode[] = []
  const end = () => {
    blocks.push(lineOf(line, context))
    line = []
  }
  for (const node of nodes) {
    if (!isElement(node) || !isBlock(node)) {
      line.push(node)
      continue
    }
    end()
    blocks.push(...blockOf(node, context))
  }
  end()
  return blocks.filter((block) => block !== '')
}

function isBlock(element: HtmlElement): boolean {
  return BLOCK.has(element.tagName) || isDisplayMath(element)
}

const isDisplayMath = (element: HtmlElement): boolean =>
  element.tagName === 'math' && attributeOf(element, 'display') === 'block'

function blockOf(element: HtmlElement, context: Context): string[] {
  const { tagName, childNodes } = element
  if (tagName === 'table') return [tableOf(element, context)]
  if (tagName === 'math') return [`$$\n${latexOf(element)}\n$$`]
  if (tagName === 'hr') return ['---']
  if (tagName === 'ul' || tagName === 'ol') return [listOf(element, context)]
  if (tagName === 'pre') return [fenced(textOf(childNodes))]
  if (/^h[1-6]$/.test(tagName)) {
    const heading = lineOf(childNodes, context).replaceAll(/\n+/g, ' ')
    return heading === '' ? [] : [`${'#'.repeat(Number(tagName[1]))} ${heading}`]
  }
  const blocks = blocksOf(childNodes, context)
  return tagName === 'blockquote' ? [blocks.join('\n\n').replaceAll(/^/gm, '> ')] : blocks
}

function fenced(code: string): string {
  const longest = (code.match(/`{3,}/g) ?? []).reduce((most, { length }) => Math.max(most, length), 2)
  const ticks = '`'.repeat(longest + 1)
  return `${ticks}\n${code.replace(/^\n+/, '').trimEnd()}\n${ticks}`
}

function listOf(list: HtmlElement, context: Context): string {
  const isNumbered = list.tagName === 'ol'
  let number = Number(attributeOf(list, 'start') ?? 1) || 1
  const lines = list.childNodes.filter(isElement).map((item) => {
    const mark = isNumbered ? `${number++}. ` : '- '
    const blocks = item.tagName === 'li' ? blocksOf(item.childNodes, context) : blockOf(item, context)
    const isTight = blocks.every((block, index) => index === 0 || /^(?:- |\d+\. )/.test(block))
    const text = blocks.join(isTight ? '\n' : '\n\n')
    return text === '' ? '' : mark + text.replaceAll(/\n(?=[^\n])/g, `\n${' '.repeat(mark.length)}`)
  })
  return lines.filter((line) => line !== '').join('\n')
}

/** Returns a table as it was written, its formulas in dollars and its boxes as signs. */
function tableOf(table: HtmlElement, { source }: Context): string {
  const place = table.sourceCodeLocation
  if (place == null) return serializeOuter(table)
  let [html, from] = ['', place.startOffset]
  const inner = [...elementsNamed([table], 'math'), ...elementsNamed([table], 'input')]
  const placed = inner.flatMap((element) =>
    element.sourceCodeLocation == null ? [] : [{ element, at: element.sourceCodeLocation }],
  )
  for (const { element, at } of placed.toSorted((a, b) => a.at.startOffset - b.at.startOffset)) {
    if (at.startOffset < from) continue
    html += source.slice(from, at.startOffset) + (element.tagName === 'math' ? `$${latexOf(element)}$` : boxOf(element))
    from = at.endOffset
  }
  return html + source.slice(from, place.endOffset)
}

/** Returns a formula in one line, without dollars that the model may have written itself. */
function latexOf(element: HtmlElement): string {
  const lines = textOf([element])
    .split('\n')
    .map((line) => line.trim())
  const latex = lines.filter((line) => line !== '').join(' ')
  const [, inner] = /^\${1,2}([^$]*)\${1,2}$/.exec(latex) ?? []
  return (inner ?? latex).trim()
}

function boxOf(input: HtmlElement): string {
  const isChecked = attributeOf(input, 'checked') !== null
  const type = attributeOf(input, 'type')
  if (type === 'radio') return isChecked ? '◉' : '○'
  if (type === 'checkbox') return isChecked ? '☑' : '☐'
  return attributeOf(input, 'value') ?? ''
}

function lineOf(nodes: readonly HtmlNode[], context: Context): string {
  const text = nodes.map((node) => inlineOf(node, context)).join('')
  return text
    .replaceAll(/ {2,}/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .trim()
}

const AROUND: Readonly<Record<string, string>> = { b: '**', strong: '**', i: '*', em: '*', del: '~~', s: '~~' }
/** What Markdown has no sign for. */
const KEPT: ReadonlySet<string> = new Set(['u', 'sup', 'sub'])

function inlineOf(node: HtmlNode, context: Context): string {
  if ('value' in node) return plain(node.value, context)
  if (!isElement(node)) return ''
  const { tagName, childNodes } = node
  if (tagName === 'br') return '\n'
  if (tagName === 'math') return isDisplayMath(node) ? `$$${latexOf(node)}$$` : `$${latexOf(node)}$`
  if (tagName === 'input') return boxOf(node)
  if (tagName === 'img') return (attributeOf(node, 'alt') ?? '').replaceAll(/\s+/g, ' ')
  if (tagName === 'code' || tagName === 'chem') return `\`${textOf(childNodes).replaceAll(/\s+/g, ' ')}\``
  if (isBlock(node)) return ` ${blockOf(node, context).join(' ')} `
  const text = childNodes.map((child) => inlineOf(child, context)).join('')
  if (KEPT.has(tagName)) return `<${tagName}>${text}</${tagName}>`
  const href = tagName === 'a' ? attributeOf(node, 'href') : null
  if (href !== null && /^(?:https?:|mailto:)[^\s()<>]*$/.test(href)) return `[${text.trim()}](${href})`
  return around(text, AROUND[tagName] ?? '')
}

/** Marks stand at the words and not at the spaces beside them. */
function around(text: string, mark: string): string {
  const inner = text.trim()
  if (mark === '' || inner === '') return text
  const [start = '', end = ''] = [/^\s*/.exec(text)?.[0], /\s*$/.exec(text)?.[0]]
  return `${start}${mark}${inner}${mark}${end}`
}

function plain(text: string, { escapesDollars }: Context): string {
  const line = text.replaceAll(/\s+/g, ' ').replaceAll(/<(?=[a-z/!])/gi, '&lt;')
  return escapesDollars ? line.replaceAll('$', String.raw`\$`) : line
}
