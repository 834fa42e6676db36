import type { PageStore } from './page-store.ts'
import { createRedisClaims } from './redis-claims.ts'
import { openRedis, type CacheLog } from './redis-connection.ts'
import { createRedisReads } from './redis-reads.ts'

/** The address and the bounds of the Redis store. Its total size is Redis' own `maxmemory`. */
export interface RedisStoreOptions {
  /** `redis://` or `rediss://`; may hold a user name and a password, which are never logged. */
  readonly url: string
  /** A larger value is left out. */
  readonly maxValueBytes: number
  readonly ttlSeconds: number
  /** Prefix of every page key. */
  readonly keyPrefix?: string
  /** How long `get` and `has` wait; no reply by then is a miss. */
  readonly commandTimeoutMs: number
  /** How long a replica may compute one page before another one may try. */
  readonly claimLimitMs: number
  /** How long the claims of a replica that died keep others from its pages. */
  readonly claimExpiryMs?: number
  readonly log: CacheLog
}

/**
 * Long enough for a process that stalls for a moment, short enough for a client whose page a dead replica had claimed.
 */
const CLAIM_EXPIRY_MS = 10_000

/** Keys asked for in one command by `has`: about 100 KB. */
const HAS_BATCH = 1000

/** A write may take longer than a read: no page waits for it, and it carries the value. */
const WRITE_TIMEOUT_FACTOR = 4

/**
 * Creates a PageStore in Redis, shared by replicas. While Redis is slow or down every page is a miss, and one line in
 * the log says so. The first page waits `commandTimeoutMs`, the next ones not at all, until Redis answers again.
 */
export function createRedisStore(options: RedisStoreOptions): PageStore {
  const { url, maxValueBytes, ttlSeconds, keyPrefix = 'ocr-gateway:page:', commandTimeoutMs, log } = options
  const { claimLimitMs: limitMs, claimExpiryMs: expiryMs = CLAIM_EXPIRY_MS } = options
  const connection = openRedis({ url, log })
  const read = createRedisReads(connection, commandTimeoutMs)
  const claimKey = (pageKey: string) => `${keyPrefix}${pageKey}:claim`

  /** Of most documents all pages are known, or none, which one number says. */
  async function hasBatch(pageKeys: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<boolean[]> {
    const keys = pageKeys.map((pageKey) => keyPrefix + pageKey)
    const replies = await connection.ask(
      async (redis) => {
        const count = await redis.exists(...keys)
        if (count === 0 || count === keys.length) return keys.map(() => count > 0)
        const results = (await redis.pipeline(keys.map((key) => ['exists', key])).exec()) ?? []
        const failed = results.find(([error]) => error !== null)?.[0]
        if (failed) throw failed
        return results.map(([, found]) => found === 1)
      },
      timeoutMs,
      signal,
    )
    return replies ?? pageKeys.map(() => false)
  }

  return {
    get: (pageKeys, signal) =>
      read(
        pageKeys.map((pageKey) => keyPrefix + pageKey),
        signal,
      ),
    async has(pageKeys, signal) {
      const deadline = performance.now() + commandTimeoutMs
      const found: boolean[] = []
      for (let start = 0; start < pageKeys.length; start += HAS_BATCH) {
        const timeoutMs = Math.max(0, deadline - performance.now())
        found.push(...(await hasBatch(pageKeys.slice(start, start + HAS_BATCH), timeoutMs, signal)))
      }
      return found
    },
    async set(pageKey, value) {
      if (Buffer.byteLength(value) > maxValueBytes) return
      const timeoutMs = commandTimeoutMs * WRITE_TIMEOUT_FACTOR
      await connection.ask((redis) => redis.set(keyPrefix + pageKey, value, 'EX', ttlSeconds), timeoutMs)
    },
    isUp: () => connection.isUp(),
    claims: createRedisClaims({ connection, keyOf: claimKey, commandTimeoutMs, expiryMs, limitMs }),
    close: () => connection.close(),
  }
}
