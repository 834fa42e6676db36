import { addToMean, type RunningMean } from '../schedule/pace.ts'

/** How fast an upstream answers. */
export interface AnswerSpeed {
  /** Adds a page that was answered: with how many pages in flight it was sent, itself included, and what it took. */
  add(inFlight: number, seconds: number): void
  /** In pages per second; null before anything is known. */
  rate(): number | null
  /** The shortest that a page has taken lately, in seconds; null before anything is known. */
  shortest(): number | null
}

/** Each page counts about a tenth of the mean. */
const REMEMBERED_PAGES = 10
/** The shortest time is that of the last pages: at least so many, at most twice as many. */
const PAGES_PER_GENERATION = 1000

/**
 * Measures the rate by Little's law: pages in flight divided by the seconds that each takes. It is known from the first
 * answer on and follows within ten, which is what choosing a server needs; ReadingSpeed waits for stretches of half a
 * minute.
 */
export function createAnswerSpeed(): AnswerSpeed {
  let inFlight: RunningMean | null = null
  let seconds: RunningMean | null = null
  const shortest = createRecentShortest()
  return {
    add(sentWith, taken) {
      inFlight = addToMean(inFlight, sentWith, { remembered: REMEMBERED_PAGES })
      seconds = addToMean(seconds, taken, { remembered: REMEMBERED_PAGES })
      shortest.add(taken)
    },
    rate: () => (inFlight === null || seconds === null ? null : inFlight.value / seconds.value),
    shortest: () => shortest.value(),
  }
}

/** Remembers the shortest of the last times. */
export function createRecentShortest() {
  let count = 0
  let shortest = Infinity
  let shortestBefore = Infinity
  return {
    add(seconds: number): void {
      if (count++ % PAGES_PER_GENERATION === 0) {
        shortestBefore = shortest
        shortest = Infinity
      }
      shortest = Math.min(shortest, seconds)
    },
    value: (): number | null => (count === 0 ? null : Math.min(shortest, shortestBefore)),
  }
}
