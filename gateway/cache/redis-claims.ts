import { randomUUID } from 'node:crypto'
import type { PageClaim, PageClaims } from './page-store.ts'
import type { RedisConnection } from './redis-connection.ts'

/** Names and time limits of claims. */
export interface RedisClaimsOptions {
  readonly connection: RedisConnection
  /** Returns the Redis key of a page's claim. */
  readonly keyOf: (pageKey: string) => string
  /** How long one command may take; without a reply the page may be computed. */
  readonly commandTimeoutMs: number
  /** How long a claim outlives its replica. It is renewed three times as often. */
  readonly expiryMs: number
  /** How long a claim is renewed at most: a page that takes longer hangs, and another replica may try it. */
  readonly limitMs: number
}

/** Between two checks of the pages that are waited for, plus or minus a quarter. One command checks all of them. */
const LOOK_INTERVAL_MS = 100

// Only its owner may renew or release a claim: it may have expired, and belong to another replica by now.
const RENEW = `return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('pexpire', KEYS[1], ARGV[2]) or 0`
const RELEASE = `return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0`

/**
 * Keeps claims in Redis, as https://redis.io/docs/latest/commands/set/#patterns describes: a key that expires, with a
 * random value for its owner. Two replicas may still compute the same page when Redis fails over, or when a process
 * stalls for longer than the expiry. That costs one page read twice, and nothing else.
 */
export function createRedisClaims(options: RedisClaimsOptions): PageClaims {
  const { connection, keyOf, commandTimeoutMs, expiryMs } = options
  const watch = createWatch(options)
  return {
    async take(pageKey) {
      const [key, token] = [keyOf(pageKey), randomUUID()]
      const reply = await connection.ask((redis) => redis.set(key, token, 'PX', expiryMs, 'NX'), commandTimeoutMs)
      // The key may be set even without a reply: renewing and releasing check its owner.
      return reply === null ? null : hold(key, token, options)
    },
    waitForEnd: (pageKey, signal) => watch(keyOf(pageKey), signal),
  }
}

function hold(key: string, token: string, options: RedisClaimsOptions): PageClaim {
  const { connection, commandTimeoutMs, expiryMs, limitMs } = options
  const takenAt = performance.now()
  const renewal = setInterval(() => {
    if (performance.now() - takenAt > limitMs) clearInterval(renewal)
    else void connection.ask((redis) => redis.eval(RENEW, 1, key, token, expiryMs), commandTimeoutMs)
  }, expiryMs / 3).unref()
  let held = true
  return {
    release() {
      if (!held) return
      held = false
      clearInterval(renewal)
      void connection.ask((redis) => redis.eval(RELEASE, 1, key, token), commandTimeoutMs)
    },
  }
}

interface Waiter {
  readonly key: string
  readonly wake: () => void
}

/** Checks all claims that are waited for in one command, at intervals, while there are any. */
function createWatch({ connection, commandTimeoutMs }: RedisClaimsOptions) {
  const waiters = new Set<Waiter>()
  let isLooking = false

  async function look(): Promise<void> {
    const asked = [...waiters]
    const keys = asked.map(({ key }) => key)
    const tokens = await connection.ask((redis) => redis.mget(keys), commandTimeoutMs)
    for (const [index, { wake }] of asked.entries()) if ((tokens?.[index] ?? null) === null) wake()
  }

  async function lookUntilNobodyWaits(): Promise<void> {
    if (isLooking) return
    isLooking = true
    while (waiters.size > 0) {
      const pause = LOOK_INTERVAL_MS * (0.75 + Math.random() / 2)
      await new Promise((resolve) => setTimeout(resolve, pause).unref())
      if (waiters.size > 0) await look()
    }
    isLooking = false
  }

  return async function waitForEnd(key: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter = { key, wake: resolve }
    const leave = () => reject(signal.reason)
    waiters.add(waiter)
    signal.addEventListener('abort', leave, { once: true })
    void lookUntilNobodyWaits()
    try {
      await promise
    } finally {
      waiters.delete(waiter)
      signal.removeEventListener('abort', leave)
    }
  }
}
