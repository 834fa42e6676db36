import { parseFragment, type DefaultTreeAdapterTypes } from 'parse5'
import { scanMarkup } from '../markdown/markup.ts'

type Element = DefaultTreeAdapterTypes.Element
type Node = DefaultTreeAdapterTypes.ChildNode

/** A row of a table in HTML. */
export interface HtmlRow {
  /** Offsets into the table's source. */
  readonly start: number
  readonly end: number
  /** By column; a cell over several of them is empty in all but its first. */
  readonly cells: readonly string[]
  /** Whether all its cells are headers, or it stands in the table's head. */
  readonly isHead: boolean
  readonly element: Element
}

/** A table in HTML, as a browser sees it. */
export interface HtmlTable {
  readonly rows: readonly HtmlRow[]
  readonly columns: number
  readonly caption: string | null
  /** Where the start tag ends. */
  readonly startTagEnd: number
  /** Where another row may be put behind its last one, and only end tags follow; null: there is no such place. */
  readonly rowsEnd: number | null
}

/** Deeper HTML is no table of a page; browsers' rules for it take time that grows with the square of the depth. */
const MAX_DEPTH = 40

/** Reads a table with HTML's own rules; null where its source is not a table alone. */
export function readHtmlTable(source: string): HtmlTable | null {
  if (!isShallow(source)) return null
  const { childNodes } = parseFragment(source, { sourceCodeLocationInfo: true })
  const [table, ...others] = childNodes.filter((node) => !isSpace(node))
  if (table?.nodeName !== 'table' || others.length > 0) return null
  const { sourceCodeLocation: place, childNodes: nodes } = table
  if (place?.startTag === undefined || place.endTag === undefined) return null
  const parts = nodes.filter((node) => !isSpace(node)) as Element[]
  const sections = parts.filter(({ nodeName }) => SECTIONS.has(nodeName))
  if (parts.some(({ nodeName }) => !SECTIONS.has(nodeName) && !BESIDE.has(nodeName))) return null
  const rows = rowsOf(sections)
  if (rows === null || rows.length === 0) return null
  const caption = parts.find(({ nodeName }) => nodeName === 'caption')
  return {
    rows,
    columns: rows.reduce((most, { cells }) => Math.max(most, cells.length), 0),
    caption: caption === undefined ? null : textOf(caption),
    startTagEnd: place.startTag.endOffset,
    rowsEnd: rowsEndOf(sections.at(-1), rows.at(-1), parts.at(-1)),
  }
}

const SECTIONS: ReadonlySet<string> = new Set(['thead', 'tbody', 'tfoot'])
const BESIDE: ReadonlySet<string> = new Set(['caption', 'colgroup', '#comment'])

function isSpace(node: Node): boolean {
  return node.nodeName === '#text' && (node as DefaultTreeAdapterTypes.TextNode).value.trim() === ''
}

function isShallow(source: string): boolean {
  let depth = 0
  return scanMarkup(source).every((piece) => {
    depth = Math.max(0, depth + (piece.kind === 'open' ? 1 : piece.kind === 'close' ? -1 : 0))
    return depth <= MAX_DEPTH || piece.kind !== 'open' || MANY.has(piece.name)
  })
}

/** Their end tags may be left out. */
const MANY: ReadonlySet<string> = new Set(['tr', 'td', 'th'])

function rowsEndOf(section: Element | undefined, row: HtmlRow | undefined, last: Element | undefined): number | null {
  if (section === undefined || row === undefined || section !== last || section.nodeName === 'tfoot') return null
  const children = section.childNodes.filter((node) => !isSpace(node))
  if (children.at(-1) !== row.element) return null
  if (section.nodeName === 'tbody') return row.end
  const { endTag } = section.sourceCodeLocation ?? {}
  return endTag === undefined ? null : endTag.endOffset
}

/** A cell over more columns or rows is in no table of a page. */
const MAX_SPAN = 50

/** Returns the rows of all sections; null where something else stands among them, or where a browser would move it. */
function rowsOf(sections: readonly Element[]): HtmlRow[] | null {
  const rows: HtmlRow[] = []
  for (const section of sections) {
    const taken: number[] = []
    for (const node of section.childNodes) {
      if (isSpace(node) || node.nodeName === '#comment') continue
      const element = node as Element
      const place = element.sourceCodeLocation
      if (element.nodeName !== 'tr' || place?.startTag === undefined) return null
      const cells = element.childNodes.filter((child) => !isSpace(child)) as Element[]
      if (cells.some(({ nodeName }) => nodeName !== 'td' && nodeName !== 'th')) return null
      const isHead =
        section.nodeName === 'thead' || (cells.length > 0 && cells.every(({ nodeName }) => nodeName === 'th'))
      rows.push({ start: place.startOffset, end: place.endOffset, cells: gridRow(cells, taken), isHead, element })
    }
  }
  return rows
}

/** Puts the cells of a row into columns; `taken` says for how many rows more a cell above takes each of them. */
function gridRow(cells: readonly Element[], taken: number[]): string[] {
  const row: string[] = []
  const skipTaken = (): void => {
    while ((taken[row.length] ?? 0) > 0) {
      taken[row.length]! -= 1
      row.push('')
    }
  }
  for (const cell of cells) {
    skipTaken()
    const text = textOf(cell)
    const height = spanOf(cell, 'rowspan')
    for (let column = spanOf(cell, 'colspan'), isFirst = true; column > 0; column--, isFirst = false) {
      taken[row.length] = height - 1
      row.push(isFirst ? text : '')
    }
  }
  skipTaken()
  return row
}

function spanOf({ attrs }: Element, name: string): number {
  const span = Number.parseInt(attrs.find((attribute) => attribute.name === name)?.value ?? '1', 10)
  return Number.isNaN(span) ? 1 : Math.max(1, Math.min(MAX_SPAN, span))
}

function textOf(element: Element): string {
  const parts: string[] = []
  const open: Node[] = [element]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.nodeName === '#text') parts.push((node as DefaultTreeAdapterTypes.TextNode).value)
    else if ('childNodes' in node) open.push(...node.childNodes.toReversed())
  }
  return parts.join(' ').replaceAll(/\s+/g, ' ').trim()
}

/** Writes the source of a row whose header cells are to be cells. */
export function asDataRow({ start, end, element }: HtmlRow, source: string): string {
  const parts: string[] = []
  let at = start
  for (const cell of element.childNodes) {
    const place = cell.nodeName === 'th' ? cell.sourceCodeLocation : null
    for (const [tag, length] of [
      [place?.startTag, 1],
      [place?.endTag, 2],
    ] as const) {
      if (tag === undefined) continue
      parts.push(source.slice(at, tag.startOffset + length), 'td')
      at = tag.startOffset + length + 'th'.length
    }
  }
  return [...parts, source.slice(at, end)].join('')
}
