import type { PageImage } from '../../gateway/page/page.ts'
import type { KnownDocument } from './document.ts'
import type { Fault } from './faults.ts'
import type { Reading } from './read-sides.ts'
import type { Fact } from './score/facts.ts'
import { judge } from './score/judge.ts'
import { characterErrorRate, compareWords } from './score/prose.ts'
import { compareStructure } from './score/structure.ts'
import type { Verdict } from './score/verdict.ts'

/** What one fact says of the readings of its document, by side. */
export interface JudgedFact {
  readonly fact: Fact
  /** What the gateway does that it is about: `joins`, `repaired`, …; null for nothing in particular. */
  readonly about: string | null
  readonly verdicts: ReadonlyMap<string, Verdict>
}

/** The measures of texts that are known as a whole. `error` is better the smaller it is. */
export const measures = {
  recall: 'words found',
  precision: 'words that are right',
  error: 'character error rate',
  headings: 'headings',
  tables: 'cells of tables',
} as const

/** A measure. */
export type Measure = keyof typeof measures

/** One measure of one truth, by side. */
export interface Measured {
  readonly measure: Measure
  readonly trust: 'exact' | 'near' | 'layer'
  readonly values: ReadonlyMap<string, number>
}

/** All that is known of how a document was read. */
export interface ScoredDocument {
  readonly document: KnownDocument
  readonly readings: ReadonlyMap<string, Reading>
  readonly facts: readonly JudgedFact[]
  readonly measured: readonly Measured[]
  readonly faults: readonly (Fault | null)[]
  /** Its pages as a client without a gateway draws them; only as many as were read. */
  readonly pages: number
}

/** Judges the readings of a document. Facts of pages that were not read are left out. */
export function scoreDocument(
  document: KnownDocument,
  images: readonly (PageImage | null)[],
  readings: ReadonlyMap<string, Reading>,
  faults: readonly (Fault | null)[] = [],
): ScoredDocument {
  const isWhole = images.length >= document.pages
  const facts = document.facts
    .filter(({ page }) => (page === 0 ? isWhole : page <= images.length))
    .map((fact) => judgeFact(fact, readings, faults, knownText(document, fact)))
  const measured = isWhole ? document.truths.flatMap((truth) => measure(truth, readings)) : []
  return { document, readings, facts, measured, faults, pages: images.length }
}

/** The text that a fact is about: its page, or all of it. */
export function textFor({ page }: Fact, { text, pages }: Reading): string {
  return page === 0 ? text : (pages[page - 1] ?? '')
}

function judgeFact(
  fact: Fact,
  readings: ReadonlyMap<string, Reading>,
  faults: readonly (Fault | null)[],
  known: string | null,
): JudgedFact {
  const verdicts = new Map(
    [...readings].map(([side, reading]) => [side, judgeRead(fact, textFor(fact, reading), known)]),
  )
  return { fact, about: fact.about ?? aboutFault(faults[fact.page - 1] ?? null), verdicts }
}

/** A page of whose words less came out was not read. */
const READ = 0.5

/**
 * Judges a fact of a text. Of a page that was not read everything is absent: where the page's text is known, and half of its
 * words are missing, that bears out nothing.
 */
function judgeRead(fact: Fact, text: string, known: string | null): Verdict {
  const verdict = judge(fact, text)
  if (fact.type !== 'absent' || !verdict.passed || known === null || compareWords(known, text).recall >= READ)
    return verdict
  return { passed: false, why: 'most of the text of the page is not there either' }
}

/** What is known of the text that a fact is about; null for nothing. */
function knownText({ answers }: KnownDocument, { page }: Fact): string | null {
  if (answers === null) return null
  return page === 0 ? answers.join('\n\n') : (answers[page - 1] ?? null)
}

function aboutFault(fault: Fault | null): string | null {
  if (fault === null) return null
  return fault === 'broken_table' ? 'tables' : 'repaired'
}

function measure(truth: KnownDocument['truths'][number], readings: ReadonlyMap<string, Reading>): readonly Measured[] {
  const found = new Map<Measure, Map<string, number>>()
  const note = (name: Measure, side: string, value: number | null) => {
    if (value !== null) found.set(name, (found.get(name) ?? new Map<string, number>()).set(side, value))
  }
  for (const [side, { text }] of readings) {
    const { recall, precision } = compareWords(truth.text, text)
    note('recall', side, recall)
    if (truth.trust === 'layer') continue
    note('precision', side, precision)
    if (truth.trust === 'exact') note('error', side, characterErrorRate(truth.text, text))
    if (!truth.isMarkdown) continue
    const { headings, tables } = compareStructure(truth.text, text)
    note('headings', side, headings)
    note('tables', side, tables)
  }
  // What one side is too long for is not compared.
  return [...found]
    .filter(([, values]) => values.size === readings.size)
    .map(([name, values]) => ({ measure: name, trust: truth.trust, values }))
}
