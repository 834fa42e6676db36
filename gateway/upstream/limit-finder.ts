import { placesBeyond } from '../schedule/firsts.ts'
import { hasTooFewBursts, isBusy, standardError } from './answer-window.ts'
import type { Sample } from './answer-window.ts'
import type { BacklogLook } from './backlog.ts'
import { enoughFor, reopen, shorten } from './limit-places.ts'
import {
  adoptLimit,
  climb,
  followDemand,
  isPlain,
  isReached,
  judgeFirstRush,
  MAX_LIMIT,
  judgeWindow,
  START,
} from './limit-search.ts'
import type { Circumstances, LimitSearch } from './limit-search.ts'
import { refillTime, type TextLevel } from './text-pace.ts'
import { endNarrowing, isBrief, isLinear, isSure, judgeText, mayGoAhead, narrow } from './text-search.ts'

/** What a finder begins with, asks and tells. */
interface FinderOptions {
  readonly begun: LimitSearch
  /** What is known of the server now. */
  readonly seen: () => Pick<Circumstances, 'shortest' | 'isTelling' | 'isPreparing' | 'now'>
  /** Called when the limit was set anew; `isClimbing`: it was raised ahead of what text says, and what is being measured goes on. */
  readonly onChange: (isClimbing: boolean) => void
}

/** The search for a limit while pages are read. */
export interface LimitFinder {
  readonly search: () => LimitSearch
  /** Says what another gateway has found out. */
  readonly adopt: (limit: number, isSettled: boolean) => void
  /** Says that a page was sent, as the last of so many. */
  readonly noteSent: (inFlight: number) => void
  /** Says that a page found no room. */
  readonly noteWanted: () => void
  /** Says that the server has begun as many pages as the limit, and had places for them. */
  readonly noteBegun: () => void
  /** Says the same where text says soon whether they are too many. */
  readonly noteBegunAhead: () => void
  /** Whether it would be told how much text comes from so many pages; `isFilled`: as many as may be are at the server. */
  readonly wantsText: (pages: number, isFilled: boolean) => boolean
  /** Says how much text came from so many; returns whether that is enough for a decision. */
  readonly noteText: (level: TextLevel) => boolean
  /** Says that a page was answered while others waited at the server. */
  readonly noteRush: (look: BacklogLook) => void
  /** Says who waited at the full server, which answers so many pages per second. */
  readonly noteLook: (look: BacklogLook, rate: number) => void
  readonly noteNobodyWaits: () => void
  /** Says that pages which seemed to wait at the server were being prepared: what they have shown was wrong; `isLasting`: for some time now. */
  readonly notePreparing: (isLasting: boolean) => void
  /** Says that a page was answered that was sent in an epoch of the search. */
  readonly noteAnswered: (sample: Sample, sentIn: number) => void
}

/** Gathers what is seen of a server until it is enough for a decision, and enters what limit-search.ts decides. */
export function createFinder({ begun, seen, onChange }: FinderOptions): LimitFinder {
  let search = begun
  let isBackedUp = false
  /** Since the limit was raised. */
  let hasAnswered = false
  const now = () => seen().now
  const refills = createRefills(now)
  const circumstances = () => ({ ...seen(), isBackedUp })
  const answers = createAnswers(() => search, circumstances, enter)

  function enter(next: LimitSearch): void {
    const { epoch, limit } = search
    search = next
    if (next.limit > limit) hasAnswered = false
    if (next.epoch !== epoch) answers.restart()
    if (next.epoch !== epoch || next.limit !== limit) onChange(next.epoch === epoch && !next.isStepwise)
  }

  function noteLook({ most, waiting }: BacklogLook, rate: number, least = 0): void {
    isBackedUp = waiting > 0
    enter(shorten(search, { most, waiting, rate, now: now() }, least))
  }

  function noteRush(look: BacklogLook): void {
    const isFirst = !hasAnswered && !refills.isOn(look.most)
    refills.answered()
    if (endsRush(search, look, isFirst))
      noteLook(look, (look.most - look.waiting) / (seen().shortest ?? 1), search.reopened.limit)
    hasAnswered = true
  }

  return {
    search: () => search,
    adopt: (limit, isSettled) => enter(adoptLimit(search, limit, isSettled)),
    noteSent: answers.sent,
    noteWanted: answers.wants,
    noteBegun: () => enter(climb(search)),
    noteBegunAhead: () => void (mayGoAhead(search) && enter(climb(search, MAX_LIMIT))),
    wantsText(pages, isFilled) {
      // Those of a higher limit are still there for a while.
      if (pages > search.limit + placesBeyond(search.limit)) return false
      if (search.narrowing !== null) return isFilled
      return search.phase === 'first' && (isFilled || isWorthIt(search, pages))
    },
    noteText(level) {
      const { narrowing } = search
      if (narrowing === null && search.phase !== 'first') return true
      if (!isSure(search, level, hasAnswered)) return false
      answers.textSaid()
      enter(narrowing === null ? judgeText(search, level, now()) : narrow(search, narrowing, level))
      return true
    },
    noteRush,
    noteLook,
    noteNobodyWaits: () => void (isBackedUp = false),
    notePreparing: (isLasting) => enter(reopen(search, now(), isLasting)),
    noteAnswered: (sample, sentIn) => answers.add(sample, sentIn),
  }
}

/** Where text has begun to say what more pages bring, answers do only after so many of all pages. */
const ROUNDS_OF_TEXT = 4

/** In milliseconds, and for each second of a page: text has said by then what a limit that is tried brings, if it does. */
const LONGEST_TRY = 5000
const LONGEST_TRY_OF_A_PAGE = 4000

/**
 * The first page that is answered while others wait says how many the server works at: none has come after it. Of the pages
 * that it begins with, one may as well be stuck: a limit as low as what is left would keep the others from it. Where text says what more
 * pages bring, the rush goes on, and a busy process hears late of pages that come after others.
 */
function endsRush({ phase, levels, limit, reopened }: LimitSearch, look: BacklogLook, isFirst: boolean): boolean {
  const { most, waiting } = look
  // It was begun again since nobody waited at so many.
  if (most <= reopened.limit) return false
  if (phase !== 'first' || waiting === 0 || most <= START || (levels.length > 0 && !isFirst)) return false
  // A few end nothing that was not even reached, where pages already slow each other down.
  return isReached(limit, most) || enoughFor(look) < most || isLinear(levels)
}

/** Knows whether others come just now in place of pages that were answered: a busy process hears late that they have begun. */
function createRefills(now: () => number) {
  let answeredAt = -Infinity
  return {
    answered: () => void (answeredAt = now()),
    isOn: (pages: number) => now() - answeredAt < refillTime(pages),
  }
}

/** So many times the pages from which text was measured last are worth a measurement of their own. */
const MORE = 1.2

/** Whether so many pages are worth a measurement: there may never be as many as the limit. */
function isWorthIt({ levels, isStepwise }: LimitSearch, pages: number): boolean {
  const last = levels.at(-1)
  return last !== undefined && (pages >= last.pages * MORE || (isBrief(last) && !isStepwise))
}

/** Text that came from so large a share of the pages that are wanted at most has said what they bring. */
const AS_MANY = 0.9

/** Lowers a limit that nobody reaches. Where text has said that as many pages as are wanted bring more than fewer, it is found. */
function followMeasured(search: LimitSearch, peak: number): LimitSearch {
  const isMeasured = (search.levels.at(-1)?.pages ?? 0) >= peak * AS_MANY
  return followDemand(isMeasured ? { ...search, phase: 'settled' } : search, peak)
}

/** Gathers answers until they are enough for a decision. */
function createAnswers(
  search: () => LimitSearch,
  circumstances: () => Omit<Circumstances, 'peak' | 'isWanted'>,
  enter: (next: LimitSearch) => void,
) {
  const window = createWindow()
  /** Since text has last said what more pages bring. */
  let sinceText = 0
  /** When the limit was set. */
  let since = 0

  function decide(): void {
    const { phase, narrowing, levels, limit } = search()
    const { peak } = window
    // Text is measured where the limit is reached.
    if (phase === 'first' && levels.length > 0 && sinceText < limit * ROUNDS_OF_TEXT)
      return isReached(limit, peak) ? undefined : enter(followMeasured(search(), peak))
    if (narrowing !== null) {
      const { now, shortest } = circumstances()
      const hasTried = now - since > Math.max(LONGEST_TRY, (shortest ?? 0) * LONGEST_TRY_OF_A_PAGE)
      return hasTried ? enter(endNarrowing(search(), narrowing)) : undefined
    }
    if (phase !== 'first' && !isBusy(window.samples)) {
      enter(followDemand(search(), peak))
      return window.forgetDemand()
    }
    judge()
  }

  function judge(): void {
    const { samples, peak, wanted } = window
    const isWanted = wanted >= samples.length * MIN_SHARE_WANTED
    const byWindow = search().phase === 'first' ? judgeFirstRush : judgeWindow
    const next = byWindow(search(), samples, { ...circumstances(), peak, isWanted })
    if (next === null) return
    window.forgetAnswers()
    enter(next)
  }

  return {
    sent: window.sent,
    wants: window.wants,
    restart(): void {
      window.restart()
      since = circumstances().now
    },
    textSaid: () => void (sinceText = 0),
    add(sample: Sample, sentIn: number): void {
      // What is answered now was sent under another limit, until the first page of this one comes back.
      if (window.samples.length === 0 && sentIn !== search().epoch) return
      sinceText += 1
      const size = windowSize(search(), window.peak, circumstances().isTelling)
      window.add(sample, size.max)
      if (window.samples.length >= size.min && !needsMore(search(), window.samples, size)) decide()
    },
  }
}

/** What has happened since the limit was last looked at. */
function createWindow() {
  let samples: Sample[] = []
  let [peak, wanted] = [0, 0]
  const forgetDemand = () => void ([peak, wanted] = [0, 0])
  return {
    get samples(): readonly Sample[] {
      return samples
    },
    /** The most pages in flight. */
    get peak() {
      return peak
    },
    /** How often a page found no room. */
    get wanted() {
      return wanted
    },
    sent: (inFlight: number) => void (peak = Math.max(peak, inFlight)),
    wants: () => void (wanted += 1),
    /** Adds an answer; of more than so many the oldest is forgotten. */
    add(sample: Sample, max: number): void {
      samples.push(sample)
      if (samples.length > max) samples.shift()
    },
    forgetDemand,
    forgetAnswers(): void {
      samples = []
      wanted = 0
    },
    restart(): void {
      samples = []
      forgetDemand()
    },
  }
}

/** How many answers a decision needs, and how many are kept at most. */
interface WindowSize {
  readonly min: number
  readonly max: number
}

const FIRST_PAGES = 32
const FEWEST_PAGES = 8
/** Pages found no room for so large a share of answers: those that wait are no few that came between. */
const MIN_SHARE_WANTED = 1 / 2
/** A window holds so many pages for each page in flight: answers that come in bursts must even out. */
const PAGES_PER_SLOT = 3
const MIN_PAGES = 24
/** Where pages take such different times that chance would decide, a window holds up to so many. */
const MAX_PAGES = 400
/** The standard error of a decision's seconds, as a share of them. */
const MAX_ERROR = 0.03

function windowSize({ phase, limit }: LimitSearch, peak: number, isTelling: boolean): WindowSize {
  // Where only pages per second say anything, they are counted from the beginning.
  if (phase === 'first' && !isTelling) return { min: FEWEST_PAGES, max: FIRST_PAGES }
  if (phase === 'first') return { min: FIRST_PAGES, max: Math.max(peak, FIRST_PAGES) }
  if (phase === 'doubling') {
    const min = isTelling ? limit : Math.max(FEWEST_PAGES, limit) * 2
    return { min, max: 2 * min }
  }
  const min = Math.max(MIN_PAGES, limit * PAGES_PER_SLOT)
  return { min, max: Math.max(MAX_PAGES, 2 * min) }
}

/** A few bursts are not enough to be counted, nor are a few pages of very different length. */
function needsMore(search: LimitSearch, samples: readonly Sample[], { max }: WindowSize): boolean {
  if (search.phase !== 'settled' || samples.length >= max) return false
  return hasTooFewBursts(samples) || (standardError(samples) > MAX_ERROR && !isPlain(search, samples))
}
