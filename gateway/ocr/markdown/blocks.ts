import { BLOCK } from './markup.ts'

/** A line of Markdown, by what it is. */
export interface BlockLine {
  /** `fence`: opens or closes a code block; its text is what stands before the fence, a list marker perhaps. */
  readonly role: 'text' | 'code' | 'fence'
  readonly text: string
}

/** A block that is open at the end of a text, and takes in what follows. */
export interface OpenBlock {
  /** How it was opened: "```", `<!--`. */
  readonly opener: string
  /** The line that closes it, in the same list item or quote. */
  readonly closer: string
  /** The line that opened it, from 0. */
  readonly line: number
}

/** The lines of a Markdown text, and the block that it leaves open. */
export interface Blocks {
  readonly lines: readonly BlockLine[]
  readonly open: OpenBlock | null
}

/** A list item or a quote, which a line belongs to when it is indented, or quoted, as far. */
type Container =
  | { readonly kind: 'quote' }
  | {
      readonly kind: 'item'
      readonly indent: number
      /** Nothing has followed its mark yet: a blank line would end it. */
      isEmpty: boolean
    }

/** A block whose lines are not Markdown. */
interface Leaf {
  readonly kind: 'code' | 'html'
  readonly opener: string
  /** Null: a blank line ends it, and so it never takes in what follows. */
  readonly closer: string | null
  readonly isClosedBy: (line: string) => boolean
  readonly line: number
}

/** Deeper ones are read as text: no page has them, and a hostile answer may have thousands. */
const MAX_CONTAINERS = 32

const FENCE = /^ {0,3}(?<fence>`{3,}(?=[^`]*$)|~{3,})/
const QUOTE = /^ {0,3}> ?/
const ITEM = /^ {0,3}(?:[-+*]|\d{1,9}[.)])(?:(?= *$)| {1,4}(?=\S)| (?= ))/
const RULE = /^ {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$/
const HEADING = /^ {0,3}#{1,6}(?: |$)/

/** HTML that ends at a sign and not at a blank line (CommonMark 0.31, section 4.6, kinds 1 to 5). */
const UNTIL_SIGN: readonly { readonly opening: RegExp; readonly opener: string; readonly closer: string }[] = [
  { opening: /^ {0,3}<!--/, opener: '<!--', closer: '-->' },
  { opening: /^ {0,3}<\?/, opener: '<?', closer: '?>' },
  { opening: /^ {0,3}<!\[CDATA\[/, opener: '<![CDATA[', closer: ']]>' },
  ...['pre', 'script', 'style', 'textarea'].map((name) => ({
    opening: new RegExp(String.raw`^ {0,3}<${name}(?=[\s>]|$)`, 'i'),
    opener: `<${name}>`,
    closer: `</${name}>`,
  })),
]
/** HTML that ends at a blank line. */
const UNTIL_BLANK = new RegExp(
  String.raw`^ {0,3}</?(?:${[...BLOCK].filter((name) => name !== 'pre').join('|')})(?=[\s>/]|$)`,
  'i',
)

/** The beginning of a line that is text wherever it stands: nothing of the above can be it. */
const PLAIN = /^[^\s>\-+*\d`~<_#]/

/** A tag alone on its line; it is text inside a paragraph. */
const LONE_TAG = /^ {0,3}<(?!(?:pre|script|style|textarea)\b)\/?[a-z][^<>]*>[ \t]*$/i

/**
 * Tells code from text, line by line, and what the text leaves open. Follows the block structure of CommonMark 0.31
 * (section 5.2, "Phase 1") as far as these two questions need it.
 */
export function scanBlocks(markdown: string): Blocks {
  const containers: Container[] = []
  const lines: BlockLine[] = []
  let leaf: Leaf | null = null
  let isParagraph = false
  for (const [number, text] of markdown.split('\n').entries()) {
    // Most lines, and all of an answer that is a million of them.
    if (leaf === null && containers.length === 0 && (text === '' || PLAIN.test(text))) {
      lines.push({ role: 'text', text })
      isParagraph = text !== ''
      continue
    }
    const inside = enter(containers, spaced(text))
    if (inside.depth < containers.length && !(isParagraph && isContinuation(inside.rest))) {
      containers.length = inside.depth
      leaf = null
      isParagraph = false
    }
    if (leaf !== null) {
      const closes = leaf.isClosedBy(inside.rest)
      lines.push({
        role: leaf.kind === 'html' ? 'text' : closes ? 'fence' : 'code',
        text: leaf.kind === 'code' && closes ? '' : text,
      })
      if (closes) leaf = null
      continue
    }
    const rest = open(containers, inside.rest, isParagraph)
    const isIndented: boolean = !isParagraph && /^ {4}/.test(rest)
    const found: Leaf | null = isIndented ? null : startLeaf(rest, number, isParagraph)
    const before = text.slice(0, Math.max(0, text.length - rest.trimStart().length))
    if (found?.kind === 'code') lines.push({ role: 'fence', text: before.trimEnd() })
    else lines.push({ role: 'text', text })
    leaf = found
    isParagraph = leaf === null && !isIndented && rest.trim() !== '' && !RULE.test(rest) && !HEADING.test(rest)
  }
  return { lines, open: leaf?.closer == null ? null : openBlock(leaf, leaf.closer, containers) }
}

function openBlock({ opener, line }: Leaf, closer: string, containers: readonly Container[]): OpenBlock {
  const prefix = containers.map((container) => (container.kind === 'quote' ? '> ' : ' '.repeat(container.indent)))
  return { opener, closer: prefix.join('') + closer, line }
}

/** Writes the white space at the beginning of a line as spaces. */
function spaced(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  return text.replace(/^[ \t]*\t[ \t]*/, (space) => space.replaceAll('\t', '    '))
}

/** Tells how many of the open containers a line belongs to, and what it holds inside them. */
function enter(containers: readonly Container[], line: string): { readonly depth: number; readonly rest: string } {
  let rest = line
  let depth = 0
  for (const container of containers) {
    const isBlank = rest.trim() === ''
    const quoted = container.kind === 'quote' ? QUOTE.exec(rest)?.[0].length : undefined
    const indented = container.kind === 'item' && (isBlank ? !container.isEmpty : indentOf(rest) >= container.indent)
    if (quoted === undefined && !indented) break
    if (container.kind === 'item') container.isEmpty = false
    rest = rest.slice(quoted ?? (container.kind === 'item' ? container.indent : 0))
    depth += 1
  }
  return { depth, rest }
}

const indentOf = (line: string): number => /^ */.exec(line)![0].length

/** Opens the containers that begin in a line, and returns what it holds inside them. */
function open(containers: Container[], line: string, isParagraph: boolean): string {
  let rest = line
  while (containers.length < MAX_CONTAINERS) {
    const quote = QUOTE.exec(rest)
    const item = quote === null && !RULE.test(rest) ? ITEM.exec(rest) : null
    const [marker] = quote ?? item ?? []
    if (marker === undefined) return rest
    // A number in running text is no list, nor is a lone sign.
    if (isParagraph && rest === line && item !== null && !/^ *(?:[-+*]|1[.)]) *\S/.test(rest)) return rest
    const isEmpty = item !== null && marker.length === rest.trimEnd().length
    const indent = marker.length + (isEmpty ? 1 : 0)
    containers.push(quote === null ? { kind: 'item', indent, isEmpty } : { kind: 'quote' })
    rest = rest.slice(marker.length)
  }
  return rest
}

/** Tells whether a line goes on with a paragraph of a container that it does not belong to by its indentation. */
function isContinuation(rest: string): boolean {
  return PLAIN.test(rest) || (rest.trim() !== '' && !BEGINNINGS.some((pattern) => pattern.test(rest)))
}

const BEGINNINGS = [QUOTE, ITEM, FENCE, RULE, HEADING, UNTIL_BLANK, ...UNTIL_SIGN.map(({ opening }) => opening)]

function startLeaf(rest: string, line: number, isParagraph: boolean): Leaf | null {
  if (!/^ {0,3}[`~<]/.test(rest)) return null
  const fence = FENCE.exec(rest)?.groups?.['fence']
  if (fence !== undefined) {
    const closing = new RegExp(`^ {0,3}\\${fence[0]}{${fence.length},}[ \\t]*$`)
    return { kind: 'code', opener: fence, closer: fence, isClosedBy: (text) => closing.test(text), line }
  }
  const sign = UNTIL_SIGN.find(({ opening }) => opening.test(rest))
  if (sign !== undefined) {
    const { opener, closer } = sign
    const isClosedBy = (text: string) => text.toLowerCase().includes(closer)
    return isClosedBy(rest) ? null : { kind: 'html', opener, closer, isClosedBy, line }
  }
  if (!UNTIL_BLANK.test(rest) && (isParagraph || !LONE_TAG.test(rest))) return null
  return { kind: 'html', opener: '', closer: null, isClosedBy: (text) => text.trim() === '', line }
}
