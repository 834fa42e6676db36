import { otslToHtml } from '../../profile/clean/otsl.ts'
import { normalizeMath } from './math-delimiters.ts'
import { proseOf } from './prose.ts'

/** No model writes a longer page: 32 characters for each of 32,768 tokens. Longer texts would hold the event loop. */
const MAX_CHARACTERS = 1_100_000
const CODE = /(?<![`\\])(?<ticks>`+)(?!`)[^\n]{0,500}?(?<!`)\k<ticks>(?!`)/g

/**
 * Writes what models write in many ways in one: tables in OTSL as HTML, formulas between dollars. What stands in code stays.
 * Null for a text that is too long.
 */
export function inOneNotation(markdown: string): string | null {
  if (markdown.length > MAX_CHARACTERS) return null
  return normalizeMath(withTables(markdown))
}

function withTables(markdown: string): string {
  if (!markdown.includes('cel>') && !markdown.includes('<ched>')) return markdown
  const prose = proseOf(markdown).replaceAll(CODE, (code) => ' '.repeat(code.length))
  return otslToHtml(markdown, prose)
}
