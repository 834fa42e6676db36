/** A mean that follows a change: `weight` is how many samples it stands for. */
export interface RunningMean {
  readonly value: number
  readonly weight: number
}

/**
 * Adds a sample that counts as much as `weight` single ones. What was before counts as `remembered` samples at most, so
 * that the mean is exact at first and a running one later.
 */
export function addToMean(
  mean: RunningMean | null,
  sample: number,
  { remembered, weight = 1 }: { readonly remembered: number; readonly weight?: number },
): RunningMean {
  if (mean === null) return { value: sample, weight }
  const total = Math.max(weight, Math.min(remembered, mean.weight + weight))
  return { value: mean.value + (sample - mean.value) * (weight / total), weight: total }
}

/** How fast pages are read while any is being read: pauses do not count. */
export interface ReadingSpeed {
  began(pages: number): void
  /** Says that pages were read, before they are said to have ended. */
  read(pages: number): void
  ended(pages: number): void
  /** Null before any page was read. */
  pagesPerSecond(): number | null
}

/** Where reading never pauses, its speed is taken every so many milliseconds. */
const MAX_STRETCH = 30_000

/**
 * Measures speed stretch by stretch; a stretch ends with a pause, or after half a minute. Each counts as much as its
 * pages, so that what documents were read at outweighs what single pages were. Of the stretches before the last one
 * `rememberedPages` are remembered.
 */
export function createReadingSpeed(rememberedPages: number, now: () => number): ReadingSpeed {
  let finished: RunningMean | null = null
  let inFlight = 0
  let since = 0
  let pages = 0

  function withStretch(): RunningMean | null {
    if (pages === 0) return finished
    const sample = pages / secondsSince(since, now)
    return addToMean(finished, sample, { remembered: rememberedPages, weight: pages })
  }

  function beginStretch(): void {
    since = now()
    pages = 0
  }

  return {
    began(more) {
      if (inFlight === 0) beginStretch()
      inFlight += more
    },
    read(more) {
      pages += more
    },
    ended(fewer) {
      inFlight -= fewer
      const isLong = pages > 0 && now() - since >= MAX_STRETCH
      if (inFlight > 0 && !isLong) return
      finished = withStretch()
      beginStretch()
    },
    pagesPerSecond: () => withStretch()?.value ?? null,
  }
}

/** Returns the seconds since a moment of the clock, which is in milliseconds; never 0, as pages are divided by it. */
export function secondsSince(since: number, now: () => number): number {
  return Math.max(0.001, (now() - since) / 1000)
}
