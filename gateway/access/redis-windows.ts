import { createScript } from '../store/redis-script.ts'
import type { SharedRedis } from '../store/redis.ts'
import type { Windows } from './window.ts'

/**
 * A count that Redis forgets when its window is over, by its own clock. Returns what was granted, what is left, and for how
 * many milliseconds.
 */
const take = createScript<[granted: number, free: number, left: number]>(`
local key, limit, wanted, takes_less, length = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local left = redis.call('PTTL', key)
local used = tonumber(redis.call('GET', key) or '0')
local free = math.max(0, limit - used)
local granted = wanted
if wanted > free then granted = takes_less == '1' and free or 0 end
if granted > 0 then
  redis.call('INCRBY', key, granted)
  if left < 0 then
    redis.call('PEXPIRE', key, length)
    left = length
  end
end
return {granted, free - granted, math.max(0, left)}
`)

/** Creates windows that all gateways of a Redis share. */
export function createRedisWindows(redis: SharedRedis, lengthMs: number): Windows {
  return {
    async take({ name, limit, wanted, takesLess }) {
      const key = `${redis.prefix}window:${name}`
      const values = [key, limit, wanted, takesLess ? 1 : 0, lengthMs]
      const [granted, remaining, resetMs] = await redis.run((commands) => take(commands, values))
      return { granted, limit, remaining, resetMs }
    },
  }
}
