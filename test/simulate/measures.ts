/** How values are spread, in little memory: quantiles are right to a hundredth. */
export interface Spread {
  add(value: number): void
  readonly count: number
  readonly mean: number
  /** The value below which this share of all lies; 0 where there is none. */
  quantile(share: number): number
}

const STEP = Math.log(1.02)
/** Below this, a value counts as this. */
const LEAST = 1e-3

/** Creates a spread without values. */
export function createSpread(): Spread {
  const counts: number[] = []
  let count = 0
  let sum = 0
  return {
    get count() {
      return count
    },
    get mean() {
      return count === 0 ? 0 : sum / count
    },
    add(value) {
      const bucket = Math.max(0, Math.round(Math.log(Math.max(value, LEAST) / LEAST) / STEP))
      // Without holes, which a search would fall into.
      while (counts.length <= bucket) counts.push(0)
      counts[bucket] = (counts[bucket] ?? 0) + 1
      count++
      sum += value
    },
    quantile(share) {
      let left = share * count
      const bucket = counts.findIndex((pages) => (left -= pages) <= 0)
      return bucket <= 0 ? 0 : LEAST * Math.exp(bucket * STEP)
    },
  }
}

/** A number that changes with time: its mean over time, and the most that it was, both since it was looked at. */
export interface Level {
  set(value: number, now: number): void
  /** Begins anew, at a moment. */
  restart(now: number): void
  mean(now: number): number
  readonly most: number
}

/** Creates a level of 0, at the time 0. */
export function createLevel(): Level {
  let [value, most, area, since, began] = [0, 0, 0, 0, 0]
  const pass = (now: number) => {
    area += value * (now - since)
    since = now
  }
  return {
    get most() {
      return most
    },
    set(next, now) {
      pass(now)
      value = next
      most = Math.max(most, next)
    },
    restart(now) {
      pass(now)
      area = 0
      began = now
      most = value
    },
    mean(now) {
      pass(now)
      return now > began ? area / (now - began) : value
    },
  }
}
