import { ratio } from './indel.ts'
import { isWithin, readFormula, type Formula } from './formula-tree.ts'
import { strip } from './normalize-text.ts'
import type { Verdict } from './verdict.ts'

/** How formulas are marked, in the order in which they are looked for: what was found is taken out. */
const DELIMITERS = [/\\\(([\s\S]+?)\\\)/g, /\\\[([\s\S]+?)\\\]/g, /\$\$([\s\S]+?)\$\$/g, /\$([\s\S]+?)\$/g]
const WITHOUT_DOLLARS = 2

/** What stands in a text between the delimiters of formulas. */
export function formulasOf(text: string, ignoresDollars = false): readonly string[] {
  const found: string[] = []
  let rest = text
  for (const delimiter of ignoresDollars ? DELIMITERS.slice(0, WITHOUT_DOLLARS) : DELIMITERS)
    rest = rest.replace(delimiter, (_, formula: string) => {
      found.push(strip(formula))
      return ''
    })
  return found
}

/** Formulas that were read before: most facts of a page look at the same ones. */
const read = new Map<string, Formula | null>()
const MAX_READ = 5000

function known(tex: string): Formula | null {
  if (read.size > MAX_READ) read.clear()
  const formula = read.get(tex)
  if (formula !== undefined) return formula
  const fresh = readFormula(tex)
  read.set(tex, fresh)
  return fresh
}

/** Judges whether a text holds a formula, however it is written. The formula must be one for KaTeX. */
export function judgeMath(math: string, text: string, ignoresDollars: boolean): Verdict {
  const formulas = formulasOf(text, ignoresDollars)
  if (formulas.includes(math)) return { passed: true }
  const wanted = known(math)
  if (wanted === null) throw new RangeError(`KaTeX cannot read the formula ${math}`)
  const byLikeness = formulas
    .map((formula) => ({ formula, likeness: ratio(formula, math) }))
    .toSorted((one, other) => other.likeness - one.likeness)
  const isFound = byLikeness.some(({ formula }) => {
    const shown = known(formula)
    return shown !== null && isWithin(wanted, shown)
  })
  if (isFound) return { passed: true }
  const nearest = byLikeness[0]?.formula
  const why = formulas.length === 0 ? 'there is no formula' : `none of the ${formulas.length} formulas is it`
  return { passed: false, why, ...(nearest === undefined ? {} : { nearest }) }
}
