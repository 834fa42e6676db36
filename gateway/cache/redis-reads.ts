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
 * Creates a `get` that asks for all keys in one command which are wanted in one turn of the event loop: pages that are begun
 * together cost one round trip. Who has left is answered at once, with null for each key.
 */
export function createRedisReads(
  connection: RedisConnection,
  commandTimeoutMs: number,
): (keys: readonly string[], signal: AbortSignal) => Promise<(string | null)[]> {
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

  function getTogether(keys: readonly string[], signal: AbortSignal): Promise<(string | null)[]> {
    const none = (): null[] => keys.map(() => null)
    if (signal.aborted) return Promise.resolve(none())
    const hasRoom = open !== null && open.keys.length + keys.length <= MAX_KEYS
    const batch: Batch = open === null || !hasRoom ? openBatch() : open
    open = batch
    const start = batch.keys.length
    batch.keys.push(...keys)
    batch.waiting += 1
    const { promise: gone, resolve } = Promise.withResolvers<null[]>()
    const onAbort = () => {
      resolve(none())
      batch.waiting -= 1
      if (batch.waiting > 0) return
      if (open === batch) open = null
      batch.leave.abort()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    const values = batch.values.then((all) => {
      signal.removeEventListener('abort', onAbort)
      return all === undefined ? none() : all.slice(start, start + keys.length)
    })
    return Promise.race([gone, values])
  }

  return async function get(keys, signal) {
    if (keys.length <= MAX_KEYS) return getTogether(keys, signal)
    const parts: Promise<(string | null)[]>[] = []
    for (let start = 0; start < keys.length; start += MAX_KEYS) {
      parts.push(getTogether(keys.slice(start, start + MAX_KEYS), signal))
    }
    return (await Promise.all(parts)).flat()
  }
}
