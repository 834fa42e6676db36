import { randomUUID } from 'node:crypto'
import type { PageClaim, PageClaims } from './page-store.ts'
import type { RedisConnection } from './redis-connection.ts'

/** How claims are kept. */
export interface RedisClaimsOptions {
  readonly connection: RedisConnection
  /** Names a page's claim. */
  readonly keyOf: (pageKey: string) => string
  /** The longest that one question takes before everyone is let. */
  readonly commandTimeoutMs: number
  /** How long a claim outlives its replica. It is renewed three times as often. */
  readonly expiryMs: number
  /** How long it is renewed at most: what takes longer hangs, and another replica may try. */
  readonly limitMs: number
}

/** Between two looks at the pages that are waited for, give or take a quarter. All of them together are one command. */
const LOOK_INTERVAL_MS = 100

// Only its owner may renew or release a claim: it may have expired, and be another's by now.
const RENEW = `return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('pexpire', KEYS[1], ARGV[2]) or 0`
const RELEASE = `return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0`

/**
 * Keeps claims in Redis, as https://redis.io/docs/latest/commands/set/#patterns has it: a key that expires, with a random
 * value for its owner. Two replicas may still compute one page, when Redis fails over or a process stands still for
 * longer than the expiry; that costs a page read twice, and nothing else.
 */
export function createRedisClaims(options: RedisClaimsOptions): PageClaims {
  const { connection, keyOf, commandTimeoutMs, expiryMs } = options
  const watch = createWatch(options)
  return {
    async take(pageKey) {
      const [key, token] = [keyOf(pageKey), randomUUID()]
      const reply = await connection.ask((redis) => redis.set(key, token, 'PX', expiryMs, 'NX'), commandTimeoutMs)
      // Without a reply the key may be set all the same: renewing and releasing look whose it is.
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

/** Looks at all claims that are waited for at once, now and then, for as long as there are any. */
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
