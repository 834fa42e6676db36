// Who may ask, and for how much.
import { createAccess, type Access } from '../access/access.ts'
import { createKeyRing, readKeysFile, type KeyRing } from '../access/key-ring.ts'
import { plainKeys } from '../access/keys-file.ts'
import { createPageAllowance, type PageAllowance } from '../access/page-allowance.ts'
import { createRateLimits, type RateLimits } from '../access/rate-limits.ts'
import { createRedisPlaces } from '../access/redis-places.ts'
import { createRedisWindows } from '../access/redis-windows.ts'
import { createSharedPlaces, type SharedPlaces } from '../access/shared-places.ts'
import { createSharedWindows } from '../access/shared-windows.ts'
import { createTokenCallers } from '../access/token-callers.ts'
import { createTokens, type Tokens } from '../access/tokens.ts'
import { createMemoryWindows, type Windows } from '../access/window.ts'
import type { Config } from '../config/load.ts'
import type { Database } from '../store/database.ts'
import { createSharedRedis, type SharedRedis } from '../store/redis.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** Returns what is wrong with the keys file. */
export function keysFileProblems({ GATEWAY_KEYS_FILE: path, GATEWAY_API_KEYS: keys }: Config): string[] {
  if (path === null) return []
  return readKeysFile(path, plainKeys(keys)).problems.map((problem) => `GATEWAY_KEYS_FILE ${path}: ${problem}`)
}

/** What access is made of, beside its settings. */
export interface AccessParts {
  readonly database: Database
  readonly shared: SharedRedis | null
  readonly log: Log
  readonly metrics: Metrics
  /** How long a window of the limits by the minute is, in milliseconds. */
  readonly windowMs: number
}

/** Who may ask, and for how much. */
export interface ConfiguredAccess {
  readonly access: Access
  readonly limits: RateLimits
  readonly allowance: PageAllowance
  close(): Promise<void>
}

/** Creates it. Throws when the keys file is broken. */
export function createConfiguredAccess(config: Config, parts: AccessParts): ConfiguredAccess {
  const { log, metrics } = parts
  const ring = createRing(config, parts)
  const tokens = createConfiguredTokens(config, log)
  const tokenCallers = createTokenCallers(parts, (error) => log.error({ err: error }, 'what a token says was not kept'))
  const access = createAccess({ ring, tokens, tokenCallers })
  const { windows, places, close } = createCounts(config, parts)
  const limits = createRateLimits({ windows, onRefused: (limit) => metrics.rateLimited.inc({ limit }) })
  return {
    access,
    limits,
    allowance: createPageAllowance(access, limits, places),
    async close() {
      ring?.close()
      await close()
    },
  }
}

function createRing(config: Config, { log, metrics }: AccessParts): KeyRing | null {
  const { GATEWAY_API_KEYS: keys, GATEWAY_KEYS_FILE: path } = config
  if (keys.length === 0 && path === null) return null
  return createKeyRing({
    fixed: plainKeys(keys),
    path,
    onRead(count) {
      metrics.keysFileBroken.set(0)
      log.info({ keys: count }, 'the keys file was read again')
    },
    onBroken(problems) {
      metrics.keysFileBroken.set(1)
      log.error({ problems }, 'the keys file is broken: the keys that it had before stay')
    },
  })
}

function createConfiguredTokens(config: Config, log: Log): Tokens | null {
  const keys = config.GATEWAY_JWT_JWKS_URL ?? config.GATEWAY_JWT_SECRET
  if (keys === null) return null
  return createTokens({
    keys,
    issuer: config.GATEWAY_JWT_ISSUER,
    audience: config.GATEWAY_JWT_AUDIENCE,
    onFailure: (reason) => log.error({ reason }, 'the keys of the issuer of tokens cannot be fetched'),
  })
}

/** A request does not wait long for what only counts it; a process that stood still for a moment has not lost its Redis. In milliseconds. */
const PATIENCE = 1500
const SILENCE = 2500
const TELL_EVERY = 60_000

/** What is counted of callers. */
interface Counts {
  readonly windows: Windows
  readonly places: SharedPlaces | null
  readonly close: () => Promise<void>
}

function createCounts({ GATEWAY_REDIS_URL: url }: Config, { log, metrics, windowMs }: AccessParts): Counts {
  const own = createMemoryWindows(windowMs)
  if (url === null) return { windows: own, places: null, close: async () => {} }
  const redis = createSharedRedis({ url, patience: PATIENCE, silence: SILENCE })
  let toldAt = -Infinity
  const onAlone = (error: unknown): void => {
    metrics.limitsAlone.inc()
    if (performance.now() - toldAt < TELL_EVERY) return
    toldAt = performance.now()
    log.error({ err: error }, 'limits are not counted in Redis, which does not answer: this gateway counts for itself')
  }
  // Connects before the first request, which would not wait for that.
  redis.run((commands) => commands.ping()).catch(() => {})
  const places = createSharedPlaces(createRedisPlaces(redis, onAlone))
  return {
    windows: createSharedWindows({ shared: createRedisWindows(redis, windowMs), own, onAlone }),
    places,
    async close() {
      places.close()
      await redis.close()
    },
  }
}
