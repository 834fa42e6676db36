import { renderToString } from 'katex'
import { parseFragment, type DefaultTreeAdapterTypes } from 'parse5'

/**
 * A row of a formula: its signs and constructs from left to right. A sign is the character, with its alphabet where that
 * has a meaning; a construct is its name with its rows, as JSON.
 */
export type Row = readonly string[]

/** What a formula looks like: its own row first, then every row within it. */
export interface Formula {
  readonly row: Row
  readonly rows: readonly Row[]
}

/** KaTeX takes seconds for some that are longer, and no page has one. */
const MAX_LENGTH = 5000
const MAX_EXPANSIONS = 1000

/** Reads LaTeX with KaTeX, as displayed; null where that is no formula for it. */
export function readFormula(tex: string): Formula | null {
  if (tex.length > MAX_LENGTH) return null
  try {
    const options = { displayMode: true, output: 'mathml', strict: 'ignore', maxExpand: MAX_EXPANSIONS } as const
    const rows: Row[] = []
    const row = rowOf(parseFragment(renderToString(tex, { ...options, throwOnError: true })).childNodes, rows)
    return { row, rows: [row, ...rows] }
  } catch {
    return null
  }
}

/** Tells whether one formula stands, sign by sign and without a gap, in a row of another. */
export function isWithin(formula: Formula, other: Formula): boolean {
  const { row: wanted } = formula
  return other.rows.some((row) =>
    row.some((_, start) => start + wanted.length <= row.length && wanted.every((item, at) => row[start + at] === item)),
  )
}

type Node = DefaultTreeAdapterTypes.ChildNode
type ElementNode = DefaultTreeAdapterTypes.Element

/** What only groups, or only sets sizes and spaces. */
const TRANSPARENT = new Set(['span', 'math', 'semantics', 'mrow', 'mstyle', 'mpadded'])
const UNSEEN = new Set(['annotation', 'mspace'])
const LETTERS = new Set(['mi', 'mo', 'mn', 'mtext', 'ms'])
/** Alphabets that mean the same as none: KaTeX writes the first for `\mathrm`, and for single letters in `\text`. */
const PLAIN = new Set(['normal', 'italic'])
/** Attributes that change what a construct is: a binomial is a fraction without its line. */
const TELLING = ['linethickness', 'notation']

function rowOf(nodes: readonly Node[], rows: Row[]): Row {
  return nodes.flatMap((node) => {
    if (!('tagName' in node) || UNSEEN.has(node.tagName)) return []
    if (TRANSPARENT.has(node.tagName)) return rowOf(node.childNodes, rows)
    return LETTERS.has(node.tagName) ? signsOf(node) : [construct(node, rows)]
  })
}

function signsOf(node: ElementNode): readonly string[] {
  const variant = node.attrs.find(({ name }) => name === 'mathvariant')?.value ?? 'normal'
  const alphabet = PLAIN.has(variant) ? '' : `:${variant}`
  const text = node.childNodes.map((child) => ('value' in child ? child.value : '')).join('')
  // Spaces, and the signs that only tell how others are to be read, such as U+2061 for the application of a function.
  return Array.from(text.replaceAll(/[\s\u200a-\u200d\u2060-\u2064\ufeff]/gu, ''), (sign) => sign + alphabet)
}

function construct(node: ElementNode, rows: Row[]): string {
  const parts = node.childNodes.map((child) => rowOf([child], rows))
  rows.push(...parts)
  const telling = node.attrs.filter(({ name }) => TELLING.includes(name)).map(({ name, value }) => `${name}=${value}`)
  return JSON.stringify([node.tagName, ...telling, ...parts])
}
