import type { ServerLoad } from '../wire/vllm-metrics.ts'
import { createAnswerSpeed, type AnswerSpeed } from './answer-speed.ts'
import { createBacklog, type Backlog, type BacklogLook } from './backlog.ts'
import { createFinder, type LimitFinder } from './limit-finder.ts'
import { knownPlaces } from './limit-places.ts'
import { beginSearch, isReached, type LimitSearch } from './limit-search.ts'
import type { ServerDemand, ServerShare } from './limit-share.ts'
import { watchOwnFigures, type OwnFigures } from './own-figures.ts'
import { createRecentPace, type PaceOfLastMinute, type RecentPace } from './recent-pace.ts'
import { createTextWatch, type TextWatch } from './text-watch.ts'

/** How many pages an upstream is sent at a time: found out while pages are read, or pinned. */
export interface AdaptiveLimit {
  readonly current: number
  /** Says that another gateway has found out so much. */
  readonly adopt: (limit: number, isSettled: boolean) => void
  /** Says that a page found no room. */
  readonly wanted: () => void
  /** How soon the server's own figures are needed, if at all: its first texts do not say when it begins a page, or pages seem to wait. */
  readonly wantsFigures: () => ReturnType<OwnFigures['wants']>
  /** Takes what the server says of its own work; null: nothing. */
  readonly serverSaid: (load: ServerLoad | null) => void
  /** What of this the others must know. */
  demand(): Pick<ServerDemand, 'unbegun' | 'limit' | 'isSettled'>
  /** Says that a page was sent; `inFlight` counts it too. */
  sent(inFlight: number, how?: Sending): SentPage
  /** How the limit came to be: set by an operator, found out by now, or still being looked for. */
  origin(): 'pinned' | 'found' | 'searching'
  /** What the answers of the last minute took. */
  recent(): RecentPace
  /** How long so many pages take, those in flight included, in seconds, as far as is known. */
  secondsFor(pages: number): number
}

/** How a page is sent. */
export interface Sending {
  /** Places that are kept free though pages may wait. */
  readonly kept?: number
  /** Takes it from the server again, which has too many; null: that is not wanted of this one. */
  readonly giveBack?: (() => void) | null
}

/** A page on its way. */
export interface SentPage {
  /** Says that the first text of its answer has come. */
  begun(): void
  /** Says that so many characters of its answer have come. */
  heard(characters: number): void
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
  /** Called when the server's own figures are needed from now on. */
  readonly onDoubt?: () => void
  /** Milliseconds that never run backwards. Default: the process's monotonic clock. */
  readonly now?: () => number
  /** Calls back after some milliseconds of that clock. */
  readonly later?: (milliseconds: number, run: () => void) => void
}

/** A server on the same machine can answer within a clock's tick. */
const MIN_SECONDS = 1e-6

/**
 * Creates a limit that climbs to where more pages in flight bring no more pages per second. By Little's law pages per
 * second are pages in flight divided by the seconds that each takes; both are known of every page. The server's own figures leave
 * out pages that it still preprocesses (https://github.com/vllm-project/vllm/issues/44688): so they only say that it has too many, or
 * that pages which seem to wait do not.
 *
 * It climbs as the server begins pages, for as long as more pages bring more text; without streams it doubles. Later it tries
 * a quarter more or a fifth less, keeps what is better, and rests until pages take a different time. Only pages that were sent
 * while the limit was nearly reached count: an idle server says nothing. Where pages always wait at the server before it begins
 * them, the limit is shortened by those.
 */
export function createAdaptiveLimit({
  pinned,
  share = () => alone,
  onChange,
  onDoubt,
  now = () => performance.now(),
  later = wait,
}: AdaptiveLimitOptions): AdaptiveLimit {
  const speed = createAnswerSpeed()
  const recent = createRecentPace(now)
  const isSearching = () => pinned === null && share().leads()
  const finder = createFinder({
    begun: beginSearch(pinned ?? undefined),
    seen: () => ({
      shortest: speed.shortest(),
      isTelling: backlog.isTelling(),
      isPreparing: figures.isPreparing(),
      now: now(),
    }),
    onChange(isClimbing) {
      backlog.restart()
      if (!isClimbing) text.restart()
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
    onLook: (look) => isSearching() && finder.noteLook(figures.doubt(look), speed.rate() ?? Infinity),
    now,
  })
  const isShared = () => share().others().active > 0
  const text = createTextWatch({ finder, backlog, isShared, isFull: full.isReached, isSearching, now, later })
  const figures = watchFigures({ finder, backlog, speed, share, isFull: full.isReached, onDoubt, now })
  return {
    get current() {
      return finder.search().limit
    },
    wanted: () => finder.noteWanted(),
    wantsFigures: () => (isSearching() ? figures.wants() : 'nothing'),
    serverSaid: (load) => void (isSearching() && figures.note(load)),
    adopt: (limit, isSettled) => void (pinned === null && finder.adopt(limit, isSettled)),
    demand: () => demandOf(finder.search(), backlog),
    sent: createSender({ finder, backlog, text, speed, recent, share, full, figures, isSearching, now }),
    origin: () => (pinned !== null ? 'pinned' : finder.search().phase === 'settled' ? 'found' : 'searching'),
    recent: () => recent.look(),
    // When others' pages were begun is not known.
    secondsFor: (pages) =>
      secondsFor(pages, { speed, backlog, places: isShared() ? null : knownPlaces(finder.search()) }),
  }
}

const demandOf = ({ limit, phase }: LimitSearch, { waiting }: Backlog) => ({
  unbegun: waiting,
  limit,
  isSettled: phase !== 'first',
})

const wait = (milliseconds: number, run: () => void) => void setTimeout(run, milliseconds).unref()

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
  if (places === null || forecast === null) return Math.max(shortest, pages / (speed.rate() ?? UNKNOWN_RATE))
  // A place of which no text was heard has a whole page before it.
  const left = forecast.secondsLeft[(pages - 1) % places] ?? forecast.pageSeconds
  return Math.max(shortest, left + Math.floor((pages - 1) / places) * forecast.pageSeconds)
}

/** So many times in a row, about a second after each other, pages were being prepared, and text was held up: not by one rush alone. */
const LASTING = 8

interface WatchedParts extends Pick<SenderParts, 'finder' | 'backlog' | 'speed' | 'share' | 'now'> {
  readonly isFull: () => boolean
  readonly onDoubt: (() => void) | undefined
}

/** Watches what the server says of its own queue. */
function watchFigures({ finder, backlog, speed, share, isFull, onDoubt, now }: WatchedParts): OwnFigures {
  let [preparing, isDoubted] = [0, false]
  return watchOwnFigures({
    isFull,
    active: () => backlog.active + share().others().active,
    waiting() {
      if (!backlog.isTelling()) return null
      // Gateways tell each other while they have pages there: without any, what was heard of the others' may be old.
      return backlog.waiting === 0 ? 0 : backlog.waiting + share().others().unbegun
    },
    onWaiting: (look) => finder.noteLook(look, speed.rate() ?? Infinity),
    onNothing: () => finder.noteNobodyWaits(),
    onPreparing(isNew) {
      // Where pages are hardly anything but text, that says what more of them bring; it is doubted once.
      preparing = backlog.isMostlyText() ? 0 : isNew ? 1 : preparing + 1
      const isLasting = preparing >= LASTING && !isDoubted
      if (preparing === 0 || !(isNew || isLasting)) return
      const before = finder.search()
      finder.notePreparing(isLasting)
      isDoubted ||= isLasting && finder.search() !== before
    },
    onDoubt,
    now,
  })
}

interface SenderParts {
  readonly finder: LimitFinder
  readonly backlog: Backlog
  readonly text: TextWatch
  readonly speed: AnswerSpeed
  readonly recent: PaceOfLastMinute
  readonly share: () => Pick<ServerShare, 'leads' | 'others'>
  /** Whether the limit is reached, and how many places are kept free. */
  readonly full: { kept: number; readonly isReached: () => boolean }
  readonly figures: OwnFigures
  readonly isSearching: () => boolean
  readonly now: () => number
}

function createSender({
  finder,
  backlog,
  text,
  speed,
  recent,
  share,
  full,
  figures,
  isSearching,
  now,
}: SenderParts): AdaptiveLimit['sent'] {
  /** How often a page that was sent reached the limit. */
  let timesReached = 0
  return function sent(own: number, { kept = 0, giveBack = null }: Sending = {}): SentPage {
    const inFlight = own + share().others().active
    const { limit, epoch } = finder.search()
    const sentAt = now()
    const before = timesReached
    if (isReached(limit, inFlight + kept)) timesReached += 1
    full.kept = kept
    finder.noteSent(inFlight + kept)
    const atServer = backlog.sent()
    const page = text.sent(giveBack)
    let isAnswered = false
    return {
      begun() {
        recent.begun((now() - sentAt) / 1000)
        const isFilled = atServer.begun()
        if (!isSearching() || !backlog.isTelling()) return
        if (!text.begun(isFilled) && isFilled) finder.noteBegun()
      },
      heard: (characters) => page.heard(characters),
      answered() {
        isAnswered = true
        page.ended()
        const at = now()
        const seconds = Math.max(MIN_SECONDS, (at - sentAt) / 1000)
        speed.add(inFlight, seconds)
        recent.answered(seconds)
        if (!isSearching()) return
        const sample = { at: at / 1000, inFlight, own, seconds, isBusy: timesReached > before }
        finder.noteAnswered(sample, epoch)
      },
      left() {
        if (isAnswered && isSearching()) finder.noteRush(figures.doubt(ofAll(backlog, share())))
        atServer.ended(isAnswered)
        page.left()
      },
    }
  }
}

/** The pages of all gateways at the server. */
function ofAll(backlog: Backlog, share: Pick<ServerShare, 'others'>): BacklogLook {
  const others = share.others()
  return { most: backlog.active + others.active, waiting: backlog.isTelling() ? backlog.waiting + others.unbegun : 0 }
}

const alone: Pick<ServerShare, 'leads' | 'others'> = { leads: () => true, others: () => ({ active: 0, unbegun: 0 }) }
