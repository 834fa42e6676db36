import { BURST, climb, MAX_LIMIT, START, withLimit } from './limit-search.ts'
import type { LimitSearch, Narrowing } from './limit-search.ts'
import type { TextLevel } from './text-pace.ts'

/** Fewer times as many pages are no other number of them. */
const DISTINCT = 1.2
/**
 * More pages must bring 5 % more text: on the way up they are half as many more. Where pages are also prepared on the way, as on a busy
 * processor, text alone says too little: answers decide there whether as many are worth it.
 */
const MIN_GAIN = 1.05
const ELASTICITY_OF_GAIN = Math.log(MIN_GAIN) / Math.log(BURST)
/** Where half as many more bring a fifth more text and above, that is no chance, however short it was measured. */
const PLAIN_ELASTICITY = 0.5
/** Where half as many more bring a seventh more, it is a gain beside what was measured in a hurry. */
const SURE_ELASTICITY = 0.35
/** So much text is as much, by what measuring scatters. */
const SAME_TEXT = 0.97
/** So little is plainly less, if it was measured for some time: what a busy process hears late comes all at once. In seconds. */
const PLAINLY_LESS = 0.9
const SURE_OF_LESS = 0.25
/** Text is measured for so long where nothing is plain, in seconds; for longer where pages that came together end meanwhile. */
const SURE = 0.5
const SURE_WHILE_BUSY = 1
/** So many times as many are kept: what is measured as enough may be too few by as much. */
const SPARE = 1.1
/** So many times as many pages are far apart. */
const FAR = 1.8
/** From fewer times as many pages text grows by less than measuring scatters; the elasticity up to which it does not grow from more. */
const HARDLY_MORE = 1.06
const FLAT = 0.05
/** Each half more brings less than the one before: two thirds, where a server works ever slower. */
const WORTH_A_STEP = ELASTICITY_OF_GAIN * 1.5
/** From more pages than so many, fewer are tried in smaller steps: to try a third less costs much of what the server can do. */
const MANY = 20
const HALF_A_BURST = Math.sqrt(BURST)
/** Between a number of pages and so many times as many, no other is tried. */
const CLOSE = 1.12
/** Where text grows in proportion to the pages, the limit may be so many times what it was measured from last. */
const AHEAD = 6
/** What was measured more briefly, in seconds, may be wrong by a third and more: of some pieces a busy process hears late. */
const BRIEF = 0.1
/** Elasticities from which text grows with the pages: in what was measured in a hurry, and where fewer pages are tried. */
const LINEAR = 0.75
const PLAINLY_LINEAR = 0.9

/** Whether the limit may be raised once the server has begun as many pages, before text has said what they bring. */
export function mayGoAhead({ phase, isStepwise, levels, limit }: LimitSearch): boolean {
  return phase === 'first' && !isStepwise && limit < (levels.at(-1)?.pages ?? START) * AHEAD
}

/**
 * Whether what was measured says what more pages bring: plainly, or for long enough. `isBusy`: pages are answered meanwhile, and others
 * come in their place.
 */
export function isSure({ levels, narrowing, isStepwise }: LimitSearch, level: TextLevel, isBusy: boolean): boolean {
  if (narrowing !== null) {
    const isLess = level.pace < narrowing.enough.pace * PLAINLY_LESS
    const { isRight, enough } = narrowing
    return level.seconds >= (isLess && (isRight || isFar(level, enough)) ? SURE_OF_LESS : SURE_WHILE_BUSY)
  }
  if (isBrief(level)) return !isStepwise && isRise(levels, level)
  const before = lowerThan(levels, level).at(-1)
  if (!isStepwise || before === undefined || level.seconds >= (isBusy ? SURE_WHILE_BUSY : SURE)) return true
  const gain = elasticity(before, level)
  if (gain < ELASTICITY_OF_GAIN) return level.seconds >= (isBusy ? SURE : SURE_OF_LESS)
  return !isBusy && gain >= PLAIN_ELASTICITY
}

/** Whether it was measured so briefly that it may be plainly wrong. */
export function isBrief({ seconds }: TextLevel): boolean {
  return seconds < BRIEF
}

/** Whether text has grown with the pages from those that were measured before: the limit may go on ahead, however brief it was. */
function isRise(levels: readonly TextLevel[], level: TextLevel): boolean {
  const last = levels.at(-1)
  const fewer = together(levels)
  return last === undefined || fewer === null || (isLower(last, level) && elasticity(fewer, level) >= LINEAR)
}

/**
 * Judges the first rush by what text comes from as many pages as the limit, beside what came from fewer. Where it has grown with the pages until now, the
 * limit may go ahead; where it does not any more, it goes back, and from then on climbs where more pages brought more text; else the limits below are tried.
 */
export function judgeText(search: LimitSearch, level: TextLevel, now: number): LimitSearch {
  const lower = lowerThan(search.levels, level)
  const before = lower.at(-1)
  const risen = { ...search, levels: [...lower, level] }
  if (!search.isStepwise) {
    const fewer = together(lower)
    if (fewer === null || elasticity(fewer, level) >= LINEAR) return risen
    // So many pages bring as much, where text grows with them up to there, and then no more. If it does not, the fewer were measured wrong.
    const enough = Math.max(fewer.pages * DISTINCT, fewer.pages * (level.pace / fewer.pace))
    const levels = lower.filter((each) => !isBrief(each))
    return { ...search, levels, isStepwise: true, limit: Math.min(search.limit, Math.ceil(enough)) }
  }
  if (before === undefined || elasticity(before, level) >= elasticityOfGain(before)) return climb(risen, MAX_LIMIT)
  const rejection = { seconds: null, at: now }
  const found = { ...search, phase: 'settled', rejected: { up: rejection, down: rejection } } as const
  return narrowFurther(found, { below: lower, isRight: false, few: null, fewer: null, enough: level })
}

/** Judges a limit that is tried since text has not grown any more: by what text it brings, measured for longer than in the rush. */
export function narrow(search: LimitSearch, narrowing: Narrowing, level: TextLevel): LimitSearch {
  const { below, few, enough } = narrowing
  // First pages of requests go beyond the limit: nothing is learnt from as many as are enough. The try goes on, for as long as one may.
  if (level.pages >= enough.pages) return search
  const isRight = narrowing.isRight || !isFar(level, enough)
  // What was measured in a hurry was wrong.
  if (isRight && !narrowing.isRight && hasGained(level, enough)) {
    const levels = [...below.slice(0, -1), level, enough]
    const open = { ...search.rejected, up: null, down: null }
    return climb(
      { ...withLimit({ ...search, narrowing: null }, enough.pages), phase: 'first', levels, rejected: open },
      MAX_LIMIT,
    )
  }
  if (level.pace < enough.pace * SAME_TEXT) {
    return few !== null && isFlat(few, level)
      ? narrowFurther(search, { isRight, below: lowerThan(below, few), ...lowered(few, narrowing.fewer) })
      : narrowFurther(search, { ...narrowing, isRight, few: level, fewer: few })
  }
  return narrowFurther(search, {
    ...narrowing,
    isRight,
    below: lowerThan(below, level),
    enough: { ...level, pace: enough.pace },
  })
}

/** Whether text has grown in proportion to the pages until now, as far as is known: they do not slow each other down. */
export function isLinear(levels: readonly TextLevel[]): boolean {
  const last = levels.at(-1)
  const fewer = together(levels.slice(0, -1))
  return last === undefined || fewer === null || elasticity(fewer, last) >= LINEAR
}

/** Ends all tries: the limit is what is known to be enough. */
export function endNarrowing(search: LimitSearch, { enough }: Narrowing): LimitSearch {
  return withLimit({ ...search, narrowing: null }, enough.pages * SPARE)
}

function narrowFurther(search: LimitSearch, narrowing: Narrowing): LimitSearch {
  const { below, enough } = narrowing
  const last = below.at(-1)
  // What is far below, and plainly less, needs no try of its own.
  const isLess = last !== undefined && isFar(last, enough) && last.pace < enough.pace * PLAINLY_LESS
  const few = narrowing.few ?? (isLess ? last : null)
  const next = few === null ? (last?.pages ?? fewerThan(enough)) : between(few, enough)
  return next === undefined
    ? endNarrowing(search, narrowing)
    : withLimit({ ...search, narrowing: { ...narrowing, few } }, next)
}

/** Returns fewer pages, where none were measured on the way up; undefined: it began with as few. */
function fewerThan({ pages }: TextLevel): number | undefined {
  return pages > START ? Math.max(START, pages / (pages > MANY ? HALF_A_BURST : BURST)) : undefined
}

/**
 * Returns a number of pages between two: where the fewer bring plainly less, the one up to which text grows with the pages if it grows no more from
 * there on, else the middle; undefined where they are close, or fewer pages bring less in proportion.
 */
function between(few: TextLevel, enough: TextLevel): number | undefined {
  // What was measured in a hurry may have been less.
  const isInProportion = few.seconds >= SURE_OF_LESS && elasticity(few, enough) >= PLAINLY_LINEAR
  if (isInProportion || enough.pages <= few.pages * CLOSE) return undefined
  const bend = few.pages * (enough.pace / few.pace)
  const isBent = few.pace < enough.pace * PLAINLY_LESS && bend < enough.pages / DISTINCT
  const next = Math.round(isBent ? bend : Math.sqrt(few.pages * enough.pages))
  // One of the two would be measured again, and say the same.
  const other = Math.max(few.pages + 1, Math.min(enough.pages - 1, next))
  return other < enough.pages ? other : undefined
}

/**
 * Returns the mean of what was measured from several numbers of pages, by time; null for none. While text grows in proportion, a page has
 * as much of it from few as from many: what was measured in a hurry, and wrong by a third, is made up for by the others.
 */
function together(levels: readonly TextLevel[]): TextLevel | null {
  const seconds = levels.reduce((sum, each) => sum + each.seconds, 0)
  const meanOf = (what: 'pages' | 'pace') => levels.reduce((sum, each) => sum + each[what] * each.seconds, 0) / seconds
  return seconds === 0 ? null : { pages: meanOf('pages'), pace: meanOf('pace'), seconds }
}

const isLower = (few: TextLevel, many: TextLevel): boolean => few.pages * DISTINCT <= many.pages

const lowerThan = (levels: readonly TextLevel[], level: TextLevel): readonly TextLevel[] =>
  levels.filter((each) => isLower(each, level))

const isFar = (few: TextLevel, many: TextLevel): boolean => few.pages * FAR <= many.pages

/** What is known since text did not grow from few pages to more: as few are enough, or even fewer. */
function lowered(few: TextLevel, fewer: TextLevel | null): Pick<Narrowing, 'few' | 'fewer' | 'enough'> {
  const isLess = fewer === null || fewer.pace < few.pace * SAME_TEXT
  return isLess ? { few: fewer, fewer: null, enough: few } : { few: null, fewer: null, enough: fewer }
}

/** Whether text does not grow from few pages to more: then it has not grown to what was measured as enough either, which was too much. */
function isFlat(few: TextLevel, more: TextLevel): boolean {
  return few.seconds >= SURE && more.pages > few.pages * HARDLY_MORE && elasticity(few, more) < FLAT
}

/** Whether so much more text came from more pages that even more may be worth it. */
function hasGained(few: TextLevel, many: TextLevel): boolean {
  return elasticity(few, many) >= WORTH_A_STEP
}

/** What was measured in a hurry may be wrong by a tenth: it is measured again where the gain is as small. */
function elasticityOfGain({ seconds }: TextLevel): number {
  return seconds < SURE ? SURE_ELASTICITY : ELASTICITY_OF_GAIN
}

/** How much more text more pages bring: 1 where it grows with them, 0 where it does not. */
function elasticity(few: TextLevel, many: TextLevel): number {
  return Math.log(many.pace / few.pace) / Math.log(many.pages / few.pages)
}
