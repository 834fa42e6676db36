import { BURST, climb, MAX_LIMIT, START, withLimit } from './limit-search.ts'
import type { LimitSearch, Narrowing } from './limit-search.ts'
import type { TextLevel } from './text-pace.ts'

/** Fewer times as many pages are no other number of them. */
const DISTINCT = 1.2
/**
 * Half as many pages more must bring 5 % more text. Where pages are also prepared on the way, as on a busy processor, text alone says too
 * little: answers decide there whether as many are worth it.
 */
const MIN_ELASTICITY = 0.12
/** So much text is as much, by what measuring scatters. */
const SAME_TEXT = 0.98
/** So many times as many are kept: what is measured as enough may be too few by as much. */
const SPARE = 1.05
/** Between a number of pages and so many times as many, no other is tried. */
const CLOSE = 1.12
/** From here on text grows with the pages: fewer would bring less. */
const LINEAR_ELASTICITY = 0.9

/**
 * Judges the first rush by what text comes from as many pages as the limit, beside what came from fewer. Goes on climbing where more pages
 * brought more text; else the limits below are tried.
 */
export function judgeText(search: LimitSearch, level: TextLevel, now: number): LimitSearch {
  const lower = search.levels.filter(({ pages }) => pages * DISTINCT <= level.pages)
  const before = lower.at(-1)
  const risen = { ...search, levels: [...lower, level] }
  if (before === undefined || hasGained(before, level)) return climb(risen, MAX_LIMIT)
  const rejection = { seconds: null, at: now }
  const found = { ...search, phase: 'settled', rejected: { up: rejection, down: rejection } } as const
  return narrowFurther(found, { below: lower, isRight: false, few: null, enough: level })
}

/** Judges a limit that is tried since text has not grown any more: by what text it brings, measured for longer than in the rush. */
export function narrow(search: LimitSearch, narrowing: Narrowing, level: TextLevel): LimitSearch {
  const { below, enough } = narrowing
  // What was measured in a hurry was wrong.
  if (!narrowing.isRight && hasGained(level, enough)) {
    const levels = [...below.slice(0, -1), level, enough]
    const open = { ...search.rejected, up: null, down: null }
    return climb(
      { ...withLimit({ ...search, narrowing: null }, enough.pages), phase: 'first', levels, rejected: open },
      MAX_LIMIT,
    )
  }
  if (level.pace < enough.pace * SAME_TEXT) return narrowFurther(search, { ...narrowing, isRight: true, few: level })
  const lower = below.filter(({ pages }) => pages < level.pages)
  return narrowFurther(search, { ...narrowing, isRight: true, below: lower, enough: { ...level, pace: enough.pace } })
}

/** Ends all tries: the limit is what is known to be enough. */
export function endNarrowing(search: LimitSearch, { enough }: Narrowing): LimitSearch {
  return withLimit({ ...search, narrowing: null }, enough.pages * SPARE)
}

function narrowFurther(search: LimitSearch, narrowing: Narrowing): LimitSearch {
  const { below, few, enough } = narrowing
  const next = few === null ? (below.at(-1)?.pages ?? fewerThan(enough)) : between(few, enough)
  return next === undefined ? endNarrowing(search, narrowing) : withLimit({ ...search, narrowing }, next)
}

/** Returns fewer pages, where none were measured on the way up; undefined: it began with as few. */
const fewerThan = ({ pages }: TextLevel): number | undefined =>
  pages > START ? Math.max(START, pages / BURST) : undefined

/** Returns a number of pages between two; undefined where they are close, or fewer pages bring less in proportion. */
function between(few: TextLevel, enough: TextLevel): number | undefined {
  const isLinear = Math.log(enough.pace / few.pace) >= LINEAR_ELASTICITY * Math.log(enough.pages / few.pages)
  return isLinear || enough.pages <= few.pages * CLOSE ? undefined : Math.sqrt(few.pages * enough.pages)
}

/** Whether more pages brought so much more text that it is no chance. */
function hasGained(few: TextLevel, many: TextLevel): boolean {
  return Math.log(many.pace / few.pace) >= MIN_ELASTICITY * Math.log(many.pages / few.pages)
}
