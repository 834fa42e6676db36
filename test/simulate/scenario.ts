/** A server that reads pages: a GPU with its vLLM. */
export interface Engine {
  /** Pages that it reads at a time; more are not sent. */
  readonly places: number
  /** How long a page of ordinary work takes while this many are read. Constant: a server of a fixed rate. */
  readonly secondsAt: (pages: number) => number
}

/** A distribution: it is asked for one value, with a source of numbers between 0 and 1. */
export type Draw = (random: () => number) => number

/** What is simulated. */
export interface Scenario {
  /** When documents arrive, by the second: a rate that may change, and the most that it ever is. `Infinity`: all at once. */
  readonly documentsPerSecond: (second: number) => number
  readonly maxDocumentsPerSecond: number
  /** Documents beyond these do not arrive; none: the clock alone ends it. */
  readonly maxDocuments?: number
  /** How long documents arrive; those that have arrived are read to their end. */
  readonly seconds: number
  /** Documents that arrive before are read, and not counted. */
  readonly warmUpSeconds?: number
  readonly pagesOfDocument: Draw
  /** How much work a page is for an engine; 1 is an ordinary page. */
  readonly workOfPage: Draw
  /** The share of pages that the cache knows. */
  readonly knownShare: number
  readonly gateways: number
  /** Pages that one gateway draws at a time: its cores. */
  readonly drawers: number
  readonly drawSeconds: Draw
  /** Pages of one document at the engines at a time: GATEWAY_LOOKAHEAD. */
  readonly lookahead: number
  readonly engines: readonly Engine[]
  readonly seed: number
}

/** An engine that takes the same time for a page, however many it reads. */
export const fixedRate = (places: number, seconds: number): Engine => ({ places, secondsAt: () => seconds })

/** An engine that reads `pagesPerSecond` when all places are taken, and a page in `soloSeconds` when it has no other. */
export function batching(places: number, pagesPerSecond: number, soloSeconds: number): Engine {
  const each = (places / pagesPerSecond - soloSeconds) / Math.max(1, places - 1)
  return { places, secondsAt: (pages) => soloSeconds + each * (pages - 1) }
}

/**
 * A server that takes all pages at once: up to so many it reads as one that batches them, and more take the longer, the more
 * they are, as they share what it can do.
 */
export function sharing(pages: number, pagesPerSecond: number, soloSeconds: number): Engine {
  const { secondsAt } = batching(pages, pagesPerSecond, soloSeconds)
  return { places: Infinity, secondsAt: (many) => Math.max(secondsAt(Math.min(many, pages)), many / pagesPerSecond) }
}

/** Always the same value. */
export const always =
  (value: number): Draw =>
  () =>
    value

/** Exponentially distributed. */
export const exponential =
  (mean: number): Draw =>
  (random) =>
    -mean * Math.log(1 - random())

/** Lognormally distributed, by its mean and its standard deviation divided by the mean. */
export function lognormal(mean: number, variation: number): Draw {
  const variance = Math.log(1 + variation ** 2)
  const location = Math.log(mean) - variance / 2
  return (random) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return Math.exp(location + Math.sqrt(variance) * normal)
  }
}

/** One of several whole numbers: each row is a share and the first and last number of a range. */
export function ranges(rows: readonly (readonly [share: number, first: number, last: number])[]): Draw {
  return (random) => {
    let left = random()
    const [, first = 1, last = 1] = rows.find(([share]) => (left -= share) < 0) ?? rows.at(-1) ?? []
    return first + Math.floor(random() * (last - first + 1))
  }
}
