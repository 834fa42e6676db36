import { diffWords } from 'diff'
import type { Fact } from './score/facts.ts'
import { textFor, type JudgedFact, type ScoredDocument } from './score-document.ts'
import type { Run } from './tally.ts'

/** A page whose facts the gateway got wrong. */
export interface WorstPage {
  readonly scored: ScoredDocument
  /** From 1; 0 for the document as a whole. */
  readonly page: number
  readonly status: string | null
  readonly failures: readonly Failure[]
  /** Whether a reading without the gateway has something right that is wrong with it. */
  readonly isWorseThanDirect: boolean
}

/** One fact that came out wrong. */
export interface Failure {
  readonly type: Fact['type']
  /** The fact in words. */
  readonly expected: string
  readonly why: string
  /** What was expected beside what came nearest, word by word; empty where there is nothing to compare. */
  readonly diff: readonly DiffPart[]
  /** What stands there in its place, or else the beginning of the answer; only where there is no diff to show. */
  readonly excerpt: string
  readonly wasRightDirectly: boolean
}

/** A piece of text that is only expected, only found, or both. */
export interface DiffPart {
  readonly text: string
  readonly kind: 'same' | 'expected' | 'found'
}

/** Returns the pages that came out worst with the gateway: first those that were better without it. */
export function worstPages(run: Run, most: number): readonly WorstPage[] {
  return run.documents
    .flatMap(pagesOf)
    .toSorted(
      (one, other) =>
        Number(other.isWorseThanDirect) - Number(one.isWorseThanDirect) || other.failures.length - one.failures.length,
    )
    .slice(0, most)
}

function pagesOf(scored: ScoredDocument): readonly WorstPage[] {
  const failed = scored.facts.filter(({ verdicts }) => verdicts.get('gateway')?.passed === false)
  const pages = new Set(failed.map(({ fact }) => fact.page))
  return [...pages].map((page) => {
    const failures = failed.filter(({ fact }) => fact.page === page).map((judged) => failureOf(judged, scored))
    return {
      scored,
      page,
      status: scored.readings.get('gateway')?.statuses[page - 1] ?? null,
      failures,
      isWorseThanDirect: failures.some(({ wasRightDirectly }) => wasRightDirectly),
    }
  })
}

/** Longer texts are cut: a diff takes time, and a reader too. */
const MAX_COMPARED = 600
const EXCERPT = 300

function failureOf({ fact, verdicts }: JudgedFact, { readings }: ScoredDocument): Failure {
  const verdict = verdicts.get('gateway')
  const reading = readings.get('gateway')
  const { why, nearest, place } = verdict?.passed === false ? verdict : { why: '' }
  const wanted = wantedText(fact)
  const diff = wanted === null || nearest === undefined || fact.type === 'absent' ? [] : diffOf(wanted, nearest)
  const text = reading === undefined ? '' : textFor(fact, reading)
  return {
    type: fact.type,
    expected: inWords(fact),
    why: reading?.failure == null ? why : `${why}; ${reading.failure}`,
    diff,
    excerpt: diff.length > 0 ? '' : cut(place ?? nearest ?? text, EXCERPT),
    wasRightDirectly: verdicts.get('direct')?.passed === true,
  }
}

function diffOf(wanted: string, found: string): readonly DiffPart[] {
  return diffWords(cut(wanted, MAX_COMPARED), cut(found, MAX_COMPARED)).map(({ value, added, removed }) => ({
    text: value,
    kind: added ? 'found' : removed ? 'expected' : 'same',
  }))
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`
}

function wantedText(fact: Fact): string | null {
  if (fact.type === 'present') return fact.text
  if (fact.type === 'table') return fact.cell
  return fact.type === 'math' ? fact.math : null
}

const NEIGHBOURS = [
  ['up', 'below'],
  ['down', 'above'],
  ['left', 'at the right of'],
  ['right', 'at the left of'],
  ['top_heading', 'under the heading'],
  ['left_heading', 'in the row that begins with'],
] as const

/** Says what a fact is, in words. */
export function inWords(fact: Fact): string {
  switch (fact.type) {
    case 'present':
      return `“${fact.text}” is there`
    case 'absent':
      return `“${fact.text}” is not there`
    case 'order':
      return `“${fact.before}” comes before “${fact.after}”`
    case 'math':
      return `the formula ${fact.math} is there`
    case 'baseline':
      return fact.max_length == null ? 'there is text, and no loop' : 'the page is blank'
    default: {
      const places = NEIGHBOURS.flatMap(([name, where]) => (fact[name] === '' ? [] : [`${where} “${fact[name]}”`]))
      return [`a cell “${fact.cell}” stands in a table`, ...places].join(', ')
    }
  }
}
