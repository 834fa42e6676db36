import type { Redis } from 'ioredis'
import type { ScriptValues, Script } from '../store/redis-script.ts'
import type { SharedRedis } from '../store/redis.ts'
import type { Batch } from './batch.ts'
import { allSet } from './bits.ts'
import { nowInSeconds } from './life-cycle.ts'
import { hashOf, LeftRow, readRow, ROW_VERSION, writeChange, writeRow } from './redis-row.ts'
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

/** Each version puts back what it understands. */
const WHOLE = ROW_VERSION === 1 ? 'whole' : `whole-${ROW_VERSION}`

type Run = <Reply>(script: Script<Reply>, values: ScriptValues) => Promise<Reply>

/** Creates the store of batches in Redis. `onLeft` is told of each row that is left out where several are looked at, and why. */
export function createRedisBatchStore(
  shared: SharedRedis,
  onLeft: (error: LeftRow) => void = () => {},
): RedisBatchStore {
  const prefix = `${shared.prefix}batches:`
  const run: Run = (script, values) => shared.run((redis) => script(redis, [shared.prefix, ...values]))
  return {
    ...rowsIn(shared, prefix, run, onLeft),
    ...linesIn(shared, prefix, run),
    isWhole: async () => (await shared.run((redis) => redis.exists(`${prefix}${WHOLE}`))) === 1,
    setWhole: async () => void (await shared.run((redis) => redis.set(`${prefix}${WHOLE}`, '1'))),
  }
}

type Rows = Omit<RedisBatchStore, keyof Lines | 'isWhole' | 'setWhole'>

function rowsIn(shared: SharedRedis, prefix: string, run: Run, onLeft: (error: LeftRow) => void): Rows {
  const rowsOf = (ids: readonly string[]): Promise<Batch[]> => understoodRows(ids, run, onLeft)

  async function add(batch: Batch, ended: Uint8Array): Promise<boolean> {
    const { id, owner, times, status } = batch
    const values = [id, owner, times.expires, nowInSeconds(), JSON.stringify(status), Buffer.from(ended)]
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
      return { batches: await rowsOf(ids.slice(0, limit)), hasMore: ids.length > limit }
    },
    unended: (owner) => shared.run((redis) => redis.zcard(`${prefix}open:${owner}`)),
    async change(id, from, change) {
      const statuses = from.map((status) => JSON.stringify(status))
      return readRow(hashOf(await run(CHANGE, [id, ROW_VERSION, statuses.length, ...statuses, ...writeChange(change)])))
    },
    async due(now, endedBefore) {
      const [late, old] = await run(DUE, [now, endedBefore, nowInSeconds(), ROWS_AT_A_TIME])
      return { late: await rowsOf(late), old: await rowsOf(old) }
    },
    async overview() {
      const [late, unendedCount, endedCount] = await shared.run((redis) =>
        Promise.all([
          redis.zrange(`${prefix}late`, '0', String(ROWS_AT_A_TIME - 1)),
          redis.zcard(`${prefix}late`),
          redis.zcard(`${prefix}old`),
        ]),
      )
      return { unended: await rowsOf(late), unendedCount, endedCount }
    },
    async forget(ids) {
      if (ids.length > 0) await run(FORGET, ids)
    },
    async unendedAfter(after) {
      for (let last = after; ;) {
        const ids = await shared.run((redis) => unendedIds(redis, `${prefix}late`, last))
        const batches = await rowsOf(ids)
        const next = ids.at(-1)
        // All of these may be left to others, and those behind them not.
        if (batches.length > 0 || next === undefined) return batches
        last = next
      }
    },
  }
}

/** Those of some ids that are there, and understood. */
async function understoodRows(ids: readonly string[], run: Run, onLeft: (error: LeftRow) => void): Promise<Batch[]> {
  if (ids.length === 0) return []
  return (await run(ROWS, ids)).flatMap((pairs) => {
    try {
      return readRow(hashOf(pairs)) ?? []
    } catch (error) {
      if (!(error instanceof LeftRow)) throw error
      onLeft(error)
      return []
    }
  })
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
