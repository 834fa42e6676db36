import { addToMean, createReadingSpeed, secondsSince, type RunningMean } from '../schedule/pace.ts'

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

/** Creates a meter. */
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
  const speed = createReadingSpeed(REMEMBERED_PAGES, now)
  let tokens: RunningMean | null = null
  let seconds: RunningMean | null = null
  let pages = 0
  return {
    begin(): BegunReading {
      const since = now()
      speed.began(1)
      return {
        read(completionTokens) {
          tokens = addToMean(tokens, completionTokens, { remembered: REMEMBERED_PAGES })
          seconds = addToMean(seconds, secondsSince(since, now), { remembered: REMEMBERED_PAGES })
          pages += 1
          speed.read(1)
        },
        [Symbol.dispose]: () => speed.ended(1),
      }
    },
    pace(): ReadingPace | null {
      const pagesPerSecond = speed.pagesPerSecond()
      if (tokens === null || seconds === null || pagesPerSecond === null) return null
      return { pages, completionTokens: tokens.value, secondsPerPage: seconds.value, pagesPerSecond }
    },
  }
}
