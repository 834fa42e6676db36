import { parseFragment, type DefaultTreeAdapterTypes } from 'parse5'
import { BLOCK, scanMarkup, type Piece } from './markup.ts'
import { tableSource } from './table-source.ts'

/** A node of a table that was parsed. */
export type TableNode = DefaultTreeAdapterTypes.ChildNode
/** An element of a table that was parsed. */
export type TableElement = DefaultTreeAdapterTypes.Element

/** Parsing and writing hold the event loop: so many characters of tables about 50 ms. */
export const MAX_TABLE_CHARACTERS = 80_000
/** Each element looks through those that are open around it. */
const MAX_DEPTH = 50

/**
 * Parses a table in HTML as browsers do, which closes what is open and finds a place for what stands wrong: text between
 * cells comes before its table. Null for what would take too long: a very long one, or one with elements nested too deeply.
 */
export function parseTable(content: string): readonly TableNode[] | null {
  if (content.length > MAX_TABLE_CHARACTERS) return null
  const pieces = scanMarkup(content)
  return depthOf(pieces) > MAX_DEPTH ? null : parseFragment(tableSource(pieces)).childNodes
}

/** Elements that end where the next of their kind begins, or where their parent ends. */
const ENDED_BY_OTHERS = /^(?:p|li|d[dt]|t[rdh]|thead|tbody|tfoot|caption|colgroup|col)$/

function depthOf(pieces: readonly Piece[]): number {
  let depth = 0
  let deepest = 0
  for (const piece of pieces) {
    if (piece.kind !== 'open' && piece.kind !== 'close') continue
    if (ENDED_BY_OTHERS.test(piece.name)) continue
    depth = Math.max(0, depth + (piece.kind === 'open' ? 1 : -1))
    deepest = Math.max(deepest, depth)
  }
  return deepest
}

export const isElement = (node: TableNode): node is TableElement => 'tagName' in node
export const isText = (node: TableNode): node is DefaultTreeAdapterTypes.TextNode => node.nodeName === '#text'
/** Tells whether an element stands on lines of its own. */
export const isBlock = (node: TableNode): boolean => isElement(node) && BLOCK.has(node.tagName)

/** A part of a table: its head, one of its bodies, its foot. */
export interface TableSection {
  readonly name: string
  readonly rows: readonly (readonly TableElement[])[]
}

/** Returns the parts of a table with their rows, and the cells of each; rows without cells are left out. */
export function sectionsOf(table: TableElement): TableSection[] {
  const sections = childrenOf(table, /^(?:thead|tbody|tfoot)$/)
  return sections
    .map((section) => ({
      name: section.tagName,
      rows: childrenOf(section, /^tr$/)
        .map((row) => childrenOf(row, /^t[dh]$/))
        .filter(({ length }) => length > 0),
    }))
    .filter(({ rows }) => rows.length > 0)
}

/** Returns the elements of these names that an element holds itself. */
export function childrenOf({ childNodes }: TableElement, names: RegExp): TableElement[] {
  return childNodes.filter(isElement).filter(({ tagName }) => names.test(tagName))
}

/** Browsers take no more: HTML, "Attributes common to td and th elements". */
const MAX_SPANS = { colspan: 1000, rowspan: 65_534 } as const

/** Returns over how many columns, or rows, a cell goes. */
export function spanOf({ attrs }: TableElement, name: 'colspan' | 'rowspan'): number {
  const value = attrs.find((attribute) => attribute.name === name)?.value ?? ''
  const span = Number.parseInt(value, 10)
  return Number.isNaN(span) ? 1 : Math.max(1, Math.min(MAX_SPANS[name], span))
}
