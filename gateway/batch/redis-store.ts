import type { Redis } from 'ioredis'
import type { ScriptValues, Script } from '../store/redis-script.ts'
import type { SharedRedis } from '../store/redis.ts'
import type { Batch } from './batch.ts'
import { allSet } from './bits.ts'
import { hashOf, readRow, ROW_VERSION, writeChange, writeRow } from './redis-row.ts'
import { ADD, CHANGE, DUE, END_LINES, FORGET, ROWS, SETTLE } from './redis-store-scripts.ts'
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

type Run = <Reply>(script: Script<Reply>, values: ScriptValues) => Promise<Reply>

/** Creates the store of batches in Redis. */
export function createRedisBatchStore(shared: SharedRedis): RedisBatchStore {
  const prefix = `${shared.prefix}batches:`
  const run: Run = (script, values) => shared.run((redis) => script(redis, [shared.prefix, ...values]))
  return {
    ...rowsIn(shared, prefix, run),
    ...linesIn(shared, prefix, run),
    isWhole: async () => (await shared.run((redis) => redis.exists(`${prefix}whole`))) === 1,
    setWhole: async () => void (await shared.run((redis) => redis.set(`${prefix}whole`, '1'))),
  }
}

type Rows = Omit<RedisBatchStore, keyof Lines | 'isWhole' | 'setWhole'>

function rowsIn(shared: SharedRedis, prefix: string, run: Run): Rows {
  async function add(batch: Batch, ended: Uint8Array): Promise<boolean> {
    const { id, owner, times, status } = batch
    const values = [id, owner, times.expires, JSON.stringify(status), Buffer.from(ended)]
    return (await run(ADD, [...values, ...writeRow(batch)])) === 1
  }
  return {
    add: async (batch) => void (await add(batch, new Uint8Array())),
    restore: add,
    async find(owner, id) {
      const batch = readRow(await shared.run((redis) => redis.hgetall(`${prefix}row:${id}`)))
      return batch === null || (owner !== null && batch.owner !== owner) ? null : batch
    },
    async list(owner, after, limit) {
      const [key, end] = [`${prefix}of:${owner}`, after === null ? '+' : `(${after}`]
      const ids = await shared.run((redis) => redis.zrange(key, end, '-', 'BYLEX', 'REV', 'LIMIT', 0, limit + 1))
      return { batches: await rowsOf(ids.slice(0, limit), run), hasMore: ids.length > limit }
    },
    unended: (owner) => shared.run((redis) => redis.zcard(`${prefix}open:${owner}`)),
    async change(id, from, change) {
      const statuses = from.map((status) => JSON.stringify(status))
      return readRow(hashOf(await run(CHANGE, [id, ROW_VERSION, statuses.length, ...statuses, ...writeChange(change)])))
    },
    async due(now, endedBefore) {
      const [late, old] = await run(DUE, [now, endedBefore, Math.floor(Date.now() / 1000), ROWS_AT_A_TIME])
      return { late: await rowsOf(late, run), old: await rowsOf(old, run) }
    },
    async forget(ids) {
      if (ids.length > 0) await run(FORGET, ids)
    },
    unendedAfter: async (id) => rowsOf(await shared.run((redis) => unendedIds(redis, `${prefix}late`, id)), run),
  }
}

/** Those of some ids that are there, and of a version that is understood. */
async function rowsOf(ids: readonly string[], run: Run): Promise<Batch[]> {
  if (ids.length === 0) return []
  const rows = (await run(ROWS, ids)).map(hashOf)
  return rows.flatMap((hash) => (Number(hash['version']) > ROW_VERSION ? [] : (readRow(hash) ?? [])))
}

type Lines = Pick<RedisBatchStore, 'endLines' | 'settle' | 'endedLines'>

function linesIn(shared: SharedRedis, prefix: string, run: Run): Lines {
  return {
    async endLines(id, ends) {
      const values = Array.from(ends, ([line, { outcome, usage }]) => {
        const { inputTokens, cachedTokens, outputTokens } = usage
        return [line, outcome, inputTokens, cachedTokens, outputTokens]
      })
      let counted = 0
      for (let start = 0; start < values.length; start += LINES_AT_A_TIME)
        counted += await run(END_LINES, [id, ...values.slice(start, start + LINES_AT_A_TIME).flat()])
      return counted
    },
    async settle(id, { total, ...counts }, usage) {
      const counted = Object.entries({ ...counts, ...usage }).flat()
      await run(SETTLE, [id, Buffer.from(allSet(total)), ...counted])
    },
    async endedLines(id) {
      const bits = await shared.run((redis) => redis.getBuffer(`${prefix}ended:${id}`))
      return new Uint8Array(bits ?? [])
    },
  }
}

/** There are a hundred of a key at most; those of all keys are sorted here. */
async function unendedIds(redis: Redis, key: string, after: string): Promise<string[]> {
  const ids = await redis.zrange(key, '0', '-1')
  return ids
    .filter((id) => id > after)
    .toSorted()
    .slice(0, ROWS_AT_A_TIME)
}
