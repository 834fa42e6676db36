import { holdsTooMuchOtsl, mayHoldOtsl, otslToHtml } from '../../profile/clean/otsl.ts'
import { normalizeMath } from './math-delimiters.ts'
import { proseOf } from './prose.ts'

/** No page has more, and looking through a longer text would hold the event loop. */
const MAX_CHARACTERS = 500_000
const CODE = /(?<![`\\])(?<ticks>`+)(?!`)[^\n]{0,500}?(?<!`)\k<ticks>(?!`)/g

/** A page's Markdown in which tables and formulas are written in one way. */
export interface Notation {
  readonly text: string
  /** Some of it, or all, is as the model wrote it: it would have taken too long. */
  readonly isLeft: boolean
}

/**
 * Writes what models write in many ways in one: tables in OTSL as HTML, formulas between dollars. What stands in code stays, and
 * so does what would take too long.
 */
export function inOneNotation(markdown: string): Notation {
  if (markdown.length > MAX_CHARACTERS) return { text: markdown, isLeft: true }
  return { text: normalizeMath(withTables(markdown)), isLeft: mayHoldOtsl(markdown) && holdsTooMuchOtsl(markdown) }
}

function withTables(markdown: string): string {
  if (!mayHoldOtsl(markdown)) return markdown
  const prose = proseOf(markdown).replaceAll(CODE, (code) => ' '.repeat(code.length))
  return otslToHtml(markdown, prose)
}
