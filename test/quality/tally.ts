import { factTypes } from './score/facts.ts'
import { measures, type JudgedFact, type Measure, type ScoredDocument } from './score-document.ts'
import type { Side } from './sides.ts'

/** What one engine did, on all sides. The first side is `direct`, and one is called `gateway`. */
export interface Run {
  readonly title: string
  readonly about: string
  readonly sides: readonly Side[]
  readonly documents: readonly ScoredDocument[]
  readonly seconds: number
}

/** A row of a table: how many there are, and the share that each side has right. */
export interface TallyRow {
  readonly name: string
  readonly count: number
  /** 0 to 1, by side. */
  readonly shares: ReadonlyMap<string, number>
  /** `gateway` less `direct`. */
  readonly difference: number
  /** Whether it is errors that are counted. */
  readonly isBetterSmaller: boolean
}

/** Counts the facts by type, in the order of types; types without a fact are left out. */
export function byType(run: Run): readonly TallyRow[] {
  return tally(run, (judged) => judged.fact.type, factTypes)
}

/** Counts the facts by the set that their document belongs to. */
export function byFamily(run: Run): readonly TallyRow[] {
  return tally(run, (_, { document }) => document.family)
}

/** Counts the facts by the kind of their document. */
export function byCategory(run: Run): readonly TallyRow[] {
  return tally(run, (_, { document }) => document.category)
}

/** Counts the facts by what the gateway does that they are about. */
export function byAbout(run: Run): readonly TallyRow[] {
  return tally(run, ({ about }) => about ?? 'anything else')
}

/** All facts in one row. */
export function allFacts(run: Run): TallyRow {
  return tally(run, () => 'all')[0] ?? row('all', 0, new Map())
}

function tally(
  run: Run,
  nameOf: (judged: JudgedFact, scored: ScoredDocument) => string,
  order: readonly string[] = [],
): readonly TallyRow[] {
  const groups = new Map<string, JudgedFact[]>(order.map((name) => [name, []]))
  for (const scored of run.documents)
    for (const judged of scored.facts) {
      const name = nameOf(judged, scored)
      const group = groups.get(name)
      if (group === undefined) groups.set(name, [judged])
      else group.push(judged)
    }
  return [...groups]
    .filter(([, facts]) => facts.length > 0)
    .map(([name, facts]) => {
      const passed = (side: string) => facts.filter(({ verdicts }) => verdicts.get(side)?.passed === true).length
      return row(name, facts.length, new Map(run.sides.map(({ name: side }) => [side, passed(side) / facts.length])))
    })
}

function row(name: string, count: number, shares: ReadonlyMap<string, number>, isBetterSmaller = false): TallyRow {
  const difference = (shares.get('gateway') ?? 0) - (shares.get('direct') ?? 0)
  return { name, count, shares, difference, isBetterSmaller }
}

/** The mean of each measure, by how far the truth is to be trusted. */
export function byMeasure(run: Run): readonly TallyRow[] {
  const all = run.documents.flatMap(({ measured }) => measured)
  return (['exact', 'near', 'layer'] as const).flatMap((trust) =>
    (Object.keys(measures) as Measure[]).flatMap((measure) => {
      const own = all.filter((each) => each.trust === trust && each.measure === measure)
      if (own.length === 0) return []
      const mean = (side: string) => own.reduce((sum, { values }) => sum + (values.get(side) ?? 0), 0) / own.length
      const means = new Map(run.sides.map(({ name }) => [name, mean(name)]))
      return [row(`${measures[measure]} (${trust})`, own.length, means, measure === 'error')]
    }),
  )
}

/** Says what the gateway made worse, or did not make better though it should; empty where all is well. */
export function shortfalls(run: Run, expectedGains: readonly string[]): readonly string[] {
  const worse = byType(run)
    .filter(({ difference }) => difference < 0)
    .map(({ name, difference }) => `${run.title}: ${name} is ${points(difference)} with the gateway`)
  const same = byAbout(run)
    .filter(({ name, difference }) => expectedGains.includes(name) && difference <= 0)
    .map(({ name, difference }) => `${run.title}: facts about ${name} are ${points(difference)}, and should be better`)
  return [...worse, ...same, ...failuresOf(run).map((failure) => `${run.title}: ${failure}`)]
}

/** Documents that the gateway did not read at all, and why. */
export function failuresOf(run: Run): readonly string[] {
  return run.documents.flatMap(({ document, readings }) => {
    const failure = readings.get('gateway')?.failure ?? null
    return failure === null ? [] : [`${document.name} was not read: ${failure}`]
  })
}

/** A difference of shares, in points of a hundred. */
export function points(difference: number): string {
  const text = (100 * difference).toFixed(1)
  if (Number(text) === 0) return '0.0'
  return difference > 0 ? `+${text}` : text.replace('-', '−')
}
