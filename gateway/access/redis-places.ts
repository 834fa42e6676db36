import { createScript } from '../store/redis-script.ts'
import type { SharedRedis } from '../store/redis.ts'

/** The places of callers' pages in Redis. Nothing here throws: where Redis does not answer, all are given what they want. */
export interface RedisPlaces {
  /** Gives as many of the ids a place as there are, the first of them first; returns how many. Asked again, they keep what they got. */
  take(name: string, most: number, ids: readonly string[]): Promise<number>
  giveBack(name: string, id: string): void
  /** Keeps places from those who would think that this gateway has died. One that is given back meanwhile may be taken again by it. */
  renew(name: string, ids: readonly string[]): Promise<void>
  close(): void
}

/** A place of a gateway that has died is free again after so long, in milliseconds. */
const LEASE = 15_000
/** Without Redis, each gateway counts for itself; it is asked again after so long, in milliseconds. */
const PAUSE = 5000

/** A member for each page, by the time when its place is free again. The first of the ids may have theirs from a run whose reply was lost. */
const take = createScript<number>(`
local key, most, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
local others = redis.call('ZCARD', key)
for index = 4, #ARGV do if redis.call('ZSCORE', key, ARGV[index]) then others = others - 1 end end
local given = math.max(0, math.min(#ARGV - 3, most - others))
for index = 1, given do redis.call('ZADD', key, now + lease, ARGV[3 + index]) end
if given > 0 then redis.call('PEXPIRE', key, lease) end
return given
`)

const renew = createScript<number>(`
local key, lease = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local free_at = time[1] * 1000 + math.floor(time[2] / 1000) + lease
for index = 3, #ARGV do redis.call('ZADD', key, free_at, ARGV[index]) end
return redis.call('PEXPIRE', key, lease)
`)

/** Creates them. `onAlone` is told when Redis does not answer. */
export function createRedisPlaces(redis: SharedRedis, onAlone: (error: unknown) => void): RedisPlaces {
  const keyOf = (name: string): string => `${redis.prefix}in-flight:${name}`
  let aloneUntil = -Infinity
  const isAlone = (): boolean => performance.now() < aloneUntil

  function alone(error: unknown): void {
    if (aloneUntil === Infinity) return
    aloneUntil = performance.now() + PAUSE
    onAlone(error)
  }

  return {
    async take(name, most, ids) {
      if (isAlone()) return ids.length
      try {
        return await redis.run((commands) => take(commands, [keyOf(name), most, LEASE, ...ids]))
      } catch (error) {
        alone(error)
        return ids.length
      }
    },
    giveBack(name, id) {
      if (!isAlone()) redis.run((commands) => commands.zrem(keyOf(name), id)).catch(alone)
    },
    async renew(name, ids) {
      if (!isAlone()) await redis.run((commands) => renew(commands, [keyOf(name), LEASE, ...ids])).catch(alone)
    },
    close: () => void (aloneUntil = Infinity),
  }
}
