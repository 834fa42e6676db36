/** What pages of one model and task have taken since the gateway started. */
export interface ReadingPace {
  /** Pages that were measured. */
  readonly pages: number
  /** Tokens of an answer, on average. */
  readonly completionTokens: number
  /** From where a page begins to be drawn to the end of its answer, on average. */
  readonly secondsPerPage: number
  /** While any page was being read. Documents raise it, because their pages are read side by side. */
  readonly pagesPerSecond: number
}

/** A page that is being read, until it is disposed. */
export interface BegunReading extends Disposable {
  /** Notes that an engine has read the page whole. Not called for a page that failed or was aborted. */
  read(completionTokens: number): void
}

/** Measures what reading takes. */
export interface PaceMeter {
  begin(modelId: string, task: string): BegunReading
  /** Null before any page was read. */
  pace(modelId: string, task: string): ReadingPace | null
}

/** Pages that an average covers, roughly: enough to smooth it, and few enough to follow a change. */
const REMEMBERED_PAGES = 100
/** When reading never pauses, a stretch ends after this time. */
const MAX_STRETCH_MILLISECONDS = 30_000

/** A time in which pages were read without a pause. */
interface Stretch {
  readonly since: number
  pages: number
}

/**
 * Creates a meter. The speed of a stretch is its pages divided by its time. Stretches are weighted by their pages, so
 * that documents outweigh single pages.
 */
export function createPaceMeter(now = () => performance.now()): PaceMeter {
  const meters = new Map<string, ReturnType<typeof createMeter>>()

  function meterOf(modelId: string, task: string) {
    const key = `${modelId} ${task}`
    const meter = meters.get(key) ?? createMeter(now)
    meters.set(key, meter)
    return meter
  }

  return {
    begin: (modelId, task) => meterOf(modelId, task).begin(),
    pace: (modelId, task) => meterOf(modelId, task).pace(),
  }
}

function createMeter(now: () => number) {
  const tokens = createAverage()
  const seconds = createAverage()
  const speed = createAverage()
  let pages = 0
  let inFlight = 0
  let stretch: Stretch = { since: 0, pages: 0 }

  const secondsSince = (since: number): number => Math.max(0.001, (now() - since) / 1000)
  const speedNow = (): number => stretch.pages / secondsSince(stretch.since)

  function end(): void {
    inFlight -= 1
    const isLong = stretch.pages > 0 && now() - stretch.since >= MAX_STRETCH_MILLISECONDS
    if (inFlight > 0 && !isLong) return
    if (stretch.pages > 0) speed.add(speedNow(), stretch.pages)
    stretch = { since: now(), pages: 0 }
  }

  return {
    begin(): BegunReading {
      const since = now()
      if (inFlight === 0) stretch = { since, pages: 0 }
      inFlight += 1
      return {
        read(completionTokens) {
          tokens.add(completionTokens)
          seconds.add(secondsSince(since))
          pages += 1
          stretch.pages += 1
        },
        [Symbol.dispose]: end,
      }
    },
    pace(): ReadingPace | null {
      if (pages === 0) return null
      const pagesPerSecond = speed.value() ?? speedNow()
      return { pages, completionTokens: tokens.value() ?? 0, secondsPerPage: seconds.value() ?? 0, pagesPerSecond }
    },
  }
}

/** Creates a mean, which becomes a running mean when it covers more than the remembered pages. */
function createAverage() {
  let mean = 0
  let weight = 0
  return {
    add(sample: number, pages = 1): void {
      weight = Math.min(REMEMBERED_PAGES, weight + pages)
      mean += (sample - mean) * Math.min(1, pages / weight)
    },
    value: (): number | null => (weight === 0 ? null : mean),
  }
}
