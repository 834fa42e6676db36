/** A part of a page's Markdown that is rendered at once. */
export interface Piece {
  /** `rows` are a table of their own on paper, but belong to the table before them. */
  readonly kind: 'markdown' | 'rows' | 'code'
  readonly text: string
}

/** What is rendered at once: work that grows faster than the text stays within a frame or two. Pages of text are shorter. */
const PIECE_LENGTH = 16_000

type Unit = readonly string[]

const FENCE = /^ {0,3}(?<mark>`{3,}|~{3,})/
const DELIMITERS = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/

/** Cuts Markdown where a cut changes nothing: between paragraphs, never within a table or code that fits into one piece. */
export function* cutPieces(markdown: string): Generator<Piece> {
  let held: string[] = []
  let length = 0
  for (const unit of units(markdown)) {
    const size = lengthOf(unit)
    if (length > 0 && length + size > PIECE_LENGTH) {
      yield { kind: 'markdown', text: held.join('\n') }
      held = []
      length = 0
    }
    if (size > PIECE_LENGTH) yield* cutUnit(unit)
    else {
      held.push(...unit)
      length += size
    }
  }
  if (length > 0) yield { kind: 'markdown', text: held.join('\n') }
}

const lengthOf = (lines: Unit): number => lines.reduce((sum, line) => sum + line.length + 1, 0)

/** Yields runs of lines that belong together: code with its fences, a table, lines up to an empty one. */
function* units(markdown: string): Generator<Unit> {
  const lines = markdown.split(/\r\n|\r|\n/)
  let at = 0
  while (at < lines.length) {
    const end = endOfUnit(lines, at)
    yield lines.slice(at, end)
    at = end
  }
}

function endOfUnit(lines: readonly string[], start: number): number {
  const mark = FENCE.exec(lines[start]!)?.groups?.['mark']
  if (mark !== undefined) {
    const end = lines.findIndex((line, at) => at > start && line.trim().startsWith(mark))
    return end === -1 ? lines.length : end + 1
  }
  let open = 0
  for (let at = start; at < lines.length; at++) {
    const line = lines[at]!
    if (at > start && open === 0 && FENCE.test(line)) return at
    open = Math.max(0, open + countOf(line, /<table[\s>]/gi) - countOf(line, /<\/table\s*>/gi))
    if (open === 0 && line.trim() === '') return at + 1
  }
  return lines.length
}

const countOf = (text: string, what: RegExp): number => (text.includes('<') ? (text.match(what)?.length ?? 0) : 0)

function cutUnit(unit: Unit): Iterable<Piece> {
  if (FENCE.test(unit[0]!)) return cutCode(unit)
  const delimiters = unit.findIndex((line, at) => at > 0 && line.includes('-') && DELIMITERS.test(line))
  if (delimiters > 0 && delimiters < 3) return cutPipeTable(unit, delimiters)
  const text = unit.join('\n')
  return /<tr[\s>]/i.test(text) ? cutHtmlTable(text) : cutText(text)
}

function* cutCode(unit: Unit): Generator<Piece> {
  const isClosed = unit.length > 1 && FENCE.test(unit.at(-1)!)
  const code = unit.slice(1, isClosed ? -1 : undefined).join('\n')
  for (const text of splitText(code)) yield { kind: 'code', text }
}

function* cutPipeTable(unit: Unit, delimiters: number): Generator<Piece> {
  const head = unit.slice(0, delimiters + 1).join('\n')
  const columns = unit.slice(delimiters - 1, delimiters + 1).join('\n')
  let isFirst = true
  for (const rows of packed(unit.slice(delimiters + 1))) {
    yield isFirst
      ? { kind: 'markdown', text: `${head}\n${rows.join('\n')}` }
      : { kind: 'rows', text: `${columns}\n${rows.join('\n')}` }
    isFirst = false
  }
}

/** What stands behind the last row's table is a piece of its own. */
const END_OF_TABLE = /<\/table\s*>(?<rest>[\s\S]*)$/i

function* cutHtmlTable(text: string): Generator<Piece> {
  const [before = '', ...rows] = text.split(/(?=<tr[\s>])/i)
  const rest = END_OF_TABLE.exec(rows.at(-1) ?? '')?.groups?.['rest'] ?? ''
  if (rest !== '') rows.push(rows.pop()!.slice(0, -rest.length))
  let isFirst = true
  for (const packedRows of packed(rows)) {
    const html = packedRows.join('').replaceAll(/\n{2,}/g, '\n')
    yield isFirst
      ? { kind: 'markdown', text: `${before}${html}</table>` }
      : { kind: 'rows', text: `<table><tbody>${html}</tbody></table>` }
    isFirst = false
  }
  if (rest.trim() !== '') yield* cutText(rest)
}

function* cutText(text: string): Generator<Piece> {
  for (const part of splitText(text)) yield { kind: 'markdown', text: part }
}

/** Packs as many as fit into a piece; one that does not fit by itself is cut off. */
function* packed(rows: readonly string[]): Generator<string[]> {
  let held: string[] = []
  let length = 0
  for (const row of rows) {
    const size = Math.min(row.length, PIECE_LENGTH)
    if (held.length > 0 && length + size > PIECE_LENGTH) {
      yield held
      held = []
      length = 0
    }
    held.push(row.slice(0, PIECE_LENGTH))
    length += size
  }
  if (held.length > 0) yield held
}

/** Cuts at the last line end before the limit, else at the last space, else between two characters. */
function* splitText(text: string): Generator<string> {
  let start = 0
  while (text.length - start > PIECE_LENGTH) {
    const window = text.slice(start, start + PIECE_LENGTH)
    const last = Math.max(window.lastIndexOf('\n'), 0) || Math.max(window.lastIndexOf(' '), 0) || PIECE_LENGTH - 1
    const isPair = /[\uD800-\uDBFF]/.test(window[last] ?? '')
    const end = start + last + (isPair ? 0 : 1)
    yield text.slice(start, end)
    start = end
  }
  if (start < text.length) yield text.slice(start)
}
