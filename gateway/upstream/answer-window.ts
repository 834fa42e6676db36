/** A page that was answered. */
export interface Sample {
  /** When it was answered, in seconds of the clock. */
  readonly at: number
  /** Pages in flight when it was sent, itself included. */
  readonly inFlight: number
  /** Those of this gateway; left out: all. */
  readonly own?: number
  readonly seconds: number
  /** The limit was reached while the page was in flight. */
  readonly isBusy: boolean
}

/** Means over a window; `rate` is pages per second by Little's law. */
export interface WindowMeans {
  readonly rate: number
  readonly seconds: number
  readonly inFlight: number
}

/** Returns the means of a window. */
export function measure(samples: readonly Sample[]): WindowMeans {
  const seconds = mean(samples.map((sample) => sample.seconds))
  const inFlight = mean(samples.map((sample) => sample.inFlight))
  return { rate: inFlight / seconds, seconds, inFlight }
}

/** Returns the standard error of the mean of the seconds, as a share of it. */
export function standardError(samples: readonly Sample[]): number {
  const { seconds } = measure(samples)
  const variance = mean(samples.map((sample) => (sample.seconds - seconds) ** 2))
  return Math.sqrt(variance / samples.length) / seconds
}

/** The share of pages that must have seen the limit reached. */
const MIN_BUSY_SHARE = 0.8

/** Tells whether most pages saw the limit reached: only then does a window say anything about it. */
export function isBusy(samples: readonly Sample[]): boolean {
  return samples.filter((sample) => sample.isBusy).length >= samples.length * MIN_BUSY_SHARE
}

/** Answers with a shorter pause between them, as a share of the time that a page takes, came together. */
const MAX_PAUSE_SHARE = 0.05
/** Bursts that a window must hold to be counted by them. */
const MIN_BURSTS = 4
/** Answers come in bursts when the pauses between bursts are so much of the time; else they come one by one. */
const MIN_SHARE_OF_PAUSES = 0.7

interface Burst {
  /** When it begins, in seconds of the clock. */
  readonly at: number
  /** Of its first sample. */
  readonly index: number
}

/** Returns the bursts of answers; null where answers come one by one. */
function findBursts(samples: readonly Sample[]): readonly Burst[] | null {
  const gap = MAX_PAUSE_SHARE * mean(samples.map(({ seconds }) => seconds))
  const begins = samples.flatMap(({ at }, index) => {
    const pause = at - (samples[index - 1]?.at ?? -Infinity)
    return pause > gap ? [{ at, index, pause }] : []
  })
  const pauses = begins.slice(1).reduce((sum, { pause }) => sum + pause, 0)
  return pauses >= MIN_SHARE_OF_PAUSES * spanOf(samples) ? begins : null
}

/** Tells whether answers come in bursts of which the window holds too few. */
export function hasTooFewBursts(samples: readonly Sample[]): boolean {
  const bursts = findBursts(samples)
  return bursts !== null && bursts.length < MIN_BURSTS
}

/**
 * Returns the pages answered per second. Many servers answer in bursts, and a count between two moments would be wrong by
 * a good part of a burst: whole bursts are counted, from the beginning of the first to that of the last but one. Pages of other
 * gateways are taken to be answered as fast as these.
 */
export function throughput(samples: readonly Sample[]): number {
  const all = mean(samples.map(({ inFlight }) => inFlight))
  return (countRate(samples) * all) / mean(samples.map(({ own, inFlight }) => own ?? inFlight))
}

function countRate(samples: readonly Sample[]): number {
  const bursts = findBursts(samples) ?? []
  // The first burst may have begun before the window, and the last may go on after it.
  const [first, second] = bursts
  const [nextToLast, last] = bursts.slice(-2)
  if (bursts.length < MIN_BURSTS || !first || !second || !nextToLast || !last) {
    return (samples.length - 1) / Math.max(spanOf(samples), Number.EPSILON)
  }
  return (last.index - second.index) / (nextToLast.at - first.at)
}

/** What more pages in flight brought within one window. */
export interface LoadComparison extends WindowMeans {
  /**
   * 1: twice as many in flight gave twice as many pages per second; 0: they gave no more. Null: all were sent into about
   * the same load.
   */
  readonly elasticity: number | null
}

/** Loads that differ by a smaller factor are the same. */
const MIN_LOAD_FACTOR = 1.2

/** Compares the half that was sent with fewer in flight with the other half, whose means it returns. */
export function compareLoads(samples: readonly Sample[]): LoadComparison {
  const byLoad = samples.toSorted((a, b) => a.inFlight - b.inFlight)
  const middle = Math.ceil(byLoad.length / 2)
  const few = measure(byLoad.slice(0, middle))
  const many = measure(byLoad.slice(middle))
  if (many.inFlight < few.inFlight * MIN_LOAD_FACTOR) return { ...many, elasticity: null }
  return { ...many, elasticity: Math.log(many.rate / few.rate) / Math.log(many.inFlight / few.inFlight) }
}

/** Returns the most pages in flight that any of them was sent with. */
export function maxInFlight(samples: readonly Sample[]): number {
  return Math.max(...samples.map(({ inFlight }) => inFlight))
}

const spanOf = (samples: readonly Sample[]): number => (samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0)

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
