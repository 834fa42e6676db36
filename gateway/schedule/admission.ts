import { GatewayError } from '../errors.ts'

/** Lets requests in while the pages that are not read yet are not too many. */
export interface Admission {
  /**
   * Lets so many pages of a model in, all or none; null: pages that are drawn and that no model will read, which tell
   * nothing of the speed of reading. Throws `queue_full`.
   */
  admit(pages: number, modelId: string | null): AdmittedPages
  /** Throws `queue_full` when not a single page would be let in. */
  check(): void
  /** Pages let in and not read yet. */
  readonly queued: number
  /** Those of one model. */
  queuedFor(modelId: string): number
}

/** The pages of one request; what is left of them when it ends goes with it. */
export interface AdmittedPages extends Disposable {
  /** Says that one of them has ended. */
  ended(): void
}

/** How long the speed of reading is averaged over, in milliseconds. */
const SPEED_WINDOW = 30_000
/** What is said before any page was read, in seconds. */
const UNKNOWN_WAIT = 5
/** More is not heeded by clients, in seconds. */
const LONGEST_WAIT = 60

/** Creates an admission for so many pages. A request of any size is let in when there are no others. */
export function createAdmission(maxPages: number, now = () => performance.now()): Admission {
  const speed = measureSpeed(now)
  const byModel = new Map<string, number>()
  let queued = 0

  function count(modelId: string | null, pages: number): void {
    queued += pages
    if (modelId !== null) byModel.set(modelId, (byModel.get(modelId) ?? 0) + pages)
  }

  function admit(pages: number, modelId: string | null): AdmittedPages {
    if (queued > 0 && queued + pages > maxPages) throw queueFull(queued + pages - maxPages)
    count(modelId, pages)
    let left = pages
    return {
      ended() {
        if (left === 0) return
        left -= 1
        count(modelId, -1)
        if (modelId !== null) speed.count()
      },
      [Symbol.dispose]() {
        count(modelId, -left)
        left = 0
      },
    }
  }

  function queueFull(excess: number): GatewayError {
    const rate = speed.pagesPerSecond()
    const seconds = rate === 0 ? UNKNOWN_WAIT : Math.min(LONGEST_WAIT, Math.max(1, Math.ceil(excess / rate)))
    return new GatewayError(
      'queue_full',
      `${queued} pages of other requests wait to be read, and at most ${maxPages} may. Send the request again in ${seconds} seconds, or fewer pages with ocr.pages.`,
      { retryAfterSeconds: seconds },
    )
  }

  return {
    admit,
    check() {
      if (queued >= maxPages) throw queueFull(queued + 1 - maxPages)
    },
    get queued() {
      return queued
    },
    queuedFor: (modelId) => byModel.get(modelId) ?? 0,
  }
}

/** Counts events in two windows, one of them whole: enough to say how often they come. */
function measureSpeed(now: () => number) {
  let windowStart = now()
  let current = 0
  let previous = 0

  function turnWindows(): void {
    const passed = Math.floor((now() - windowStart) / SPEED_WINDOW)
    if (passed === 0) return
    previous = passed === 1 ? current : 0
    current = 0
    windowStart += passed * SPEED_WINDOW
  }

  return {
    count(): void {
      turnWindows()
      current += 1
    },
    pagesPerSecond(): number {
      turnWindows()
      const seconds = (now() - windowStart) / 1000 + (previous > 0 ? SPEED_WINDOW / 1000 : 0)
      return seconds === 0 ? 0 : (previous + current) / seconds
    },
  }
}
