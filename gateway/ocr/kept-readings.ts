/** A page's reading that goes on when its request has ended. */
export interface KeptReading {
  /** Resolves when it has ended, however it did. */
  readonly ended: Promise<void>
  abort(reason: Error): void
}

/**
 * Readings that go on when their requests have ended, so that these find the pages when they are sent again. Each ends
 * within the time limit of its page.
 */
export interface KeptReadings {
  /** Lets readings of a request go on, and closes what they need when all have ended. */
  keep(readings: readonly KeptReading[], needed: AsyncDisposable): void
  /** Aborts all of them, and waits for their end. */
  close(): Promise<void>
}

/** Creates an empty set. */
export function createKeptReadings(): KeptReadings {
  const kept = new Set<KeptReading>()
  const closing = new Set<Promise<void>>()
  let stopped: Error | null = null

  async function closeAfter(readings: readonly KeptReading[], needed: AsyncDisposable): Promise<void> {
    await Promise.all(readings.map(({ ended }) => ended))
    for (const reading of readings) kept.delete(reading)
    await needed[Symbol.asyncDispose]()
  }

  return {
    keep(readings, needed) {
      for (const reading of readings) {
        kept.add(reading)
        if (stopped !== null) reading.abort(stopped)
      }
      const closed = closeAfter(readings, needed).finally(() => closing.delete(closed))
      closing.add(closed)
    },
    async close() {
      stopped = new DOMException('The gateway stops.', 'AbortError')
      for (const reading of kept) reading.abort(stopped)
      await Promise.all(closing)
    },
  }
}
