import { batching, lognormal, ranges, type Scenario } from './scenario.ts'

/** What is known of a flow of documents and of what reads them. */
export interface Figures {
  readonly pagesPerDay: number
  /** The busiest hour, in times of the mean one: 1 is a flow that never changes. */
  readonly peak: number
  /** The share of pages that the cache knows. */
  readonly knownShare: number
  /** Pages per second of one GPU when all its places are taken. */
  readonly gpuPagesPerSecond: number
  readonly gpuPlaces: number
  /** How long a page takes that a GPU reads alone. */
  readonly soloSeconds: number
  /** The processor's time of one page at a gateway, drawing and all else. */
  readonly coreSeconds: number
  readonly coresPerGateway: number
}

/**
 * LightOnOCR-2-1B on an H100, as its authors measured it with 128 pages in flight; a gateway as it was measured here. How long
 * a page takes alone is an assumption: nobody has published it.
 */
export const defaults: Figures = {
  pagesPerDay: 1e6,
  peak: 2.2,
  knownShare: 0,
  gpuPagesPerSecond: 5.71,
  gpuPlaces: 128,
  soloSeconds: 1.7,
  coreSeconds: 0.09,
  coresPerGateway: 8,
}

/** In the busiest hour: beyond this a GPU's queue grows by every chance, and what is left is for attempts that do not count. */
const GPU_USE = 0.8
/** Drawers wait for nobody, but documents come in heaps. */
const CORE_USE = 0.6
/** Of all attempts at pages, those that are asked again. */
const ASKED_AGAIN = 0.03
/** Bytes of a page's answer in Redis, both keys: 2600 with a text of 1500, of which a full page has twice as many. */
const REDIS_BYTES = 4000

/** What has to be there. One GPU and one gateway are spare: with one less of each, the busiest hour is still read. */
export interface Plan {
  readonly peakPagesPerSecond: number
  readonly gpus: number
  readonly gateways: number
  readonly gatewayGigabytes: number
  /** For the pages of one day. */
  readonly redisGigabytes: number
}

/** Returns what has to be there for these figures. */
export function plan(figures: Figures): Plan {
  const { pagesPerDay, peak, knownShare, gpuPagesPerSecond, coreSeconds, coresPerGateway } = figures
  const peakPagesPerSecond = (pagesPerDay / 86_400) * peak
  const read = peakPagesPerSecond * (1 - knownShare)
  const cores = (read * coreSeconds) / CORE_USE
  return {
    peakPagesPerSecond,
    gpus: Math.ceil((read * (1 + ASKED_AGAIN)) / (gpuPagesPerSecond * GPU_USE)) + 1,
    gateways: Math.ceil(cores / coresPerGateway) + 1,
    gatewayGigabytes: gatewayGigabytes(coresPerGateway),
    redisGigabytes: Math.ceil((pagesPerDay * (1 - knownShare) * REDIS_BYTES) / 1e9),
  }
}

/** The most that a gateway and its drawers hold with the default settings: docs/operating.md, "Memory". */
export function gatewayGigabytes(cores: number): number {
  const megabytes = { itself: 200, drawers: 180 * cores, bodies: 640, largePages: 576 * Math.ceil(cores / 4) }
  return Math.ceil(Object.values(megabytes).reduce((sum, each) => sum + each) / 1000)
}

/** Half of the documents have one page, few have hundreds: 9 pages in the mean. */
const pagesOfDocument = ranges([
  [0.5, 1, 1],
  [0.3, 2, 5],
  [0.15, 6, 30],
  [0.05, 31, 150],
])
const MEAN_PAGES = 0.5 + 0.3 * 3.5 + 0.15 * 18 + 0.05 * 90.5

/** What is simulated ends a good half hour after the busiest moment. */
const DEFAULT_HOURS = 1.5
const DAY = 86_400
const WARM_UP = 900

/**
 * A day's curve: a factor of the mean, which is 1 over the day and `peak` at its busiest moment, half a day from the quietest:
 * von Mises' distribution.
 */
export function dayCurve(peak: number): (secondsFromBusiest: number) => number {
  const shape = (concentration: number) => {
    const at = (angle: number) => Math.exp(concentration * (Math.cos(angle) - 1))
    const mean = Array.from({ length: 1440 }, (_, minute) => at((2 * Math.PI * minute) / 1440)).reduce((sum, each) => sum + each) / 1440 // prettier-ignore
    return (angle: number) => at(angle) / mean
  }
  let [low, high] = [0, 100]
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (shape(middle)(0) < peak) low = middle
    else high = middle
  }
  const curve = shape(high)
  return (second) => curve((2 * Math.PI * second) / DAY)
}

/** The hours around the busiest moment of a day, with so many GPUs and gateways. */
export function busiestHours(figures: Figures, gpus: number, gateways: number, hours = DEFAULT_HOURS): Scenario {
  const mean = figures.pagesPerDay / DAY / MEAN_PAGES
  const curve = dayCurve(figures.peak)
  const seconds = WARM_UP + hours * 3600
  const busiestAt = WARM_UP + (hours * 3600) / 2
  return {
    documentsPerSecond: (second) => mean * curve(second - busiestAt),
    maxDocumentsPerSecond: mean * figures.peak,
    seconds,
    warmUpSeconds: WARM_UP,
    pagesOfDocument,
    // Pages differ, and a few are asked twice.
    workOfPage: lognormal(1 + ASKED_AGAIN, 0.6),
    knownShare: figures.knownShare,
    gateways,
    drawers: figures.coresPerGateway,
    drawSeconds: lognormal(figures.coreSeconds, 0.8),
    lookahead: 64,
    engines: Array.from({ length: gpus }, () =>
      batching(figures.gpuPlaces, figures.gpuPagesPerSecond, figures.soloSeconds),
    ),
    seed: 1,
  }
}
