import { Redis } from 'ioredis'
import type { Finding } from '../wiring/finding.ts'

const REDIS_TIMEOUT = 5000

/** Looks at Redis: whether it answers, and whether it keeps what it is given. */
export async function checkRedis(url: string): Promise<Finding[]> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: REDIS_TIMEOUT,
    commandTimeout: REDIS_TIMEOUT,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  // What fails then only says that the connection is closed.
  let reason: Error | null = null
  redis.on('error', (error: Error) => (reason ??= error))
  const what = 'Redis'
  try {
    await redis.connect()
    const facts = factsOf(await redis.info())
    const [, eviction = facts['maxmemory_policy'] ?? ''] = await configOf(redis, 'maxmemory-policy')
    return [versionFinding(facts['redis_version'] ?? 'unknown'), evictionFinding(eviction), persistenceFinding(facts)]
  } catch (error) {
    const todo =
      'start it, or correct GATEWAY_REDIS_URL (its password, its port); without it, the gateway keeps its state itself'
    return [{ what, state: 'broken', text: `cannot be asked: ${reasonOf(reason ?? error)}`, todo }]
  } finally {
    redis.disconnect()
  }
}

/** Where a name has several addresses, each has failed, and the error of all has no words. */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException
  return message || (code ?? 'unknown')
}

/** Some providers keep their settings to themselves. */
async function configOf(redis: Redis, name: string): Promise<string[]> {
  return (await redis.config('GET', name).catch(() => [])) as string[]
}

function factsOf(info: string): Record<string, string> {
  return Object.fromEntries(
    info
      .split('\r\n')
      .filter((line) => line.includes(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  )
}

/** Older ones lack commands that batches need. */
const OLDEST = [6, 2] as const

/** Says whether a Redis is new enough. Valkey says with which Redis it is compatible. */
export function versionFinding(version: string): Finding {
  const what = 'Redis'
  const text = `version ${version}`
  const [major = NaN, minor = 0] = version.split('.').map(Number)
  const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
  if (!isOld) return { what, state: 'good', text }
  return { what, state: 'broken', text, todo: `use Redis ${OLDEST.join('.')} or newer, or Valkey` }
}

function evictionFinding(policy: string): Finding {
  const what = 'Redis eviction'
  if (policy === '')
    return { what, state: 'note', text: 'it does not say', todo: 'see that maxmemory-policy is volatile-lru' }
  if (policy.startsWith('volatile-') || policy === 'noeviction') return { what, state: 'good', text: policy }
  const todo = 'set maxmemory-policy to volatile-lru: files and batches have no time to live, and must stay'
  return { what, state: 'broken', text: policy, todo }
}

function persistenceFinding(facts: Record<string, string>): Finding {
  const what = 'Redis persistence'
  if (facts['aof_enabled'] === '1') return { what, state: 'good', text: 'append-only file' }
  const todo = 'set appendonly yes, or a restart of Redis loses files, batches and webhooks'
  return { what, state: 'note', text: 'no append-only file', todo }
}
