import type { MarkedExtension, Tokens } from 'marked'

/** A formula longer than this is a mistake of the model's; it stays text. */
const MAX_LENGTH = 5000

const ENVIRONMENTS =
  'equation|align|alignat|gather|multline|eqnarray|split|aligned|gathered|cases|matrix|pmatrix|bmatrix|array'

/** What stands between the signs; a paragraph's end ends every formula. */
const INSIDE = String.raw`(?:[^\n]|\n(?![ \t]*\n)){1,${MAX_LENGTH}}?`

/** With its signs, so that a formula that cannot be typeset shows what the model wrote. */
const DISPLAY = new RegExp(
  String.raw`^(?:\$\$(?<dollars>${INSIDE})\$\$|\\\[(?<brackets>${INSIDE})\\\]|(?<environment>\\begin\{(?<name>(?:${ENVIRONMENTS})\*?)\}${INSIDE}\\end\{\k<name>\}))`,
)
/** A lone dollar is a dollar: no space within the signs, and no digit behind them, as in "from $5 to $10". */
const INLINE = new RegExp(
  String.raw`^(?:\\\((?<parentheses>${INSIDE})\\\)|\$(?![\s$])(?<dollar>(?:\\[^\n]|[^\\$\n]|\n(?![ \t]*\n)){0,${MAX_LENGTH}}?(?:\\[^\n]|[^\s\\$]))\$(?![\d$]))`,
)

/** A formula as it stands in a text. */
export interface Formula {
  /** With its signs. */
  readonly raw: string
  /** Without them. */
  readonly source: string
  readonly isDisplay: boolean
}

/** Returns the formula that a text begins with. */
export function formulaAt(text: string): Formula | null {
  const first = text.charCodeAt(0)
  // "$" and "\".
  if (first !== 36 && first !== 92) return null
  const display = DISPLAY.exec(text)
  if (display !== null) {
    const { dollars, brackets, environment } = display.groups ?? {}
    const source = (dollars ?? brackets ?? environment ?? '').trim()
    return source === '' ? null : { raw: display[0], source, isDisplay: true }
  }
  const inline = INLINE.exec(text)
  if (inline === null) return null
  const source = (inline.groups?.['parentheses'] ?? inline.groups?.['dollar'] ?? '').trim()
  return source === '' ? null : { raw: inline[0], source, isDisplay: false }
}

const START = /\$|\\[([]|\\begin\{/

/** Where the next formula may begin. */
function nextStart(text: string): number | undefined {
  const at = text.search(START)
  return at === -1 ? undefined : at
}

/** Returns the element that a formula is typeset into later; until then it shows the source. */
export function formulaElement({ raw, isDisplay }: Formula): string {
  return `<span data-formula="${isDisplay ? 'display' : 'inline'}">${escapeHtml(raw)}</span>`
}

/** Makes marked find formulas, before it takes their signs for its own. */
export function formulaExtension(): MarkedExtension {
  return {
    extensions: [
      {
        name: 'displayFormula',
        level: 'block',
        start: (text) => startOfLine(text),
        tokenizer(text) {
          const indent = /^ {0,3}/.exec(text)![0]
          const formula = formulaAt(text.slice(indent.length))
          if (formula === null || !formula.isDisplay) return undefined
          const rest = text.slice(indent.length + formula.raw.length)
          const end = /^[ \t]*(?:\n|$)/.exec(rest)
          if (end === null) return undefined
          return { type: 'displayFormula', raw: indent + formula.raw + end[0], formula }
        },
        renderer: (token) => `<p>${elementOf(token)}</p>\n`,
      },
      {
        name: 'formula',
        level: 'inline',
        start: nextStart,
        tokenizer(text) {
          const formula = formulaAt(text)
          return formula === null ? undefined : { type: 'formula', raw: formula.raw, formula }
        },
        renderer: elementOf,
      },
    ],
  }
}

const elementOf = (token: Tokens.Generic): string => formulaElement(token['formula'] as Formula)

/** A formula on lines of its own ends the paragraph before it. */
function startOfLine(text: string): number | undefined {
  const at = text.search(/\n {0,3}(?:\$\$|\\\[|\\begin\{)/)
  return at === -1 ? undefined : at + 1
}

/** Makes text harmless between tags and within quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
