import type { Confidence } from './engine.ts'

/** Collects how sure a model was of each token of a page, in order. */
export interface ConfidenceMeter {
  /** Takes the natural logarithm of a token's probability; NaN is left out. */
  add(logprob: number): void
  /** Null when nothing was added. */
  read(): Confidence | null
}

/**
 * Tokens of a stretch: two to three lines of print, or a row of a table. A shorter stretch falls at every name that the
 * model did not know; a longer one hides a guessed line among lines that were read.
 */
const STRETCH_TOKENS = 32

/**
 * A probability of one in 20,000. vLLM writes -9999 for a probability of zero: unbounded, one such token would bring
 * the mean of a page of a thousand tokens close to zero.
 */
const MIN_LOGPROB = -10

/**
 * Creates a meter: the mean over all tokens, and over the stretch where it is lowest; a shorter page is one stretch.
 */
export function createConfidenceMeter(): ConfidenceMeter {
  const stretch = new Float64Array(STRETCH_TOKENS)
  let count = 0
  let sum = 0
  let stretchSum = 0
  let lowest = 0
  return {
    add(logprob) {
      if (Number.isNaN(logprob)) return
      const value = Math.min(0, Math.max(MIN_LOGPROB, logprob))
      const place = count % STRETCH_TOKENS
      stretchSum += value - stretch[place]!
      stretch[place] = value
      sum += value
      count += 1
      if (count >= STRETCH_TOKENS) lowest = Math.min(lowest, stretchSum / STRETCH_TOKENS)
    },
    read() {
      if (count === 0) return null
      const mean = sum / count
      // The mean of a page that is hardly longer than a stretch, and bad at both ends, is lower than that of any
      // stretch.
      return { mean: Math.exp(mean), lowest: Math.exp(Math.min(mean, lowest)) }
    },
  }
}

/** One of the parts that a page was read in. */
export interface ConfidencePart {
  readonly confidence: Confidence | null
  /** How much of the page it is, in a unit that all parts share. */
  readonly weight: number
}

/** Joins the confidences of a page's parts; a part without a confidence is left out. */
export function joinConfidences(parts: readonly ConfidencePart[]): Confidence | null {
  let weights = 0
  let sum = 0
  let lowest = 1
  for (const { confidence, weight } of parts) {
    if (confidence === null || weight <= 0) continue
    weights += weight
    sum += weight * Math.log(confidence.mean)
    lowest = Math.min(lowest, confidence.lowest)
  }
  return weights === 0 ? null : { mean: Math.exp(sum / weights), lowest }
}
