import { GatewayError } from '../errors.ts'
import { createReadingSpeed } from './pace.ts'
import type { Turn } from './turn.ts'

/** Lets requests in while the pages that are not read yet are not too many. */
export interface Admission {
  /**
   * Lets so many pages of a model in, all or none; null: pages that are drawn and that no model will read, which tell
   * nothing of the speed of reading. Throws `queue_full`. Interactive pages do not count those of batch work, which takes
   * no room from them; batch pages count all. No lane: interactive. `key`: whose they are, for those who look at the queue.
   */
  admit(pages: number, modelId: string | null, lane?: Turn['lane'], key?: string): AdmittedPages
  /** Throws `queue_full` when not a single page would be let in. */
  check(lane?: Turn['lane']): void
  /** An admission to the same queue that leaves the rest of it to others: it lets in only while so large a share is not taken. */
  within(share: number): Admission
  /** Pages let in and not read yet. */
  readonly queued: number
  /** Those of one model that it has not been asked to read yet. */
  unsentFor(modelId: string): number
  /** All of them by lane and key; the most first. */
  owners(): readonly QueuedPages[]
  /** The most pages that may wait. */
  readonly most: number
}

/** Pages of a key in a lane, let in and not read yet. */
export interface QueuedPages extends Pick<Turn, 'lane' | 'key'> {
  readonly pages: number
}

/** The pages of one request; what is left of them when it ends goes with it. */
export interface AdmittedPages extends Disposable {
  /** Says that the model is asked to read a page, by its number in the request. */
  taken(page: number): void
  /** Says that one of them has ended; left out: it is not known which. */
  ended(page?: number): void
  /** Gives back all but so many, which nobody will read now. */
  keepOnly(pages: number): void
  /** The same where those that are left are being read. */
  keepBegun(pages: number): void
}

/** What is asked of an admission that lets `most` pages in. */
interface Asked {
  readonly pages: number
  readonly modelId: string | null
  readonly lane: Turn['lane']
  readonly key: string
  readonly most: number
}

/** Enough that the first answer after a pause does not decide, few enough to follow servers that come and go. */
const REMEMBERED_PAGES = 10
/** What is said before any page was read, in seconds. */
const UNKNOWN_WAIT = 5
/** Clients ignore more, in seconds. */
const MAX_WAIT = 60

/** Creates an admission for so many pages. A request of any size is let in when there are no others. */
export function createAdmission(maxPages: number, now = () => performance.now()): Admission {
  const speed = createReadingSpeed(REMEMBERED_PAGES, now)
  const unsent = createUnsent()
  const byLane = { interactive: 0, batch: 0 }
  const owners = createOwners()
  const queued = () => byLane.interactive + byLane.batch
  const ahead = (lane: Turn['lane']) => (lane === 'batch' ? queued() : byLane.interactive)

  function count({ lane, key, modelId }: Omit<Asked, 'pages' | 'most'>, pages: number): void {
    byLane[lane] += pages
    owners.add(lane, key, pages)
    if (modelId === null) return
    if (pages > 0) speed.began(pages)
    else speed.ended(-pages)
  }

  function admit({ pages, most, ...asked }: Asked): AdmittedPages {
    const others = ahead(asked.lane)
    if (others > 0 && others + pages > most) throw queueFull(others, others + pages - most)
    let left = pages
    count(asked, left)
    const waiting = unsent.add(asked.modelId, pages)
    const leave = (gone: number, mostUnsent = Infinity): void => {
      left -= gone
      count(asked, -gone)
      waiting.atMost(Math.min(left, mostUnsent))
    }
    return {
      taken: (page) => waiting.taken(page),
      ended(page) {
        if (left === 0) return
        if (asked.modelId !== null) speed.read(1)
        if (page !== undefined) waiting.ended(page)
        leave(1)
      },
      keepOnly: (kept) => leave(Math.max(0, left - kept)),
      keepBegun: (kept) => leave(Math.max(0, left - kept), 0),
      [Symbol.dispose]: () => leave(left),
    }
  }

  const queueFull = (others: number, excess: number): GatewayError =>
    tooMany(others, maxPages, secondsOf(excess, speed.pagesPerSecond()))

  const upTo = (most: number): Admission => ({
    admit: (pages, modelId, lane = 'interactive', key = '') => admit({ pages, modelId, lane, key, most }),
    check(lane = 'interactive') {
      const others = ahead(lane)
      if (others >= most) throw queueFull(others, others + 1 - most)
    },
    within: (share) => upTo(Math.max(1, Math.floor(most * share))),
    get queued() {
      return queued()
    },
    unsentFor: unsent.of,
    owners: owners.list,
    most,
  })
  return upTo(maxPages)
}

/** Counts, by model, the pages that it has not been asked to read yet. */
function createUnsent() {
  const byModel = new Map<string, number>()
  return {
    of: (modelId: string): number => byModel.get(modelId) ?? 0,
    /** Adds the pages of a request; returns how they become fewer. No model: none is asked. */
    add(modelId: string | null, pages: number) {
      const taken = new Set<number>()
      let left = 0
      function set(count: number): void {
        if (modelId === null) return
        byModel.set(modelId, (byModel.get(modelId) ?? 0) + count - left)
        left = count
      }
      set(pages)
      return {
        /** A page may be asked for more than once. */
        taken(page: number): void {
          if (taken.has(page)) return
          taken.add(page)
          set(Math.max(0, left - 1))
        },
        ended(page: number): void {
          if (!taken.has(page)) set(Math.max(0, left - 1))
        },
        atMost: (count: number) => set(Math.min(left, count)),
      }
    },
  }
}

/** Counts pages by lane and key. A key that has none is forgotten: there may be any number of keys over time. */
function createOwners() {
  const lanes = { interactive: new Map<string, number>(), batch: new Map<string, number>() }
  const listOf = (lane: Turn['lane']): QueuedPages[] =>
    Array.from(lanes[lane], ([key, pages]) => ({ lane, key, pages }))
  return {
    add(lane: Turn['lane'], key: string, pages: number): void {
      const sum = (lanes[lane].get(key) ?? 0) + pages
      if (sum === 0) lanes[lane].delete(key)
      else lanes[lane].set(key, sum)
    },
    list: (): readonly QueuedPages[] =>
      [...listOf('interactive'), ...listOf('batch')].toSorted((one, other) => other.pages - one.pages),
  }
}

/** Returns how long so many pages take to be read, as clients are told. */
function secondsOf(pages: number, rate: number | null): number {
  return rate === null ? UNKNOWN_WAIT : Math.min(MAX_WAIT, Math.max(1, Math.ceil(pages / rate)))
}

function tooMany(others: number, most: number, seconds: number): GatewayError {
  return new GatewayError(
    'queue_full',
    `${others} pages of other requests wait to be read, and at most ${most} may. Send the request again in ${seconds} seconds, or fewer pages with ocr.pages.`,
    { retryAfterSeconds: seconds },
  )
}
