/** How many pages an upstream is sent at a time: found out while pages are read, or pinned. */
export interface AdaptiveLimit {
  readonly current: number
  /** Says that a page was sent; `inFlight` counts it too. */
  sent(inFlight: number): SentPage
  /** How fast pages are answered, in pages per second; null before anything is known. */
  rate(): number | null
  /** The shortest that a page has taken lately, in seconds; null before anything is known. */
  fastest(): number | null
}

/** A page on its way. */
export interface SentPage {
  /** The upstream has answered. A page that failed or was left is never said to be. */
  answered(): void
}

/** What a limit is made with. */
export interface AdaptiveLimitOptions {
  /** An operator's own; null: it is found out. */
  readonly pinned: number | null
  /** Told when it has changed. */
  readonly onChange?: () => void
  /** Milliseconds that never run backwards. Default: the process's monotonic clock. */
  readonly now?: () => number
}

/** What a GPU of 24 GB is kept busy with; a server that takes fewer is found out by the first pages that it answers. */
const START = 64
/** Those first pages. */
const FIRST_PAGES = 32
/** The limit follows a demand of so many pages or more: fewer say nothing about a rush. */
const DEMAND = 16
const MIN = 2
const MAX = 1024

/** A probe changes the limit by this factor. */
const STEP = 1.5
/** A half more in flight must bring so much more; a third less may cost so much. */
const WORTHWHILE_GAIN = 1.12
const ACCEPTABLE_LOSS = 0.97
/** A window holds so many pages for each page in flight: answers that come in bursts must even out. */
const PAGES_PER_SLOT = 3
const MIN_PAGES = 24
/** The share of pages that must have been sent into a full upstream, or have seen it filled up after them. */
const BUSY = 0.8
/** A limit counts as reached from this share of it on. */
const FULL = 0.95

/** Pages take so many times as long as the fastest where some of them wait for others. */
const QUEUEING = 1.75

/** At the start: twice as many in flight must bring so much more to go on doubling. */
const DOUBLING_GAIN = 1.3
/** The elasticity of throughput from which an upstream counts as not yet full. */
const LINEAR = 0.6

/** What was found out is doubted when pages take so much more or less time, or after so many milliseconds. */
const CHANGED_LATENCY = 4 / 3
const STALE_AFTER = 600_000

/** Of a page that was answered. */
interface Sample {
  /** When it was answered, in seconds of the clock. */
  readonly at: number
  readonly inFlight: number
  readonly seconds: number
  /** The limit was reached while it was on its way. */
  readonly isBusy: boolean
}

type Direction = 'up' | 'down'

/** What is being tried: from which limit, and how many pages per second that one gave. */
interface Probe {
  readonly direction: Direction
  readonly from: number
  readonly rate: number
  /** How long pages took there. */
  readonly seconds: number
}

/** That a direction was tried in vain, and how things stood then. */
interface Rejection {
  readonly seconds: number
  readonly at: number
}

/**
 * Creates a limit that climbs to where more pages in flight bring no more pages per second. By Little's law pages per
 * second are pages in flight divided by the seconds that each takes; both are known of every page, so nothing needs to
 * be asked of the server, whose own figures leave out pages that it still preprocesses
 * (https://github.com/vllm-project/vllm/issues/44688).
 *
 * It starts by doubling, then tries a half more and a third less, keeps what is better, and rests until pages take a
 * different time. Only pages that were sent while the limit was nearly reached count: an idle server says nothing.
 */
export function createAdaptiveLimit({ pinned, onChange, now = () => performance.now() }: AdaptiveLimitOptions) {
  let limit = pinned ?? START
  let epoch = 0
  let isStarting = true
  let probe: Probe | null = null
  const rejected: Record<Direction, Rejection | null> = { up: null, down: null }
  let samples: Sample[] = []
  const speed = measureSpeed()
  let timesFull = 0
  /** The most on their way since the limit was last looked at. */
  let peak = 0

  function setLimit(next: number): void {
    limit = Math.max(MIN, Math.min(MAX, Math.round(next)))
    epoch += 1
    samples = []
    peak = 0
    onChange?.()
  }

  function noteAnswered(sample: Sample, isOfEpoch: boolean): void {
    const isFirst = isStarting && probe === null
    // What is answered now was sent under another limit, until the first page of this one comes back.
    if (samples.length === 0 && !isOfEpoch) return
    samples.push(sample)
    const wanted = isFirst ? FIRST_PAGES : isStarting ? limit : Math.max(MIN_PAGES, limit * PAGES_PER_SLOT)
    if (samples.length > Math.max(isFirst ? peak : 2 * wanted, wanted)) samples.shift()
    if (samples.length < wanted || needsMore(samples, wanted)) return
    if (isFirst) return start(samples)
    if (samples.filter(({ isBusy }) => isBusy).length < samples.length * BUSY) return followDemand()
    const enough = samples
    samples = []
    const { seconds } = measure(enough)
    // The first windows are too short to count, and their steps large enough for an estimate.
    const rate = isStarting ? limit / seconds : throughput(enough)
    if (probe !== null) judge(probe, rate, seconds)
    else explore(rate, seconds)
  }

  /** A few bursts are not enough to be counted; many answers with hardly a pause between them are. */
  function needsMore(latest: readonly Sample[], wanted: number): boolean {
    if (isStarting || latest.length >= 2 * wanted) return false
    const bursts = findBursts(latest)
    return bursts !== null && bursts.length < MIN_BURSTS
  }

  /** A limit that nobody reaches says nothing, and must not stand open for a rush that it was never tried with. */
  function followDemand(): void {
    if (peak >= DEMAND && peak < limit) setLimit(peak)
    peak = 0
  }

  /** Looks at the first rush of pages, which were sent into little and into much. */
  function start(all: readonly Sample[]): void {
    if (peak < DEMAND) return
    // What came one by one before the rush says nothing about where the upstream is full.
    const first = all.filter(({ inFlight }) => inFlight >= peak / 8)
    if (first.length < DEMAND) return
    const { elasticity, rate, seconds } = splitByLoad(first)
    if (elasticity !== null && elasticity >= LINEAR) {
      // Those that were sent into the most are not back yet.
      if (mostOf(first) < peak * BUSY && first.length < peak) return
      // With fewer on their way there is nothing to double yet.
      if (peak < limit * FULL) return followDemand()
      probe = { direction: 'up', from: limit, rate: mostOf(first) / seconds, seconds }
      return setLimit(limit * 2)
    }
    isStarting = false
    // Nothing to compare, and nothing waits: the next windows are looked at as all later ones are.
    if (elasticity === null && !isQueueing(seconds)) return void (samples = [])
    if (elasticity !== null) rejected.up = { seconds, at: now() }
    probe = { direction: 'down', from: limit, rate, seconds }
    // As many as it answered in the time that the fastest took are what it works at; the rest has waited.
    const atWork = rate * (speed.fastest() ?? seconds)
    setLimit(Math.min(limit, peak / STEP, Math.max(MIN, atWork * 2)))
  }

  function judge(
    { direction, from, rate: before, seconds: secondsBefore }: Probe,
    rate: number,
    seconds: number,
  ): void {
    const gain = isStarting ? DOUBLING_GAIN : direction === 'up' ? WORTHWHILE_GAIN : ACCEPTABLE_LOSS
    const isBetter = rate >= before * gain
    const opposite: Direction = direction === 'up' ? 'down' : 'up'
    if (!isBetter) {
      // A doubling that was too much leaves a half more to be tried.
      if (!isStarting) rejected[direction] = { seconds: secondsBefore, at: now() }
      isStarting = false
      probe = null
      // A half more was too much, but what it brought fits in.
      return setLimit(direction === 'up' ? from * Math.max(1, rate / before) : from)
    }
    rejected[opposite] = { seconds, at: now() }
    if (isStarting && limit < MAX) {
      probe = { direction, from: limit, rate, seconds }
      return setLimit(limit * 2)
    }
    isStarting = false
    if (direction === 'up' || isQueueing(seconds)) return tryOut({ direction, from: limit, rate, seconds })
    probe = null
    samples = []
  }

  /** Pages that take hardly longer than the fastest wait for nobody: fewer of them would only leave room. */
  const isQueueing = (seconds: number): boolean => seconds > QUEUEING * (speed.fastest() ?? 0)

  function tryOut(next: Probe): void {
    const wanted = next.direction === 'up' ? Math.max(limit + 1, limit * STEP) : limit / STEP
    const isPossible = next.direction === 'up' ? limit < MAX : limit > MIN
    probe = isPossible ? next : null
    if (isPossible) setLimit(wanted)
  }

  function explore(rate: number, seconds: number): void {
    for (const direction of ['down', 'up'] as const) {
      const rejection = rejected[direction]
      const isDoubtful = rejection === null || now() - rejection.at > STALE_AFTER || differs(rejection.seconds, seconds)
      if (isDoubtful && (direction === 'up' || isQueueing(seconds))) {
        return tryOut({ direction, from: limit, rate, seconds })
      }
    }
  }

  const adaptive: AdaptiveLimit = {
    get current() {
      return limit
    },
    sent(inFlight) {
      const at = now()
      const sentIn = epoch
      const before = timesFull
      if (inFlight >= limit * FULL) timesFull += 1
      peak = Math.max(peak, inFlight)
      return {
        answered() {
          // A server on the same machine can answer within a clock's tick.
          const seconds = Math.max(1e-6, (now() - at) / 1000)
          const sample = { at: now() / 1000, inFlight, seconds, isBusy: timesFull > before }
          speed.note(sample)
          if (pinned === null) noteAnswered(sample, sentIn === epoch)
        },
      }
    },
    rate: speed.rate,
    fastest: speed.fastest,
  }
  return adaptive
}

const mostOf = (samples: readonly Sample[]): number => Math.max(...samples.map(({ inFlight }) => inFlight))

function differs(before: number, seconds: number): boolean {
  return seconds > before * CHANGED_LATENCY || seconds < before / CHANGED_LATENCY
}

function measure(samples: readonly Sample[]): { rate: number; seconds: number; inFlight: number } {
  const seconds = mean(samples.map((sample) => sample.seconds))
  const inFlight = mean(samples.map((sample) => sample.inFlight))
  return { rate: inFlight / seconds, seconds, inFlight }
}

/** Answers that follow each other within this share of the time that a page takes came together. */
const TOGETHER = 0.05
/** Bursts that a window must hold to be counted by them. */
const MIN_BURSTS = 4

/** Answers come in bursts when the pauses between them are most of the time; else by chance, one by one. */
const BURSTY = 0.7

/** Returns where bursts of answers begin; null where they come one by one. */
function findBursts(samples: readonly Sample[]): { readonly at: number; readonly index: number }[] | null {
  const gap = TOGETHER * mean(samples.map(({ seconds }) => seconds))
  const begins = samples.flatMap(({ at }, index) => {
    const pause = at - (samples[index - 1]?.at ?? -Infinity)
    return pause > gap ? [{ at, index, pause }] : []
  })
  const pauses = begins.slice(1).reduce((sum, { pause }) => sum + pause, 0)
  return pauses >= BURSTY * spanOf(samples) ? begins : null
}

const spanOf = (samples: readonly Sample[]): number => (samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0)

/**
 * Returns the pages answered per second. Many servers answer in bursts, and a count between two moments would be wrong by
 * a good part of one: whole bursts are counted, from the beginning of the first to that of the last but one.
 */
function throughput(samples: readonly Sample[]): number {
  const bursts = findBursts(samples) ?? []
  // The first burst may have begun before the window, and the last may go on behind it.
  const [first, second] = bursts
  const [nextToLast, last] = bursts.slice(-2)
  if (bursts.length < MIN_BURSTS || !first || !second || !nextToLast || !last) {
    return (samples.length - 1) / Math.max(spanOf(samples), Number.EPSILON)
  }
  return (last.index - second.index) / (nextToLast.at - first.at)
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * Compares the pages that were sent into little with those that were sent into much, which the first rush has both:
 * elasticity 1 says that twice as many in flight gave twice as many per second, 0 that they gave no more; null that all
 * were sent into the same load.
 */
function splitByLoad(samples: readonly Sample[]): { elasticity: number | null; rate: number; seconds: number } {
  const byLoad = samples.toSorted((a, b) => a.inFlight - b.inFlight)
  const middle = Math.ceil(byLoad.length / 2)
  const few = measure(byLoad.slice(0, middle))
  const many = measure(byLoad.slice(middle))
  if (many.inFlight < few.inFlight * 1.2) return { ...many, elasticity: null }
  return { ...many, elasticity: Math.log(many.rate / few.rate) / Math.log(many.inFlight / few.inFlight) }
}

/** Each page counts a tenth of the running average. */
const SHARE_OF_NEWEST = 0.1
/** The shortest time is that of the last pages: so many at least, twice as many at most. */
const REMEMBERED_PAGES = 1000

const blend = (before: number, newest: number): number => before + (newest - before) * SHARE_OF_NEWEST

function measureSpeed() {
  let average: Pick<Sample, 'inFlight' | 'seconds'> | null = null
  let shortest = Infinity
  let shortestBefore = Infinity
  let pages = 0
  return {
    note({ inFlight, seconds }: Pick<Sample, 'inFlight' | 'seconds'>): void {
      average =
        average === null
          ? { inFlight, seconds }
          : { inFlight: blend(average.inFlight, inFlight), seconds: blend(average.seconds, seconds) }
      if (pages++ % REMEMBERED_PAGES === 0) {
        shortestBefore = shortest
        shortest = Infinity
      }
      shortest = Math.min(shortest, seconds)
    },
    rate: () => (average === null ? null : average.inFlight / average.seconds),
    fastest: () => (pages === 0 ? null : Math.min(shortest, shortestBefore)),
  }
}
