import type { SharedRedis } from './redis.ts'

/** The first that moves an item from list to list, and lists backwards by name. */
const LEAST = [6, 2] as const

/** A clock that is so far from that of Redis is wrong, in seconds; or that of Redis is. */
const CLOCKS_DIFFER = 60

/**
 * Returns what is wrong with how a Redis is set up in which files and batches are kept; nothing where it does not say. It should
 * write its log to the disk, and evict only what has a time to live, which pages have; and its clock should be the gateway's.
 */
export async function findUnfitness(shared: SharedRedis): Promise<readonly string[]> {
  const info = await shared.run((redis) => redis.info()).catch(() => '')
  const valueOf = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
  const problems: string[] = []
  const ahead = Math.round((Date.now() - Number(valueOf('server_time_usec') ?? NaN) / 1000) / 1000)
  if (Math.abs(ahead) > CLOCKS_DIFFER) {
    problems.push(
      `This machine's clock is ${Math.abs(ahead)} seconds ${ahead > 0 ? 'ahead of' : 'behind'} that of Redis: times of files and batches are wrong by as much. Set both by NTP.`,
    )
  }
  const [major = 0, minor = 0] = (valueOf('redis_version') ?? LEAST.join('.')).split('.').map(Number)
  if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
    problems.push(`Redis ${major}.${minor} is too old for files and batches: they need ${LEAST.join('.')} or newer.`)
  }
  const policy = valueOf('maxmemory_policy')
  if (policy?.startsWith('allkeys-') === true) {
    problems.push(
      `Redis may evict what is known of files and batches: its maxmemory-policy is ${policy}. Set volatile-lru, and only pages make room.`,
    )
  }
  if (valueOf('aof_enabled') === '0') {
    problems.push(
      'Redis writes no log to its disk: when it ends, what happened to batches since its last snapshot is lost. Set appendonly yes.',
    )
  }
  return problems
}
