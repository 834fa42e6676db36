import { parseFragment, type DefaultTreeAdapterTypes } from 'parse5'
import { inlineText } from '../markdown/inline-text.ts'

/** A line at the top or at the bottom of a page's text. */
export interface EdgeLine {
  /** Offsets into the text, without the line's end. */
  readonly start: number
  readonly end: number
  /** What a reader sees of it. */
  readonly text: string
  /** `rule`: a line of dashes, as models draw between a page and its footer. */
  readonly kind: 'line' | 'heading' | 'rule'
  /** Whether an empty line stands between it and the next one further in. */
  isApart: boolean
}

/** More lines than a header has. */
const MAX_LINES = 6
/** A longer line is no header, and what stands behind it is none either. */
const MAX_LENGTH = 200

const RULE = /^ {0,3}(?:-{3,}|\*{3,}|_{3,}|(?:- ){2,}-|(?:\* ){2,}\*)[ \t]*$/
/** The next line makes a heading of the one before it. */
const UNDERLINE = /^ {0,3}(?:=+|-+)[ \t]*(?:\n|$)/
const HEADING = /^ {0,3}#{1,6}[ \t]/
/** Tables, lists, quotes, code, pictures, mathematics and footnotes are no headers; "- 3 -" is no list. */
const OTHER = /^\s*(?:\||[-+*•▪◦]\s(?!\s*\W*\w{1,9}\W*\s[-–—*]\s*$)|>|```|~~~|!\[|\$\$|\\\[|\[\^|\t| {4})/

/** Returns the lines at the top of a text, from the first one on. Looks at no more of the text than these. */
export function topLines(text: string): EdgeLine[] {
  const lines: EdgeLine[] = []
  let seen = 0
  for (let start = 0; start < text.length && seen < MAX_LINES;) {
    const found = text.indexOf('\n', start)
    const end = found === -1 ? text.length : found
    const line = lineAt(text, start, end)
    if (line === null) break
    if (line !== 'blank') lines.push(line)
    else if (lines.length > 0) lines.at(-1)!.isApart = true
    seen += line === 'blank' || line.kind === 'rule' ? 0 : 1
    if (lines.length > 2 * MAX_LINES) break
    start = end + 1
  }
  return lines
}

/** Returns the lines at the bottom of a text, from the last one on. */
export function bottomLines(text: string): EdgeLine[] {
  const lines: EdgeLine[] = []
  let seen = 0
  for (let end = text.length; end > 0 && seen < MAX_LINES;) {
    const start = text.lastIndexOf('\n', end - 1) + 1
    const line = lineAt(text, start, end)
    if (line === null) break
    if (line !== 'blank') lines.push(line)
    else if (lines.length > 0) lines.at(-1)!.isApart = true
    seen += line === 'blank' || line.kind === 'rule' ? 0 : 1
    if (lines.length > 2 * MAX_LINES) break
    end = start - 1
  }
  return lines
}

function lineAt(text: string, start: number, end: number): EdgeLine | 'blank' | null {
  if (end - start > MAX_LENGTH) return null
  const line = text.slice(start, end)
  if (line.trim() === '') return 'blank'
  if (RULE.test(line)) {
    // Directly below text, dashes make a heading of it.
    const isFree = start < 2 || text[start - 2] === '\n'
    return isFree ? { start, end, text: '', kind: 'rule', isApart: false } : null
  }
  if (OTHER.test(line)) return null
  const seen = line.includes('<') ? withoutTags(line) : { text: line, isHeading: false }
  if (seen === null) return null
  const isHeading = seen.isHeading || HEADING.test(line) || UNDERLINE.test(text.slice(end + 1, end + 1 + MAX_LENGTH))
  const bare = inlineText(seen.text.replace(HEADING, '')).trim()
  return { start, end, text: bare, kind: isHeading ? 'heading' : 'line', isApart: false }
}

/** Elements that may stand around a header. */
const AROUND: ReadonlySet<string> = new Set(
  'b br center div em footer header i p small span strong sub sup u h1 h2 h3 h4 h5 h6'.split(' '),
)

function withoutTags(line: string): { readonly text: string; readonly isHeading: boolean } | null {
  const parts: string[] = []
  let isHeading = false
  const walk = (nodes: readonly DefaultTreeAdapterTypes.ChildNode[]): boolean =>
    nodes.every((node) => {
      if (node.nodeName === '#text') {
        parts.push((node as DefaultTreeAdapterTypes.TextNode).value)
        return true
      }
      if (!AROUND.has(node.nodeName)) return false
      isHeading ||= /^h[1-6]$/.test(node.nodeName)
      return walk((node as DefaultTreeAdapterTypes.Element).childNodes)
    })
  return walk(parseFragment(line).childNodes) ? { text: parts.join(' '), isHeading } : null
}
