/** A part of a page's Markdown that is rendered at once. */
export interface Piece {
  /** `rows` are a table of their own on paper, but belong to the table before them. */
  readonly kind: 'markdown' | 'rows' | 'code'
  readonly text: string
}

/** What is rendered at once: work that grows faster than the text must stay within a few frames. Pages are shorter. */
const PIECE_LENGTH = 16_000
/** So many marks in one piece are no text, and cost most: the parser looks for the end of each. */
const MANY_MARKS = 2500
const DENSE_PIECE_LENGTH = 2000
/** Nothing that belongs together is looked for beyond this. */
const UNIT_LENGTH = 2_000_000

const FENCE = /^ {0,3}(?<mark>`{3,}|~{3,})/
const DELIMITERS = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/

/** Cuts Markdown where a cut changes nothing: between paragraphs, never within a table or code that fits into one piece. */
export function* cutPieces(markdown: string): Generator<Piece> {
  const text = markdown.includes('\r') ? markdown.replaceAll(/\r\n?/g, '\n') : markdown
  let start = 0
  let end = 0
  while (end < text.length) {
    const unitEnd = endOfUnit(text, end)
    if (end > start && unitEnd - start > PIECE_LENGTH) {
      yield* thinned({ kind: 'markdown', text: text.slice(start, end) })
      start = end
    }
    if (unitEnd - end > PIECE_LENGTH) {
      for (const piece of cutUnit(text.slice(end, unitEnd))) yield* thinned(piece)
      start = unitEnd
    }
    end = unitEnd
  }
  if (end > start) yield* thinned({ kind: 'markdown', text: text.slice(start, end) })
}

/** Cuts a piece smaller that would cost far more than others. */
function* thinned(piece: Piece): Generator<Piece> {
  const isDense = piece.kind === 'markdown' && (piece.text.match(/[*_![\]\\$`~]/g)?.length ?? 0) > MANY_MARKS
  if (!isDense) yield piece
  else for (const text of splitText(piece.text, DENSE_PIECE_LENGTH)) yield { kind: 'markdown', text }
}

/** Where ends what belongs together: code with its fences, a table, lines up to an empty one. */
function endOfUnit(text: string, start: number): number {
  const last = Math.min(text.length, start + UNIT_LENGTH)
  const mark = FENCE.exec(text.slice(start, start + 100))?.groups?.['mark']
  if (mark !== undefined) {
    const closing = new RegExp(`\\n {0,3}${mark}[^\\n]*(?:\\n|$)`, 'g')
    closing.lastIndex = start
    const match = closing.exec(text)
    return match === null ? last : Math.min(last, match.index + match[0].length)
  }
  let open = 0
  for (let at = start; at < last;) {
    const newline = text.indexOf('\n', at)
    const end = newline === -1 ? last : Math.min(last, newline + 1)
    const line = text.slice(at, end)
    if (at > start && open === 0 && FENCE.test(line)) return at
    open = Math.max(0, open + countOf(line, /<table[\s>]/gi) - countOf(line, /<\/table\s*>/gi))
    if (open === 0 && line.trim() === '') return end
    at = end
  }
  return last
}

const countOf = (text: string, what: RegExp): number => (text.includes('<') ? (text.match(what)?.length ?? 0) : 0)

function cutUnit(unit: string): Iterable<Piece> {
  if (FENCE.test(unit)) return cutCode(unit)
  const [first = '', second = '', third = ''] = unit.split('\n', 3)
  const columns = [first, second, third].findIndex((line, at) => at > 0 && line.includes('-') && DELIMITERS.test(line))
  if (columns > 0) return cutPipeTable(unit.split('\n'), columns)
  return /<tr[\s>]/i.test(unit) ? cutHtmlTable(unit) : cutText(unit)
}

function* cutCode(unit: string): Generator<Piece> {
  const code = unit.slice(unit.indexOf('\n') + 1).replace(/\n {0,3}(?:`{3,}|~{3,})[^\n]*\n?$/, '')
  for (const text of splitText(code)) yield { kind: 'code', text }
}

function* cutPipeTable(lines: readonly string[], columns: number): Generator<Piece> {
  const before = lines.slice(0, columns + 1).join('\n')
  const head = lines.slice(columns - 1, columns + 1).join('\n')
  let isFirst = true
  for (const rows of packed(lines.slice(columns + 1))) {
    yield isFirst
      ? { kind: 'markdown', text: `${before}\n${rows.join('\n')}` }
      : { kind: 'rows', text: `${head}\n${rows.join('\n')}` }
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
  for (const some of packed(rows)) {
    // An empty line ends HTML in Markdown.
    const html = some.join('').replaceAll(/\n\s*\n/g, '\n')
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

/** Packs as many rows as fit into a piece; one that does not fit by itself is cut off. */
function* packed(rows: readonly string[]): Generator<string[]> {
  let held: string[] = []
  let length = 0
  for (const row of rows) {
    const size = Math.min(row.length + 1, PIECE_LENGTH)
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

/** Cuts behind the last line end before the limit, else behind the last space, else between two characters. */
function* splitText(text: string, limit = PIECE_LENGTH): Generator<string> {
  let start = 0
  while (text.length - start > limit) {
    const window = text.slice(start, start + limit)
    const gap = Math.max(window.lastIndexOf('\n'), 0) || Math.max(window.lastIndexOf(' '), 0)
    const end = gap > 0 ? gap + 1 : limit - (/[\uD800-\uDBFF]$/.test(window) ? 1 : 0)
    yield window.slice(0, end)
    start += end
  }
  if (start < text.length) yield text.slice(start)
}
