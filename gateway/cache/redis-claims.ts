import { randomUUID } from 'node:crypto'
import type { ClaimOwner, PageClaim, PageClaims } from './page-store.ts'
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
 * Returns for each key the claim under it; '' when there is none, `?` for anything else. A claim is a string that expires
 * within the time of a claim: somebody else's key may be a list, or stay for ever.
 */
const LOOK = `
local states = {}
for index, key in ipairs(KEYS) do
  local left = redis.call('pttl', key)
  if left == -2 then states[index] = ''
  elseif left == -1 or left > tonumber(ARGV[1]) then states[index] = '?'
  else
    local value = redis.pcall('get', key)
    states[index] = type(value) == 'table' and '?' or value or ''
  end
end
return states`

/** Begins the value of a claim that is a batch's. */
const BATCH = 'batch:'

/**
 * Keeps claims in Redis, as https://redis.io/docs/latest/commands/set/#patterns describes: a key that expires, with a
 * random value for its owner. Two replicas may still compute the same page when Redis fails over, or when a process
 * stalls for longer than the expiry. That costs one page read twice, and nothing else.
 */
export function createRedisClaims(options: RedisClaimsOptions): PageClaims {
  const { connection, keyOf, commandTimeoutMs, expiryMs, limitMs } = options
  const watch = createWatch(options)
  return {
    longestMs: limitMs + expiryMs,
    async take(pageKey, { lane }) {
      const [key, token] = [keyOf(pageKey), `${lane === 'batch' ? BATCH : ''}${randomUUID()}`]
      const reply = await connection.ask((redis) => redis.set(key, token, 'PX', expiryMs, 'NX'), commandTimeoutMs)
      // The key may be set even without a reply: renewing and releasing check its owner.
      return reply === null ? null : hold(key, token, options)
    },
    waitForEnd: (pageKey, owner, until, signal) => watch({ key: keyOf(pageKey), owner, until }, signal),
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

/** What is waited for, and by whom. */
interface Wait {
  readonly key: string
  readonly owner: ClaimOwner
  readonly until: number
}

interface Waiter extends Wait {
  readonly wake: (end: 'ended' | 'ignored') => void
}

/** Checks all claims that are waited for in one command, at intervals, while there are any. */
function createWatch({ connection, commandTimeoutMs, expiryMs }: RedisClaimsOptions) {
  const waiters = new Set<Waiter>()
  let isLooking = false

  async function look(): Promise<void> {
    const asked = [...waiters]
    const keys = asked.map(({ key }) => key)
    const states = await connection.ask(
      (redis) => redis.eval(LOOK, keys.length, ...keys, expiryMs) as Promise<string[]>,
      commandTimeoutMs,
    )
    for (const [index, waiter] of asked.entries()) {
      const state = states?.[index] ?? ''
      if (isIgnored(state, waiter)) waiter.wake('ignored')
      else if (state === '') waiter.wake('ended')
    }
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

  return async function waitForEnd(wait: Wait, signal: AbortSignal): Promise<'ended' | 'ignored'> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<'ended' | 'ignored'>()
    const waiter = { ...wait, wake: resolve }
    const leave = () => reject(signal.reason)
    waiters.add(waiter)
    signal.addEventListener('abort', leave, { once: true })
    void lookUntilNobodyWaits()
    try {
      return await promise
    } finally {
      waiters.delete(waiter)
      signal.removeEventListener('abort', leave)
    }
  }
}

function isIgnored(state: string, { owner, until }: Wait): boolean {
  const isForeign = state === '?'
  // A batch's page may wait for as long as interactive work keeps coming to its replica.
  const isOvertaken = state.startsWith(BATCH) && owner.lane === 'interactive'
  return isForeign || isOvertaken || performance.now() > until
}
