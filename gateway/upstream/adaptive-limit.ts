import type { ServerLoad } from '../wire/vllm-metrics.ts'
import { createAnswerSpeed, type AnswerSpeed } from './answer-speed.ts'
import { createBacklog, type Backlog, type BacklogLook } from './backlog.ts'
import { hasTooFewBursts, isBusy, standardError } from './answer-window.ts'
import type { Sample } from './answer-window.ts'
import {
  adoptLimit,
  beginSearch,
  climb,
  followDemand,
  isPlain,
  isReached,
  judgeFirstRush,
  judgeWindow,
  knownPlaces,
  shorten,
  START,
} from './limit-search.ts'
import type { LimitSearch } from './limit-search.ts'
import type { ServerDemand, ServerShare } from './limit-share.ts'
import { watchOwnFigures } from './own-figures.ts'
import { createRecentPace, type PaceOfLastMinute, type RecentPace } from './recent-pace.ts'

/** How many pages an upstream is sent at a time: found out while pages are read, or pinned. */
export interface AdaptiveLimit {
  readonly current: number
  /** Says that another gateway has found out so much. */
  readonly adopt: (limit: number, isSettled: boolean) => void
  /** Says that a page found no room. */
  readonly wanted: () => void
  /** Whether the server's own figures are needed: its first texts do not say when it begins a page. */
  readonly isListening: () => boolean
  /** Takes what the server says of its own work; null: nothing. */
  readonly serverSaid: (load: ServerLoad | null) => void
  /** What of this the others must know. */
  demand(): Pick<ServerDemand, 'unbegun' | 'limit' | 'isSettled'>
  /** Says that a page was sent; `inFlight` counts it too, and not the places that are kept free though pages may wait. */
  sent(inFlight: number, kept?: number): SentPage
  /** How the limit came to be: set by an operator, found out by now, or still being looked for. */
  origin(): 'pinned' | 'found' | 'searching'
  /** What the answers of the last minute took. */
  recent(): RecentPace
  /** How long so many pages take, those in flight included, in seconds, as far as is known. */
  secondsFor(pages: number): number
}

/** A page on its way. */
export interface SentPage {
  /** Says that the first text of its answer has come. */
  begun(): void
  /** Says that the upstream has answered. Is not called for a page that failed or was left. */
  answered(): void
  /** Says that the page is not at the upstream any more, whatever has become of it. */
  left(): void
}

/** How a limit is found. */
export interface AdaptiveLimitOptions {
  /** The operator's own limit; null: it is found out. */
  readonly pinned: number | null
  /** With whom the server is shared; left out: with nobody. All numbers of pages are those of all gateways then. */
  readonly share?: () => Pick<ServerShare, 'leads' | 'others'>
  /** Called when the limit was set anew. */
  readonly onChange?: () => void
  /** Milliseconds that never run backwards. Default: the process's monotonic clock. */
  readonly now?: () => number
}

/** A server on the same machine can answer within a clock's tick. */
const MIN_SECONDS = 1e-6

/**
 * Creates a limit that climbs to where more pages in flight bring no more pages per second. By Little's law pages per
 * second are pages in flight divided by the seconds that each takes; both are known of every page, so nothing needs to
 * be asked of the server, whose own figures leave out pages that it still preprocesses
 * (https://github.com/vllm-project/vllm/issues/44688).
 *
 * It climbs as the server begins pages, then doubles, then tries a half more and a third less, keeps what is better, and
 * rests until pages take a different time. Only pages that were sent while the limit was nearly reached count: an idle
 * server says nothing. Where pages always wait at the server before it begins them, the limit is shortened by those.
 */
export function createAdaptiveLimit({
  pinned,
  share = () => alone,
  onChange,
  now = () => performance.now(),
}: AdaptiveLimitOptions): AdaptiveLimit {
  const speed = createAnswerSpeed()
  const recent = createRecentPace(now)
  const isSearching = () => pinned === null && share().leads()
  const finder = createFinder({
    begun: beginSearch(pinned ?? undefined),
    shortest: () => speed.shortest(),
    isTelling: () => backlog.isTelling,
    now,
    onChange() {
      backlog.restart()
      onChange?.()
    },
  })
  /** Places that are kept free. */
  const full = {
    kept: 0,
    isReached: () => isReached(finder.search().limit, backlog.active + share().others().active + full.kept),
  }
  const backlog = createBacklog({
    isFull: full.isReached,
    others: () => share().others(),
    onLook: (look) => isSearching() && finder.noteLook(look, speed.rate() ?? Infinity),
    now,
  })
  const noteFigures = watchOwnFigures({
    isFull: full.isReached,
    active: () => backlog.active + share().others().active,
    onWaiting: (look) => finder.noteLook(look, speed.rate() ?? Infinity),
    onNothing: () => finder.noteNobodyWaits(),
  })
  return {
    get current() {
      return finder.search().limit
    },
    wanted: () => finder.noteWanted(),
    isListening: () => isSearching() && !backlog.isTelling && full.isReached(),
    serverSaid: (load) => void (isSearching() && !backlog.isTelling && noteFigures(load)),
    adopt: (limit, isSettled) => void (pinned === null && finder.adopt(limit, isSettled)),
    demand: () => ({
      unbegun: backlog.waiting,
      limit: finder.search().limit,
      isSettled: finder.search().phase !== 'first',
    }),
    sent: createSender({ finder, backlog, speed, recent, share, full, isSearching, now }),
    origin: () => (pinned !== null ? 'pinned' : finder.search().phase === 'settled' ? 'found' : 'searching'),
    recent: () => recent.look(),
    // When others' pages were begun is not known.
    secondsFor: (pages) =>
      secondsFor(pages, { speed, backlog, places: share().others().active > 0 ? null : knownPlaces(finder.search()) }),
  }
}

/** Pages per second of a server that has not answered any yet: many, so that it gets some and shows. */
const UNKNOWN_RATE = 100

interface ServerPace {
  readonly speed: AnswerSpeed
  readonly backlog: Pick<Backlog, 'forecast'>
  /** How many pages it works at; null where that is not known. */
  readonly places: number | null
}

/**
 * Places become free in the order in which they were taken: so it is known from when on each will have which page. Near
 * the end of a document that decides whether its last page waits for a whole round.
 */
function secondsFor(pages: number, { speed, backlog, places }: ServerPace): number {
  const shortest = speed.shortest() ?? 0
  const forecast = places === null || pages <= places ? null : backlog.forecast()
  const left = forecast?.secondsLeft[(pages - 1) % (places ?? 1)]
  if (places === null || forecast === null || left === undefined)
    return Math.max(shortest, pages / (speed.rate() ?? UNKNOWN_RATE))
  return Math.max(shortest, left + Math.floor((pages - 1) / places) * forecast.pageSeconds)
}

interface SenderParts {
  readonly finder: ReturnType<typeof createFinder>
  readonly backlog: Backlog
  readonly speed: AnswerSpeed
  readonly recent: PaceOfLastMinute
  readonly share: () => Pick<ServerShare, 'leads' | 'others'>
  /** Whether the limit is reached, and how many places are kept free. */
  readonly full: { kept: number; readonly isReached: () => boolean }
  readonly isSearching: () => boolean
  readonly now: () => number
}

function createSender({
  finder,
  backlog,
  speed,
  recent,
  share,
  full,
  isSearching,
  now,
}: SenderParts): AdaptiveLimit['sent'] {
  /** How often a page that was sent reached the limit. */
  let timesReached = 0
  return function sent(own: number, kept = 0): SentPage {
    const inFlight = own + share().others().active
    const { limit, epoch } = finder.search()
    const sentAt = now()
    const before = timesReached
    if (isReached(limit, inFlight + kept)) timesReached += 1
    full.kept = kept
    finder.noteSent(inFlight + kept)
    const atServer = backlog.sent()
    let isAnswered = false
    return {
      begun() {
        recent.begun((now() - sentAt) / 1000)
        if (atServer.begun() && isSearching() && backlog.isTelling) finder.noteBegun()
      },
      answered() {
        isAnswered = true
        const at = now()
        const seconds = Math.max(MIN_SECONDS, (at - sentAt) / 1000)
        speed.add(inFlight, seconds)
        recent.answered(seconds)
        if (!isSearching()) return
        const sample = { at: at / 1000, inFlight, own, seconds, isBusy: timesReached > before }
        finder.noteAnswered(sample, epoch)
      },
      left() {
        if (isAnswered && isSearching()) finder.noteRush(ofAll(backlog, share()))
        atServer.ended(isAnswered)
      },
    }
  }
}

/** The pages of all gateways at the server. */
function ofAll(backlog: Backlog, share: Pick<ServerShare, 'others'>): BacklogLook {
  const others = share.others()
  return { most: backlog.active + others.active, waiting: backlog.isTelling ? backlog.waiting + others.unbegun : 0 }
}

const alone: Pick<ServerShare, 'leads' | 'others'> = { leads: () => true, others: () => ({ active: 0, unbegun: 0 }) }

interface FinderOptions {
  readonly begun: LimitSearch
  readonly shortest: () => number | null
  readonly isTelling: () => boolean
  readonly now: () => number
  readonly onChange: () => void
}

/** Gathers answers until they are enough for a decision, and enters what limit-search.ts decides. */
function createFinder({ begun, shortest, isTelling, now, onChange }: FinderOptions) {
  let search = begun
  let isBackedUp = false
  const window = createWindow()

  function enter(next: LimitSearch): void {
    const { epoch, limit } = search
    search = next
    if (next.epoch !== epoch) window.restart()
    if (next.epoch !== epoch || next.limit !== limit) onChange()
  }

  function decide(): void {
    const { samples, peak } = window
    if (search.phase !== 'first' && !isBusy(samples)) {
      enter(followDemand(search, peak))
      window.forgetDemand()
      return
    }
    const judge = search.phase === 'first' ? judgeFirstRush : judgeWindow
    const isWanted = window.wanted >= samples.length * MIN_SHARE_WANTED
    const circumstances = { peak, shortest: shortest(), isBackedUp, isWanted, isTelling: isTelling(), now: now() }
    const next = judge(search, samples, circumstances)
    if (next === null) return
    window.forgetAnswers()
    enter(next)
  }

  function noteLook({ most, waiting }: BacklogLook, rate: number): void {
    isBackedUp = waiting > 0
    enter(shorten(search, { most, waiting, rate, now: now() }))
  }

  return {
    search: () => search,
    adopt: (limit: number, isSettled: boolean) => enter(adoptLimit(search, limit, isSettled)),
    noteSent: window.sent,
    noteWanted: window.wants,
    noteBegun: () => enter(climb(search)),
    /**
     * The first page that is answered while others wait says how many the server works at: none has come after it. Of the pages
     * that it begins with, one may as well be stuck: a limit as low as what is left would keep the others from it.
     */
    noteRush(look: BacklogLook): void {
      if (search.phase === 'first' && look.waiting > 0 && look.most > START)
        noteLook(look, (look.most - look.waiting) / (shortest() ?? 1))
    },
    noteLook,
    noteNobodyWaits: () => void (isBackedUp = false),
    noteAnswered(sample: Sample, sentIn: number): void {
      // What is answered now was sent under another limit, until the first page of this one comes back.
      if (window.samples.length === 0 && sentIn !== search.epoch) return
      const size = windowSize(search, window.peak, isTelling())
      window.add(sample, size.max)
      if (window.samples.length >= size.min && !needsMore(search, window.samples, size)) decide()
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
