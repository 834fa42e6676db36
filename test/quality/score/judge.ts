import { judgeBaseline } from './baseline.ts'
import type { Fact } from './facts.ts'
import { partialRatio, pointsOf, ratio } from './indel.ts'
import { judgeMath } from './math.ts'
import { findNearMatches } from './near-matches.ts'
import { normalizeText } from './normalize-text.ts'
import { parseHtmlTables, parseTables } from './parse-tables.ts'
import { headingsOf, type Cell } from './table-grid.ts'
import type { Verdict } from './verdict.ts'

/** Says whether a text bears a fact out, as olmOCR-bench's tests do. */
export function judge(fact: Fact, text: string): Verdict {
  if (fact.type === 'order') return judgeOrder(fact, text)
  if (fact.type === 'table') return judgeTable(fact, text)
  if (fact.type === 'math') return judgeMath(fact.math, text, fact.ignore_dollar_delimited)
  if (fact.type !== 'baseline') return judgeText(fact, text)
  return judgeBaseline(
    {
      maxLength: fact.max_length ?? null,
      skipsImageTags: fact.max_length_skips_image_alt_tags,
      maxRepeats: fact.max_repeats,
      checksCharacters: fact.check_disallowed_characters,
    },
    text,
  )
}

/** A part of a text, by code points. */
function stretch(text: string, start: number, end: number): string {
  return Array.from(text).slice(start, end).join('')
}

type FactOf<Type extends Fact['type']> = Extract<Fact, { type: Type }>

function judgeText(fact: FactOf<'present' | 'absent'>, written: string): Verdict {
  const [wanted, text] = [fact.text, ends(normalizeText(written), fact)].map((each) =>
    fact.case_sensitive ? each : each.toLowerCase(),
  ) as [string, string]
  const threshold = 1 - fact.max_diffs / pointsOf(wanted).length
  const best = partialRatio(wanted, text)
  const isThere = best.ratio >= threshold
  if (isThere === (fact.type === 'present')) return { passed: true }
  const share = `${(100 * best.ratio).toFixed(1)} %`
  const nearest = stretch(text, best.start, best.end)
  if (isThere) return { passed: false, why: 'it is there', nearest }
  return { passed: false, why: `the nearest is ${share} alike, ${(100 * threshold).toFixed(1)} % is asked`, nearest }
}

/** The first and the last characters of a text, where the fact is about them alone. */
function ends(text: string, { first_n: first, last_n: last }: FactOf<'present' | 'absent'>): string {
  if (first === 0 && last === 0) return text
  const characters = Array.from(text)
  return [...characters.slice(0, first), ...(last === 0 ? [] : characters.slice(-last))].join('')
}

function judgeOrder(fact: FactOf<'order'>, written: string): Verdict {
  const text = normalizeText(written)
  const [before, after] = [fact.before, fact.after].map((wanted) => findNearMatches(wanted, text, fact.max_diffs)) as [
    ReturnType<typeof findNearMatches>,
    ReturnType<typeof findNearMatches>,
  ]
  for (const [matches, wanted] of [
    [before, fact.before],
    [after, fact.after],
  ] as const) {
    if (matches.length > 0) continue
    const { start, end } = partialRatio(wanted, text)
    return { passed: false, why: `"${wanted}" is not there`, nearest: stretch(text, start, end) }
  }
  const first = Math.min(...before.map(({ start }) => start))
  const last = Math.max(...after.map(({ start }) => start))
  return first < last ? { passed: true } : { passed: false, why: 'they stand the other way round' }
}

/** Cells are alike enough where half of them is, however many differences a fact allows. */
const LEAST_LIKENESS = 0.5

function isAlike(wanted: string, found: string, maxDiffs: number): boolean {
  const threshold = 1 - maxDiffs / Math.max(1, pointsOf(wanted).length)
  return ratio(wanted, found) >= Math.max(LEAST_LIKENESS, threshold)
}

function judgeTable(fact: FactOf<'table'>, text: string): Verdict {
  const tables = fact.ignore_markdown_tables ? parseHtmlTables(text) : parseTables(text)
  if (tables.length === 0) return { passed: false, why: 'there is no table' }
  const found = tables.flat().filter(({ text: cell }) => isAlike(fact.cell, normalizeText(cell), fact.max_diffs))
  if (found.length === 0) return { passed: false, why: 'no cell holds it', ...nearestCell(fact.cell, tables.flat()) }
  const judged = found.map((cell) => ({ cell, missing: relationsMissing(fact, cell) }))
  const best = judged.toSorted((one, other) => one.missing.length - other.missing.length)[0]!
  if (best.missing.length === 0) return { passed: true }
  return { passed: false, why: best.missing.join('; '), place: rowAround(best.cell) }
}

/** The row that a cell stands in, as text. */
function rowAround(cell: Cell): string {
  const texts = [cell.text]
  for (let left = cell.left[0]; left !== undefined; left = left.left[0]) texts.unshift(left.text)
  for (let right = cell.right[0]; right !== undefined; right = right.right[0]) texts.push(right.text)
  return texts.join(' | ')
}

function nearestCell(wanted: string, cells: readonly Cell[]): { nearest?: string } {
  const alike = cells.map(({ text }) => ({ text, likeness: ratio(wanted, normalizeText(text)) }))
  const best = alike.toSorted((one, other) => other.likeness - one.likeness)[0]
  return best === undefined || best.likeness === 0 ? {} : { nearest: best.text }
}

const RELATIONS = [
  ['up', 'above', ({ up }: Cell) => up],
  ['down', 'below', ({ down }: Cell) => down],
  ['left', 'at the left', ({ left }: Cell) => left],
  ['right', 'at the right', ({ right }: Cell) => right],
  ['left_heading', 'at the left end', (cell: Cell) => headingsOf(cell, 'left')],
  ['top_heading', 'at the top', (cell: Cell) => headingsOf(cell, 'up')],
] as const

/** What the cell's neighbours should be and are not; empty where all is as it should be. */
function relationsMissing(fact: FactOf<'table'>, cell: Cell): readonly string[] {
  return RELATIONS.flatMap(([name, where, find]) => {
    const wanted = fact[name]
    if (wanted === '') return []
    const texts = find(cell).map(({ text }) => normalizeText(text))
    if (texts.some((text) => isAlike(wanted, text, fact.max_diffs))) return []
    return [`${where} is ${texts.map((text) => `"${text}"`).join(', ') || 'nothing'} and not "${wanted}"`]
  })
}
