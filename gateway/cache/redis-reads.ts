import type { RedisConnection } from './redis-connection.ts'

/** Values asked for in one command: the reply of the largest ones must not hold up other commands. */
const MAX_KEYS = 128

/** Reads that go to Redis in one command. */
interface Batch {
  readonly keys: string[]
  /** Null for what is not there, or no string; undefined: Redis has not answered. */
  readonly values: Promise<(string | null)[] | undefined>
  readonly leave: AbortController
  /** Those who have not left. */
  waiting: number
}

/**
 * Creates a `get` that asks for all keys in one command which are wanted in one turn of the event loop: the pages of a
 * document that are begun together cost one round trip. Who has left is answered null at once.
 */
export function createRedisReads(
  connection: RedisConnection,
  commandTimeoutMs: number,
): (key: string, signal: AbortSignal) => Promise<string | null> {
  let open: Batch | null = null

  function openBatch(): Batch {
    const keys: string[] = []
    const { promise: isDue, resolve } = Promise.withResolvers<void>()
    const leave = new AbortController()
    const values = isDue.then(() => connection.ask((redis) => redis.mget(...keys), commandTimeoutMs, leave.signal))
    const batch: Batch = { keys, values, leave, waiting: 0 }
    // Runs when no promise of this turn has anything left to do.
    process.nextTick(() => {
      if (open === batch) open = null
      resolve()
    })
    return batch
  }

  return function get(key, signal) {
    if (signal.aborted) return Promise.resolve(null)
    const batch: Batch = open === null || open.keys.length >= MAX_KEYS ? openBatch() : open
    open = batch
    const index = batch.keys.push(key) - 1
    batch.waiting += 1
    const { promise: gone, resolve } = Promise.withResolvers<null>()
    const onAbort = () => {
      resolve(null)
      batch.waiting -= 1
      if (batch.waiting > 0) return
      if (open === batch) open = null
      batch.leave.abort()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    const value = batch.values.then((values) => {
      signal.removeEventListener('abort', onAbort)
      return values?.[index] ?? null
    })
    return Promise.race([gone, value])
  }
}
