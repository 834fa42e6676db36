import type { Redis } from 'ioredis'
import type { ScriptValues, Script } from '../store/redis-script.ts'
import type { SharedRedis } from '../store/redis.ts'
import type { Batch } from './batch.ts'
import { hashOf, readRow, ROW_VERSION, writeChange, writeRow } from './redis-row.ts'
import { ADD, CHANGE, DUE, END_LINES, FORGET, ROWS } from './redis-store-scripts.ts'
import type { BatchStore } from './store.ts'

/** The batches that replicas share, and what those need who keep and find them after an accident. */
export interface RedisBatchStore extends BatchStore {
  /** Adds a batch of which lines have ended, see `endedLines`; false: it is there. */
  restore(batch: Batch, ended: Uint8Array): Promise<boolean>
  /** Returns batches that have not ended, some at a time, behind an id; in the order of ids. */
  unendedAfter(id: string): Promise<readonly Batch[]>
  /** Tells whether nothing is missing, as far as anybody knows: Redis was not emptied since somebody said so. */
  isWhole(): Promise<boolean>
  /** Says that nothing is missing: all that is kept elsewhere is here. */
  setWhole(): Promise<void>
}

/** Rows that are fetched at a time. */
const ROWS_AT_A_TIME = 100
/** Lines that one call ends: it holds up everybody. */
const LINES_AT_A_TIME = 500

/** Creates the store of batches in Redis. */
export function createRedisBatchStore(shared: SharedRedis): RedisBatchStore {
  const prefix = `${shared.prefix}batches:`
  const run = <Reply>(script: Script<Reply>, values: ScriptValues): Promise<Reply> =>
    shared.run((redis) => script(redis, [shared.prefix, ...values]))

  async function find(id: string): Promise<Batch | null> {
    return readRow(await shared.run((redis) => redis.hgetall(`${prefix}row:${id}`)))
  }

  /** Those of some ids that are there, and of a version that is understood. */
  async function rowsOf(ids: readonly string[]): Promise<Batch[]> {
    if (ids.length === 0) return []
    const rows = await run(ROWS, ids)
    return rows.map(hashOf).flatMap((hash) => {
      if (Number(hash['version']) > ROW_VERSION) return []
      return readRow(hash) ?? []
    })
  }

  async function add(batch: Batch, ended: Uint8Array): Promise<boolean> {
    const { id, owner, times, status } = batch
    const values = [id, owner, times.expires, JSON.stringify(status), Buffer.from(ended)]
    return (await run(ADD, [...values, ...writeRow(batch)])) === 1
  }

  return {
    add: async (batch) => void (await add(batch, new Uint8Array())),
    restore: add,
    async find(owner, id) {
      const batch = await find(id)
      return batch === null || (owner !== null && batch.owner !== owner) ? null : batch
    },
    async list(owner, after, limit) {
      const end = after === null ? '+' : `(${after}`
      const ids = await shared.run((redis) => redis.zrange(`${prefix}of:${owner}`, end, '-', 'BYLEX', 'REV', 'LIMIT', 0, limit + 1))
      return { batches: await rowsOf(ids.slice(0, limit)), hasMore: ids.length > limit }
    },
    unended: (owner) => shared.run((redis) => redis.zcard(`${prefix}open:${owner}`)),
    async change(id, from, change) {
      const statuses = from.map((status) => JSON.stringify(status))
      const row = await run(CHANGE, [id, ROW_VERSION, statuses.length, ...statuses, ...writeChange(change)])
      return readRow(hashOf(row))
    },
    async endLines(id, ends) {
      const values = [...ends].map(([line, { outcome, usage }]) => [
        line,
        outcome,
        usage.inputTokens,
        usage.cachedTokens,
        usage.outputTokens,
      ])
      for (let start = 0; start < values.length; start += LINES_AT_A_TIME)
        await run(END_LINES, [id, ...values.slice(start, start + LINES_AT_A_TIME).flat()])
    },
    async endedLines(id) {
      const bits = await shared.run((redis) => redis.getBuffer(`${prefix}ended:${id}`))
      return bits === null ? new Uint8Array() : new Uint8Array(bits)
    },
    async due(now, endedBefore) {
      const [late, old] = await run(DUE, [now, endedBefore, Math.floor(Date.now() / 1000), ROWS_AT_A_TIME])
      return { late: await rowsOf(late), old: await rowsOf(old) }
    },
    async forget(ids) {
      if (ids.length > 0) await run(FORGET, ids)
    },
    async unendedAfter(id) {
      const ids = await shared.run((redis) => unendedIds(redis, `${prefix}late`, id))
      return rowsOf(ids)
    },
    isWhole: async () => (await shared.run((redis) => redis.exists(`${prefix}whole`))) === 1,
    setWhole: async () => void (await shared.run((redis) => redis.set(`${prefix}whole`, '1'))),
  }
}

/** There are a hundred of a key at most; those of all keys are sorted here. */
async function unendedIds(redis: Redis, key: string, after: string): Promise<string[]> {
  const ids = await redis.zrange(key, '0', '-1')
  return ids.filter((id) => id > after).toSorted().slice(0, ROWS_AT_A_TIME)
}
