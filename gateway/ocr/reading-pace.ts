import { addToMean, createReadingSpeed, secondsSince, type RunningMean } from '../schedule/pace.ts'

/** What pages of one model and task have taken since the gateway started. A page in tiles is a prompt for each. */
export interface ReadingPace {
  /** Pages that were measured. */
  readonly pages: number
  /** Tokens of an answer to a prompt, on average. */
  readonly completionTokens: number
  /** For each prompt of a page, from where it begins to be drawn to the end of its last answer, on average. */
  readonly secondsPerPrompt: number
  /** While any page was being read. Documents raise it, because their pages are read side by side. */
  readonly promptsPerSecond: number
}

/** A page that is being read, until it is disposed. */
export interface BegunReading extends Disposable {
  /**
   * Notes that an engine has read the page whole, in so many prompts, and the tokens of all its answers. Not called for
   * a page that failed or was aborted.
   */
  read(completionTokens: number, prompts: number): void
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
        read(completionTokens, prompts) {
          tokens = addToMean(tokens, completionTokens / prompts, { remembered: REMEMBERED_PAGES })
          seconds = addToMean(seconds, secondsSince(since, now) / prompts, { remembered: REMEMBERED_PAGES })
          pages += 1
          speed.read(prompts)
        },
        [Symbol.dispose]: () => speed.ended(1),
      }
    },
    pace(): ReadingPace | null {
      const promptsPerSecond = speed.pagesPerSecond()
      if (tokens === null || seconds === null || promptsPerSecond === null) return null
      return { pages, completionTokens: tokens.value, secondsPerPrompt: seconds.value, promptsPerSecond }
    },
  }
}
