import { addToMean, type RunningMean } from '../schedule/pace.ts'
import { createRecentShortest } from './answer-speed.ts'

/** The pages that a server was sent and has not begun: those wait in its own queue, or are being prepared. */
export interface Backlog {
  /** Counts a page as sent; returns how it goes on. */
  sent(): BacklogPage
  /** Says that the limit was set anew: what was seen under another one says nothing. */
  restart(): void
  /** Pages that have not begun, though a page can be begun sooner: they wait for others. */
  readonly waiting: number
  /** Whether first texts say when a page is begun: not where they come whole at the end. */
  readonly isTelling: () => boolean
  /** Whether pages are known to take hardly any time before their text: how fast it comes is how fast they are read. */
  readonly isMostlyText: () => boolean
  /** Pages at the server. */
  readonly active: number
  /** Whether the server has begun nearly all of them. */
  readonly hasBegun: () => boolean
  /** When what it works at will be answered; null where that is not known. */
  forecast(): Forecast | null
}

/** When pages will be answered, if each takes as long as the last ones; in seconds. */
export interface Forecast {
  /** What a page takes from when it is begun. */
  readonly pageSeconds: number
  /** What is left of the pages that are begun, the first one first. */
  readonly secondsLeft: readonly number[]
}

/** A page at the server. */
export interface BacklogPage {
  /** Says that its first text has come; returns whether the server has begun as many pages as fill it, and had places for them. */
  begun(): boolean
  /** Says that it is not at the server any more; `isAnswered`: it was read to its end. */
  ended(isAnswered: boolean): void
}

/** What a look at the backlog has shown: while so many pages were at the server, so many nearly always waited for others. */
export interface BacklogLook {
  readonly most: number
  readonly waiting: number
}

/** Who is asked, and told. */
export interface BacklogOptions {
  /** Tells whether as many pages are at the server as may be; a look begins then. */
  readonly isFull: () => boolean
  /** Pages at the server of other gateways, and those of them that wait there. */
  readonly others: () => { readonly active: number; readonly unbegun: number }
  readonly onLook: (look: BacklogLook) => void
  /** In milliseconds. */
  readonly now: () => number
}

/** A look is over when so many pages that were sent during it have been answered: as many as bursts are evened out by. */
const MIN_ANSWERS = 4
const MIN_SHARE_OF_PAGES = 1 / 4
/** For so large a share of a look fewer pages may wait: where pages end together, none does for a moment. */
const MAX_SHARE_OF_PAUSES = 1 / 5
/** For so large a share more may seem to run: a busy process hears of ends and beginnings that come together one by one. */
const MAX_SHARE_OF_BURSTS = 1 / 20
/** A first text is prompt up to so many times the shortest time that one took, and some milliseconds for the way. */
const MAX_PROMPT = 4
const MAX_PROMPT_WAY = 50
/** Of the pages that fill it, a server that has begun all others has not begun so large a share yet. */
const MAX_UNBEGUN = 1 / 8
/** A page waits when its first text has not come after so many times the shortest time, and some milliseconds for the way. */
const OVERDUE = 1.25
const WAY = 10
/** A server whose text comes within so small a share of a page's time sends no streams: it says nothing. */
const MIN_TEXT_SHARE = 1 / 20
/** Where pages take longer to prepare, as on a processor, text is held up by that, and says too little of what more pages bring. */
const MOST_TEXT_SHARE = 0.97
/** Each page counts about a twentieth of the mean. */
const REMEMBERED_PAGES = 20

/**
 * Creates the backlog. A page whose first text has not come is being prepared for as long as the shortest time that a first
 * text took; from then on it waits. Bursts pass: only what waits nearly all the time of a look counts, and a look lasts
 * as long as several pages take.
 */
export function createBacklog({ isFull, others, onLook, now }: BacklogOptions): Backlog {
  const times = createBeginTimes()
  /** When the pages that have not begun were sent, by number: the oldest first. */
  const unbegun = new Map<number, number>()
  let [active, sent] = [0, 0]
  /** The first page that has filled the server since the limit was set, and how many have ended since then. */
  let filling: { readonly number: number; ended: number } | null = null
  const looks = createLooks({ onLook: (look) => times.isTelling() && onLook(look), now })
  const see = () => looks.see(unbegun.values(), { others: others().unbegun, running: active - unbegun.size })

  function hasPlaces(isPrompt: boolean): boolean {
    if (filling === null || !(isPrompt || filling.ended === 0)) return false
    const { number } = filling
    return unbegun.keys().reduce((count, each) => count + (each <= number ? 1 : 0), 0) <= active * MAX_UNBEGUN
  }

  return {
    sent() {
      const [sentAt, number] = [now(), ++sent]
      see()
      active += 1
      unbegun.set(number, sentAt)
      if (isFull()) filling ??= { number, ended: 0 }
      looks.sent(number, { most: active + others().active, isFull: isFull(), overdueAfter: times.overdueAfter() })
      const begin = (): boolean => {
        if (!unbegun.has(number)) return false
        see()
        times.runs(number, now())
        return unbegun.delete(number)
      }
      return {
        begun: () => begin() && hasPlaces(times.begun(now() - sentAt)),
        ended(isAnswered) {
          if (!begin()) see()
          const begunAt = times.left(number) ?? now()
          active -= 1
          if (filling !== null) filling.ended += 1
          if (!isAnswered) return
          times.ended(now() - sentAt, now() - begunAt)
          looks.answered(number, active)
        },
      }
    },
    restart() {
      looks.restart()
      filling = null
    },
    get waiting() {
      const before = now() - times.overdueAfter()
      return unbegun.values().reduce((count, sentAt) => count + (sentAt <= before ? 1 : 0), 0)
    },
    hasBegun: () => unbegun.size <= active * MAX_UNBEGUN,
    isTelling: times.isTelling,
    isMostlyText: times.isMostlyText,
    get active() {
      return active
    },
    forecast: () => times.forecast(now()),
  }
}

/** Notes when pages begin; all times are in milliseconds. */
function createBeginTimes() {
  const fastest = createRecentShortest()
  /** The share of its time in which a page's text came. */
  let textShare: RunningMean | null = null
  let text: RunningMean | null = null
  const isTelling = () => (textShare?.value ?? 1) >= MIN_TEXT_SHARE
  const isMostlyText = () => (textShare?.value ?? 0) >= MOST_TEXT_SHARE
  /** When the pages that are being read were begun, by number: the first one first. */
  const running = new Map<number, number>()
  return {
    isTelling,
    isMostlyText,
    runs: (number: number, at: number) => void running.set(number, at),
    /** Returns when it was begun. */
    left(number: number): number | undefined {
      const at = running.get(number)
      running.delete(number)
      return at
    },
    forecast(now: number): Forecast | null {
      if (text === null || !isTelling()) return null
      const pageSeconds = text.value / 1000
      const secondsLeft = Array.from(running.values(), (at) => Math.max(0, pageSeconds - (now - at) / 1000))
      return { pageSeconds, secondsLeft }
    },
    /** How long a page is not said to wait after it was sent. */
    overdueAfter: () => (fastest.value() ?? Infinity) * OVERDUE + WAY,
    /** Notes after what time a page has begun; returns whether that is about as soon as it can. */
    begun(time: number): boolean {
      fastest.add(time)
      return time <= (fastest.value() ?? 0) * MAX_PROMPT + MAX_PROMPT_WAY
    },
    /** Notes what a page took, and its text. */
    ended(time: number, textTime: number): void {
      textShare = addToMean(textShare, textTime / Math.max(time, 1), { remembered: REMEMBERED_PAGES })
      text = addToMean(text, textTime, { remembered: REMEMBERED_PAGES })
    },
  }
}

/** A look at the server while it is full, which began with the page of this number. */
interface Look {
  readonly from: number
  answered: number
  most: number
  readonly waits: ReturnType<typeof createWaitTimes>
}

/** What is known when a page was sent. */
interface Filling {
  readonly most: number
  readonly isFull: boolean
  readonly overdueAfter: number
}

/** Looks, one after the other, at how many pages wait while the server is full. */
function createLooks({ onLook, now }: Pick<BacklogOptions, 'onLook' | 'now'>) {
  /** Null: the server was not filled since the limit was set. */
  let look: Look | null = null
  return {
    see: (sentAt: Iterable<number>, seen: Seen) => look?.waits.note(sentAt, now(), seen),
    /** A look begins with the page that fills the server: not while more are there, from a higher limit. */
    sent(number: number, { most, isFull, overdueAfter }: Filling): void {
      if (look === null && isFull)
        look = { from: number, answered: 0, most: 0, waits: createWaitTimes(now(), overdueAfter) }
      if (look !== null) look.most = Math.max(look.most, most)
    },
    answered(number: number, active: number): void {
      if (look === null || number <= look.from) return
      look.answered += 1
      if (look.answered < Math.max(MIN_ANSWERS, active * MIN_SHARE_OF_PAGES)) return
      const { waits, most } = look
      look = null
      onLook({ most, waiting: Math.min(waits.usualLeast(), Math.max(0, most - waits.mostRunning())) })
    },
    restart: () => void (look = null),
  }
}

/** Pages of other gateways that wait, and own ones that run: those of others are heard of too late. */
interface Seen {
  readonly others: number
  readonly running: number
}

/** Notes for how long how many waited and ran: all pages wait that were sent so long ago and have not begun. In milliseconds. */
function createWaitTimes(startedAt: number, overdueAfter: number) {
  const [waits, runs] = [createCountTimes(), createCountTimes()]
  let since = startedAt
  return {
    /** To be called before a page comes or leaves, with when those were sent that have not begun until now. */
    note(sentAt: Iterable<number>, now: number, { others, running }: Seen): void {
      let [at, count] = [since, others]
      for (const sent of sentAt) {
        const due = sent + overdueAfter
        if (due >= now) break
        if (due > at) {
          waits.add(count, due - at)
          at = due
        }
        count += 1
      }
      waits.add(count, now - at)
      runs.add(running, now - since)
      since = now
    },
    /** Returns how many waited at least, but for pauses. */
    usualLeast: () => waits.quantile(MAX_SHARE_OF_PAUSES),
    /** Returns how many ran at most, but for bursts: the server has as many places. */
    mostRunning: () => runs.quantile(1 - MAX_SHARE_OF_BURSTS),
  }
}

/** For how long there were how many, in milliseconds. */
function createCountTimes() {
  const times = new Map<number, number>()
  return {
    add(count: number, time: number): void {
      if (time > 0) times.set(count, (times.get(count) ?? 0) + time)
    },
    /** Returns how many there were at most for so large a share of the time. */
    quantile(share: number): number {
      let left = share * times.values().reduce((sum, time) => sum + time, 0)
      const counts = [...times].toSorted(([a], [b]) => a - b)
      return counts.find(([, time]) => (left -= time) < 0)?.[0] ?? 0
    },
  }
}
