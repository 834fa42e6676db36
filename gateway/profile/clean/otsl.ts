import { otslTable, type OtslCell } from './otsl-table.ts'

/**
 * The tokens of OTSL (arXiv 2305.03393): a cell with text, without; one that goes on with the cell at its left, above it, or
 * both; a column's header, a row's, a row that heads a section; the end of a row. PaddleOCR-VL and MinerU write the first
 * five and the last, Granite-Docling all of them. `first` is what stands before the first token of a line.
 */
const TOKEN = /(?:(?<first>^[ \t]*(?:<otsl>[ \t]*)?)|)<(?<kind>fcel|ecel|lcel|ucel|xcel|ched|rhed|srow|nl)>/gm
const CLOSING = /^\s{0,9}<\/otsl>/
const BLANK_LINE = /\n[ \t]*\n/g

/** So many tokens hold the event loop for some 40 ms. */
const MAX_TOKENS = 20_000

/** A table in OTSL: where it stands, and where its tokens and the texts behind them do. */
interface Run {
  readonly start: number
  readonly end: number
  readonly tokens: readonly Token[]
}

interface Token {
  readonly kind: string
  readonly start: number
  readonly textStart: number
}

/**
 * Writes the tables of a text that are in OTSL as HTML, and leaves everything else as it is. A table begins at the beginning of
 * a line and ends with its last row; one that was cut off ends with its paragraph. Rows of different lengths are filled, and a
 * cell that goes on with none is empty. `prose` is the same text with spaces in the place of code: tokens there are text.
 */
export function otslToHtml(text: string, prose = text): string {
  if (!mayHoldOtsl(prose) || holdsTooMuchOtsl(prose)) return text
  let result = ''
  let end = 0
  for (const run of findRuns(prose)) {
    result += text.slice(end, run.start) + otslTable(cellsOf(run, text))
    end = run.end + (CLOSING.exec(prose.slice(run.end, run.end + 20))?.[0].length ?? 0)
    // Up to a blank line, what follows is part of the table's HTML: CommonMark 0.31, section 4.6.
    const joint = /^[ \t]*\n?(?=[ \t]*[^\s])/.exec(text.slice(end, end + 1000))?.[0]
    if (joint === undefined) continue
    result += '\n\n'
    end += joint.length
  }
  return end === 0 ? text : result + text.slice(end)
}

/** Tells whether a text may hold a table in OTSL. */
export function mayHoldOtsl(text: string): boolean {
  return text.includes('cel>') || text.includes('<ched>')
}

/** Tells whether a text holds so much OTSL that writing it as HTML would take too long: then it stays as it is. */
export function holdsTooMuchOtsl(text: string): boolean {
  return text.split('<nl>').length + text.split('cel>').length + text.split('hed>').length > MAX_TOKENS
}

function findRuns(prose: string): Run[] {
  const runs: Run[] = []
  let tokens: Token[] = []
  const close = (end: number) => {
    const [opening] = tokens
    const isTable = tokens.length > 1 && tokens.some(({ kind }) => kind !== 'nl')
    if (opening !== undefined && isTable) runs.push({ start: opening.start, end, tokens })
    tokens = []
  }
  for (const { 0: match, index, groups = {} } of prose.matchAll(TOKEN)) {
    const isFirst = groups['first'] !== undefined
    const last = tokens.at(-1)
    const end = last === undefined ? null : endBefore(prose, last, index, isFirst)
    if (end !== null) close(end)
    if (tokens.length === 0 && !isFirst) continue
    tokens.push({ kind: groups['kind'] ?? '', start: index, textStart: index + match.length })
  }
  const last = tokens.at(-1)
  if (last !== undefined)
    close(last.kind === 'nl' ? last.textStart : (blankLine(prose, last.textStart) ?? prose.length))
  return runs
}

/** Returns where a table ends after its last token, if it does before the next one; null where that belongs to it. */
function endBefore(prose: string, last: Token, next: number, isFirst: boolean): number | null {
  const between = prose.slice(last.textStart, next)
  if (last.kind === 'nl') return between.trim() === '' && blankLine(between, 0) === null ? null : last.textStart
  const blank = isFirst ? blankLine(between, 0) : null
  return blank === null ? null : last.textStart + blank
}

function blankLine(text: string, from: number): number | null {
  BLANK_LINE.lastIndex = from
  return BLANK_LINE.exec(text)?.index ?? null
}

function cellsOf({ tokens, end }: Run, text: string): OtslCell[] {
  return tokens.map(({ kind, textStart }, index) => {
    const textEnd = Math.min(tokens[index + 1]?.start ?? end, end)
    const content = text.slice(textStart, Math.max(textStart, textEnd))
    return { kind, text: textEnd === text.length ? withoutCutToken(content) : content }
  })
}

/** Removes the beginning of a token at which an answer was cut off. */
function withoutCutToken(text: string): string {
  const cut = /<(?:[felux]c?e?l?|ch?e?d?|rh?e?d?|sr?o?w?|nl?)$/.exec(text)
  return cut === null ? text : text.slice(0, cut.index)
}
