/** What was read last of something that takes a while to be read. */
export interface Latest<Value> {
  /** Null: it was never read, or cannot be read now. */
  get(): Promise<Value | null>
}

/** How often it is read, and how long it is waited for; in milliseconds. */
export interface LatestOptions {
  readonly everyMs: number
  readonly patienceMs: number
  readonly now?: () => number
}

/** Reads something at most every so often, however many ask, and only when somebody asks. Never throws. */
export function createLatest<Value>(
  read: () => Promise<Value>,
  { everyMs, patienceMs, now = () => performance.now() }: LatestOptions,
): Latest<Value> {
  let value: Value | null = null
  let readAt = -Infinity
  let reading: Promise<void> | null = null

  async function refresh(): Promise<void> {
    try {
      value = await read()
    } catch {
      value = null
    }
    readAt = now()
    reading = null
  }

  return {
    async get() {
      if (now() - readAt < everyMs) return value
      reading ??= refresh()
      await orLate(reading, patienceMs)
      // One that does not answer is away, whatever it said a while ago.
      return reading === null || now() - readAt < 2 * everyMs + patienceMs ? value : null
    },
  }
}

async function orLate(work: Promise<void>, patienceMs: number): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, patienceMs)
  await Promise.race([work, late.promise])
  clearTimeout(timer)
}
