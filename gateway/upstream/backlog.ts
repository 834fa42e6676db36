import { createRecentShortest } from './answer-speed.ts'

/** The pages that a server was sent and has not begun: those wait in its own queue, and it says so of none of them. */
export interface Backlog {
  /** Counts a page as sent; returns how it goes on. */
  sent(): BacklogPage
  /** Says that the limit was set anew: what was seen under another one says nothing. */
  restart(): void
  /** Pages that have not begun. */
  readonly unbegun: number
  /** Pages at the server. */
  readonly active: number
}

/** A page at the server. */
export interface BacklogPage {
  /** Says that its first text has come; returns whether it came about as soon as it can. */
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
  /** Pages at the server of other gateways, and those of them that it has not begun. */
  readonly others: () => { readonly active: number; readonly unbegun: number }
  /** How fast pages are answered, and the shortest time that one took. */
  readonly speed: { rate(): number | null; shortest(): number | null }
  readonly onLook: (look: BacklogLook) => void
  /** In milliseconds. */
  readonly now: () => number
}

/** A look is over when so many pages that were sent during it have been answered: as many as bursts are evened out by. */
const MIN_ANSWERS = 4
const MIN_SHARE_OF_PAGES = 1 / 4
/** For so large a share of a look fewer pages may wait: where pages end together, none does for a moment. */
const MAX_SHARE_OF_PAUSES = 1 / 5
/** A first text is prompt up to so many times the shortest time that one took, and some time for the way. */
const MAX_PROMPT = 4
const PROMPT_SECONDS = 0.05
/** A server whose first text comes later than at so large a share of a page's time sends no streams: it says nothing. */
const MAX_BEGIN_SHARE = 1 / 2

/**
 * Creates the backlog. A page whose first text has not come waits, or is being prepared: of the pages that have not begun,
 * as many are being prepared as the server answers in the shortest time that a first text took; the rest waits. Bursts
 * pass: only what waits nearly all the time of a look counts, and a look lasts as long as several pages take.
 */
export function createBacklog({ isFull, others, speed, onLook, now }: BacklogOptions): Backlog {
  const fastestBegin = createRecentShortest()
  let [unbegun, active, sent] = [0, 0, 0]
  /** Null: the server is not full, or has not been since the limit was set. */
  let look: Look | null = null

  function see(): void {
    if (look === null && isFull()) look = { after: sent, answered: 0, most: 0, waits: createWaitTimes(now) }
    if (look === null) return
    look.waits.note(unbegun + others().unbegun)
    look.most = Math.max(look.most, active + others().active)
  }

  function answered(number: number): void {
    if (look === null || number <= look.after) return
    look.answered += 1
    if (look.answered < Math.max(MIN_ANSWERS, active * MIN_SHARE_OF_PAGES)) return
    const { waits, most } = look
    look = null
    const prepared = preparedOf(fastestBegin.value() ?? Infinity, speed)
    if (prepared !== null) onLook({ most, waiting: Math.max(0, Math.floor(waits.usualLeast() - prepared)) })
  }

  return {
    sent() {
      const [sentAt, number] = [now(), ++sent]
      let hasBegun = false
      active += 1
      unbegun += 1
      see()
      const begin = (): boolean => {
        if (hasBegun) return false
        hasBegun = true
        unbegun -= 1
        see()
        return true
      }
      return {
        begun() {
          if (!begin()) return false
          const seconds = (now() - sentAt) / 1000
          fastestBegin.add(seconds)
          return isPrompt(seconds, fastestBegin.value() ?? 0)
        },
        ended(isAnswered) {
          begin()
          active -= 1
          if (isAnswered) answered(number)
        },
      }
    },
    restart: () => void (look = null),
    get unbegun() {
      return unbegun
    },
    get active() {
      return active
    },
  }
}

/** A look at the server while it is full, which began after so many pages had been sent. */
interface Look {
  readonly after: number
  answered: number
  most: number
  readonly waits: WaitTimes
}

/** Returns how many pages the server prepares at a time; null: it sends no streams. */
function preparedOf(begin: number, speed: BacklogOptions['speed']): number | null {
  return begin > (speed.shortest() ?? 0) * MAX_BEGIN_SHARE ? null : (speed.rate() ?? 0) * begin
}

const isPrompt = (seconds: number, fastest: number): boolean => seconds <= fastest * MAX_PROMPT + PROMPT_SECONDS

type WaitTimes = ReturnType<typeof createWaitTimes>

/** Notes for how long how many waited. */
function createWaitTimes(now: () => number) {
  const times = new Map<number, number>()
  let current: { readonly count: number; readonly since: number } | null = null

  function note(count: number): void {
    const at = now()
    if (current !== null) times.set(current.count, (times.get(current.count) ?? 0) + at - current.since)
    current = { count, since: at }
  }

  return {
    note,
    /** Returns how many waited at least, but for pauses. */
    usualLeast(): number {
      if (current !== null) note(current.count)
      let left = MAX_SHARE_OF_PAUSES * times.values().reduce((sum, time) => sum + time, 0)
      const counts = [...times].toSorted(([a], [b]) => a - b)
      return counts.find(([, time]) => (left -= time) < 0)?.[0] ?? 0
    },
  }
}
