import { findMath, looksLikeTex, looksLikeVariables } from './math-spans.ts'

/** A formula of a page. */
export interface Formula {
  /** Without its dollars. */
  readonly tex: string
  /** It stands between two dollars on each side. */
  readonly isDisplay: boolean
}

/** Finds the formulas that stand between dollars in a text, in their order: no prices, and none in code. */
export function findFormulas(markdown: string): Formula[] {
  if (!markdown.includes('$')) return []
  return findMath(markdown).flatMap(({ kind, tex }) => {
    const isDisplay = kind === 'dollars'
    const isFormula = looksLikeTex(tex) || looksLikeVariables(tex)
    return isFormula && (isDisplay || kind === 'dollar') ? [{ tex: decoded(unquoted(tex)), isDisplay }] : []
  })
}

/** Removes the marks of a quote that begin all lines of a formula. */
function unquoted(tex: string): string {
  const [first = '', ...rest] = tex.split('\n')
  if (rest.length === 0 || !rest.every((line) => /^[ \t]*>/.test(line))) return tex
  return [first, ...rest.map((line) => line.replace(/^[ \t]*>/, ''))].join('\n')
}

const ENTITIES: Readonly<Record<string, string>> = { '&lt;': '<', '&gt;': '>', '&amp;': '&' }

/** In the cells of HTML, the signs of TeX are escaped. */
function decoded(tex: string): string {
  return tex.replaceAll(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity)
}
