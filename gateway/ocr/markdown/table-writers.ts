import {
  childrenOf,
  isBlock,
  isElement,
  isText,
  sectionsOf,
  spanOf,
  type TableElement,
  type TableNode,
  type TableSection,
} from './table-tree.ts'
import { replaceOutsideRaw } from './markup.ts'

/** Tags that stay in cells; of their attributes only where a link leads, and what a picture is. */
const KEPT = new Set('b strong i em u s del ins sup sub code small mark kbd a'.split(' '))
const KEPT_ATTRIBUTES: Readonly<Record<string, readonly string[]>> = { a: ['href'], img: ['src', 'alt'] }

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
/** Escapes a text as HTML. */
export const escapeHtml = (text: string): string => text.replaceAll(/[&<>]/g, (sign) => ESCAPES[sign] ?? sign)
const escapeAttribute = (text: string): string => text.replaceAll(/[&<>"]/g, (sign) => ESCAPES[sign] ?? sign)

/** Writes a table as HTML on one line. Of the attributes only the spans are kept. */
export function cleanTable(table: TableElement): string {
  const caption = childrenOf(table, /^caption$/).map((it) => `<caption>${cellHtml(it)}</caption>`)
  const sections = sectionsOf(table)
  // Where a parser has put all rows into one body, there is nothing to tell apart.
  const isPlain = sections.length === 1 && sections[0]?.name === 'tbody'
  const written = sections.map(({ name, rows }) => {
    const lines = rows.map((cells) => `<tr>${cells.map(htmlCell).join('')}</tr>`).join('')
    return isPlain ? lines : `<${name}>${lines}</${name}>`
  })
  return `<table>${caption.join('')}${written.join('')}</table>`
}

function htmlCell(cell: TableElement): string {
  const spans = (['rowspan', 'colspan'] as const).map((name) => [name, spanOf(cell, name)] as const)
  const kept = spans.filter(([, span]) => span > 1).map(([name, span]) => ` ${name}="${span}"`)
  return `<${cell.tagName}${kept.join('')}>${cellHtml(cell)}</${cell.tagName}>`
}

const BREAK = '<br>'

/** Writes what a cell holds as HTML on one line. */
function cellHtml(cell: TableElement): string {
  return withoutOuterBreaks(cell.childNodes.map(htmlOf).join(''))
}

function htmlOf(node: TableNode): string {
  if (isText(node)) return escapeHtml(node.value.replaceAll(/\s+/g, ' '))
  if (!isElement(node)) return ''
  const { tagName, attrs, childNodes } = node
  if (tagName === 'table') return cleanTable(node)
  if (tagName === 'br') return BREAK
  const inside = childNodes.map(htmlOf).join('')
  if (tagName !== 'img' && !KEPT.has(tagName)) return isBlock(node) ? `${BREAK}${inside}${BREAK}` : inside
  const kept = attrs.filter(({ name }) => KEPT_ATTRIBUTES[tagName]?.includes(name) === true)
  const attributes = kept.map(({ name, value }) => ` ${name}="${escapeAttribute(value)}"`).join('')
  return tagName === 'img' ? `<img${attributes}>` : `<${tagName}${attributes}>${inside}</${tagName}>`
}

/** Blocks within a cell leave one line break between them. */
function withoutOuterBreaks(html: string): string {
  if (!html.includes(BREAK)) return html.trim()
  const lines = html.split(BREAK).map((line) => line.trim())
  return lines.filter((line) => line !== '').join(BREAK)
}

/** Writes a table as one of Markdown's; null where those cannot hold it: spans, captions, tables within, nothing at all. */
export function pipeTable(table: TableElement): string | null {
  const sections = sectionsOf(table)
  if (childrenOf(table, /^caption$/).length > 0 || sections.some(isBeyondMarkdown)) return null
  const rows = sections.flatMap(({ rows: own }) => own.map((cells) => cells.map(pipeCell)))
  const columns = rows.reduce((most, { length }) => Math.max(most, length), 0)
  if (columns === 0 || columns * rows.length > MAX_FILLED_CELLS) return null
  const [head = [], ...body] = rows.map((cells) => Array.from({ length: columns }, (_, column) => cells[column] ?? ''))
  return [head, Array<string>(columns).fill('---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Short rows are filled: filling must not outgrow the text. */
const MAX_FILLED_CELLS = 500_000

function isBeyondMarkdown({ rows }: TableSection): boolean {
  return rows.some((cells) =>
    cells.some((cell) => spanOf(cell, 'colspan') > 1 || spanOf(cell, 'rowspan') > 1 || holdsTable(cell)),
  )
}

function holdsTable({ childNodes }: TableElement): boolean {
  return childNodes.some((node) => isElement(node) && (node.tagName === 'table' || holdsTable(node)))
}

const MARKS: Readonly<Record<string, string>> = { b: '**', strong: '**', i: '*', em: '*', code: '`' }

/** Writes what a cell holds as Markdown on one line. */
function pipeCell(cell: TableElement): string {
  return withoutOuterBreaks(markdownText(cell.childNodes)).replaceAll(/(?<!\\)\|/g, String.raw`\|`)
}

/** Writes what stands beside tables, or in a cell, as Markdown on one line. */
export function markdownText(nodes: readonly TableNode[]): string {
  return nodes.map(markdownOf).join('')
}

function markdownOf(node: TableNode): string {
  if (isText(node)) return replaceOutsideRaw(node.value.replaceAll(/\s+/g, ' '), TAG_LIKE, () => '&lt;')
  if (!isElement(node)) return ''
  const { tagName, childNodes } = node
  if (tagName === 'br') return BREAK
  if (tagName === 'img' || tagName === 'a' || /^(?:su[bp]|u|s|del|ins|small|mark|kbd)$/.test(tagName)) {
    return tagName === 'img' ? htmlOf(node) : around(markdownText(childNodes), tagsOf(node))
  }
  const inside = markdownText(childNodes)
  if (isBlock(node)) return `${BREAK}${inside}${BREAK}`
  const mark = MARKS[tagName]
  return mark === undefined ? inside : around(inside, [mark, mark])
}

/** What a decoded text would open as a tag. */
const TAG_LIKE = /<(?=[a-z/!?])/

function tagsOf(node: TableElement): readonly [string, string] {
  const [opening] = htmlOf({ ...node, childNodes: [] }).split('</')
  return [opening ?? '', `</${node.tagName}>`]
}

/** Puts marks around a text, within its spaces; an empty one has none. */
function around(text: string, [opening, closing]: readonly [string, string]): string {
  const inner = text.trim()
  if (inner === '' || inner.includes(BREAK)) return text
  const start = text.indexOf(inner)
  return `${text.slice(0, start)}${opening}${inner}${closing}${text.slice(start + inner.length)}`
}
