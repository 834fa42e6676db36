import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'

/** What a script is told: keys and values in the order in which it counts them, as one list. */
export type ScriptValues = readonly (string | number | Buffer)[]

/** Runs a script in Redis, at once and alone; returns what it returns. */
export type Script<Reply> = (redis: Redis, values: ScriptValues) => Promise<Reply>

/**
 * Creates a script from Lua, which finds its values in `ARGV`. All keys of shared state are in one Redis, so that none is
 * declared. Redis is sent the text once, and again when it has forgotten it.
 */
export function createScript<Reply>(lua: string): Script<Reply> {
  const sha = createHash('sha1').update(lua).digest('hex')
  return async (redis, values) => {
    try {
      return (await redis.evalsha(sha, 0, ...values)) as Reply
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return (await redis.eval(lua, 0, ...values)) as Reply
    }
  }
}
