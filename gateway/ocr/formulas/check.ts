import { LRUCache } from 'lru-cache'
import type { Formula } from '../markdown/find-formulas.ts'
import { startFormulaThread, type FormulaThread } from './thread.ts'

/** What is wrong with a formula; null: nothing; undefined: it was not checked in time. */
export type FormulaVerdict = string | null | undefined

/** Checks the formulas of a page. Never throws, and never takes longer than some seconds. */
export type CheckFormulas = (formulas: readonly Formula[]) => Promise<readonly FormulaVerdict[]>

/** How long checking may take. In milliseconds. */
export interface FormulaLimits {
  /** For the formulas of one page. */
  readonly pageMs: number
  /** How long a page waits for its turn. */
  readonly waitMs: number
  /** How long the thread stays without work. */
  readonly idleMs: number
}

/** KaTeX parses a usual formula in a tenth of a millisecond. */
const LIMITS: FormulaLimits = { pageMs: 250, waitMs: 2000, idleMs: 60_000 }
/** Of the verdicts that are kept, with their formulas. In characters. */
const MAX_KEPT = 4_000_000
/** A longer formula is none. */
const MAX_TEX_CHARACTERS = 20_000
/** The verdict on a formula that took too long: it would take as long again. */
const TOO_SLOW = Symbol('too slow')

/**
 * Creates what checks formulas with KaTeX, in one thread that is started for the first of them: pages take turns, and one whose
 * formulas take too long costs the thread. Verdicts are kept, so that known documents cost nothing.
 */
export function createFormulaCheck(limits: FormulaLimits = LIMITS): CheckFormulas {
  const known = new LRUCache<string, { readonly verdict: string | null | typeof TOO_SLOW }>({
    maxSize: MAX_KEPT,
    sizeCalculation: ({ verdict }, key) => key.length + (typeof verdict === 'string' ? verdict.length : 0) + 50,
  })
  const take = createThread(limits)
  let turn: Promise<unknown> = Promise.resolve()

  async function check(formulas: readonly Formula[]): Promise<void> {
    const verdicts = await take().check(formulas, limits.pageMs)
    if (verdicts === null) return
    for (const [index, formula] of formulas.entries()) {
      const verdict = verdicts[index]
      if (verdict !== undefined) known.set(keyOf(formula), { verdict })
      // The first that has no verdict is the one that the thread was at.
      else if (index === verdicts.length) known.set(keyOf(formula), { verdict: TOO_SLOW })
    }
  }

  return async function checkFormulas(formulas) {
    const unknown = new Map(formulas.filter(isShort).map((formula) => [keyOf(formula), formula]))
    for (const key of unknown.keys()) if (known.has(key)) unknown.delete(key)
    if (unknown.size > 0) {
      let isLate = false
      const mine = turn.then(() => (isLate ? undefined : check([...unknown.values()])))
      turn = mine.catch(() => undefined)
      await settledIn(mine, limits.waitMs)
      isLate = true
    }
    return formulas.map((formula) => {
      const verdict = known.get(keyOf(formula))?.verdict
      return verdict === TOO_SLOW ? undefined : verdict
    })
  }
}

const keyOf = ({ tex, isDisplay }: Formula): string => `${isDisplay ? '$$' : '$'}${tex}`
const isShort = ({ tex }: Formula): boolean => tex.length <= MAX_TEX_CHARACTERS

/** Waits for work, at most so long, whatever becomes of it. */
async function settledIn(work: Promise<unknown>, limitMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, limitMs)
  void work.then(
    () => resolve(),
    () => resolve(),
  )
  await promise
  clearTimeout(timer)
}

/** Keeps one thread: starts another when it has died, and ends it when it has had no work for a while. */
function createThread({ idleMs }: FormulaLimits): () => FormulaThread {
  let thread: FormulaThread | null = null
  let idle: NodeJS.Timeout | null = null
  return function take() {
    if (thread?.alive !== true) thread = startFormulaThread()
    const taken = thread
    clearTimeout(idle ?? undefined)
    idle = setTimeout(() => taken.end(), idleMs).unref()
    return taken
  }
}
