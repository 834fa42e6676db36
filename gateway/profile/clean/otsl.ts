import { otslTable } from './otsl-table.ts'

/** A token of OTSL, and the text behind it. */
export interface OtslToken {
  readonly kind: string
  /** Where it begins. */
  readonly start: number
  /** Where the text behind it begins. */
  readonly textStart: number
}

/**
 * The tokens of OTSL (arXiv 2305.03393): a cell with text, without; one that goes on with the cell at its left, above it, or
 * both; a column's header, a row's, a row that heads a section; the end of a row. PaddleOCR-VL and MinerU write the first
 * five and the last, Granite-Docling all of them.
 */
const TOKEN = /<(fcel|ecel|lcel|ucel|xcel|ched|rhed|srow|nl)>/g
const OPENING = '<otsl>'
const CLOSING = '</otsl>'

/** A table in OTSL, and where it stands. */
interface Run {
  readonly start: number
  readonly end: number
  readonly tokens: readonly OtslToken[]
}

/**
 * Writes the tables of a text that are in OTSL as HTML, and leaves everything else as it is. A table begins at the beginning of
 * a line and ends with its last row; one that was cut off ends with its paragraph. Rows of different lengths are filled, and a
 * cell that goes on with none is empty. `prose` is the same text with spaces in the place of code: tokens there are text.
 */
export function otslToHtml(text: string, prose = text): string {
  let result = ''
  let end = 0
  for (const run of findRuns(prose)) {
    const before = text.slice(end, run.start)
    const cells = run.tokens.map(({ kind, textStart }, index) => {
      const textEnd = run.tokens[index + 1]?.start ?? run.end
      return { kind, text: withoutToken(text.slice(textStart, Math.max(textStart, textEnd)), textEnd === text.length) }
    })
    result += before + otslTable(cells)
    end = run.end + (prose.startsWith(CLOSING, run.end) ? CLOSING.length : 0)
    // Up to a blank line, what follows a table's end is part of it: CommonMark 0.31, section 4.6.
    const following = /^[ \t]*\n?(?=[^\n])/.exec(text.slice(end, end + 200))?.[0]
    if (following !== undefined && text.slice(end).trim() !== '') {
      result += '\n\n'
      end += following.length
    }
  }
  return end === 0 ? text : result + text.slice(end)
}

function findRuns(prose: string): Run[] {
  if (!prose.includes('cel>') && !prose.includes('<ched>')) return []
  const runs: Run[] = []
  let tokens: OtslToken[] = []
  let start = 0
  const close = (limit: number) => {
    const end = runEnd(prose, tokens, limit)
    if (tokens.length > 1 && tokens.some(({ kind }) => kind !== 'nl')) runs.push({ start, end, tokens })
    tokens = []
  }
  for (const { 0: tag, 1: kind = '', index } of prose.matchAll(TOKEN)) {
    const last = tokens.at(-1)
    if (last !== undefined && isOver(prose, last, index)) close(index)
    const beginning = tokens.length === 0 ? lineStart(prose, index) : null
    if (tokens.length === 0) {
      if (beginning === null) continue
      start = beginning
    }
    tokens.push({ kind, start: index, textStart: index + tag.length })
  }
  close(prose.length)
  return runs
}

/** Returns where a table begins whose first token is the first on its line; null where another thing stands before it. */
function lineStart(prose: string, index: number): number | null {
  let at = index
  while (at > 0 && isSpace(prose[at - 1])) at -= 1
  if (prose.endsWith(OPENING, at)) return null
  return at === 0 || prose[at - 1] === '\n' ? index : openedStart(prose, at)
}

const isSpace = (sign: string | undefined): boolean => sign === ' ' || sign === '\t'

function openedStart(prose: string, at: number): number | null {
  return prose.slice(Math.max(0, at - OPENING.length), at) === OPENING ? at - OPENING.length : null
}
