import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { createDatabase } from '../../gateway/store/database.ts'
import { createSharedRedis } from '../../gateway/store/redis.ts'
import { NOTHING, OTHERS, type Counts, type UsageRow } from '../../gateway/usage/counts.ts'
import { createRedisUsage } from '../../gateway/usage/redis-store.ts'
import { createSqlUsage } from '../../gateway/usage/sql-store.ts'
import { KEPT_DAYS, LEASE, type UsageStore } from '../../gateway/usage/store.ts'
import { startRedis, type RedisServer } from '../support/start-redis.ts'

/** Two processes over the same usage, of which a day has room for three rows. */
interface Bench extends AsyncDisposable {
  readonly stores: readonly [UsageStore, UsageStore]
  /** Lets holds of before be nobody's. */
  expire(): Promise<void>
}

const MOST_ROWS = 3
const DAY = '2026-11-28'
let redis: RedisServer

async function embedded(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
  let time = Date.parse(`${DAY}T12:00:00Z`)
  const databases = [createDatabase(folder), createDatabase(folder)] as const
  const open = (database: (typeof databases)[number]): UsageStore => createSqlUsage(database, () => time, MOST_ROWS)
  return {
    stores: [open(databases[0]), open(databases[1])],
    expire: async () => void (time += LEASE + 1),
    async [Symbol.asyncDispose]() {
      for (const database of databases) database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function inRedis(now = Date.now): Promise<Bench> {
  const client = new Redis(redis.url)
  await client.flushall()
  const connections = [createSharedRedis({ url: redis.url }), createSharedRedis({ url: redis.url })] as const
  return {
    stores: [createRedisUsage(connections[0], now, MOST_ROWS), createRedisUsage(connections[1], now, MOST_ROWS)],
    async expire() {
      for (const key of await client.keys('*:held:*')) {
        for (const [id, value] of Object.entries(await client.hgetall(key)))
          await client.hset(key, id, `${value.split(' ')[0]} 1`)
      }
    },
    async [Symbol.asyncDispose]() {
      client.disconnect()
      await Promise.all(connections.map((connection) => connection.close()))
    },
  }
}

const row = (key: string, counts: Partial<Counts>, day = DAY, model = 'a model/of 2'): UsageRow => ({
  day,
  key,
  model,
  counts: { ...NOTHING, ...counts },
})
const batch = (number: number, rows: readonly UsageRow[]) => ({ number, rows, holds: [] })
const kept = async (store: UsageStore, from = DAY, to = DAY): Promise<UsageRow[]> =>
  (await Array.fromAsync(store.days(from, to))).flat().toSorted((one, other) => (one.key < other.key ? -1 : 1))
const holdOf = (pages: number, month = '2026-11', key = 'scans') => ({ id: randomUUID(), key, month, pages })

before(async () => (redis = await startRedis()))
after(async () => redis.stop())

for (const [name, open] of [
  ['in the embedded database', embedded],
  ['in Redis', inRedis],
] as const) {
  describe(`usage ${name}`, () => {
    it('adds up what processes have counted, and each batch of one once', async () => {
      await using bench = await open()
      const [one, other] = bench.stores
      assert.deepEqual(await kept(one), [])
      await one.add(batch(1, [row('', { pages: 2, promptTokens: 9e12 }), row('scans', { requests: 1 })]))
      await other.add(batch(1, [row('', { pages: 3, promptTokens: 9e12, wastedCompletionTokens: 7 })]))
      await one.add(batch(2, [row('', { pages: 10 })]))
      // Its reply was lost.
      if (name === 'in Redis') await one.add(batch(2, [row('', { pages: 10 })]))
      const sum = row('', { pages: 15, promptTokens: 18e12, wastedCompletionTokens: 7 })
      assert.deepEqual(await kept(other), [sum, row('scans', { requests: 1 })])
    })

    it('is told by day', async () => {
      await using bench = await open()
      const [store] = bench.stores
      const days = ['2026-10-31', '2026-11-01', '2026-11-28']
      await store.add(batch(1, days.map((day, index) => row('scans', { pages: index + 1 }, day)))) // prettier-ignore
      const found = await kept(store, '2026-11-01', '2026-11-30')
      assert.deepEqual(found.map(({ day, counts }) => [day, counts.pages]), [['2026-11-01', 2], ['2026-11-28', 3]]) // prettier-ignore
    })

    it('tells no more callers and models of a day apart than it has room for', async () => {
      await using bench = await open()
      const [store] = bench.stores
      await store.add(batch(1, ['a', 'b', 'c', 'd', 'e'].map((key) => row(key, { pages: 1 })))) // prettier-ignore
      await store.add(batch(2, [row('a', { pages: 1 }), row('f', { pages: 1 })]))
      const counts = (await kept(store)).map(({ key, counts: { pages } }) => [key, pages])
      assert.deepEqual(counts, [[OTHERS, 3], ['a', 2], ['b', 1], ['c', 1]]) // prettier-ignore
    })

    it('holds no more pages of a month than it has', async () => {
      await using bench = await open()
      const [one, other] = bench.stores
      await one.add(batch(1, [row('scans', { pagesCharged: 4 }), row('others', { pagesCharged: 50 })]))
      await one.add(batch(2, [row('scans', { pagesCharged: 50 }, '2026-10-31'), row('scans', { pagesCharged: 1 }, DAY, 'm')])) // prettier-ignore
      const first = holdOf(3)
      assert.deepEqual(await one.hold(first, 10), { isHeld: true, charged: 5, held: 0 })
      // Its reply was lost.
      assert.equal((await one.hold(first, 10)).isHeld, true)
      assert.deepEqual(await other.hold(holdOf(3), 10), { isHeld: false, charged: 5, held: 3 })
      assert.deepEqual(await other.hold(holdOf(2), 10), { isHeld: true, charged: 5, held: 3 })
      assert.equal((await other.hold(holdOf(1), 10)).isHeld, false)
      // One page is read, two are not wanted any more.
      await one.add({ number: 3, rows: [row('scans', { pagesCharged: 1 })], holds: [{ ...first, pages: 0 }] })
      assert.deepEqual(await other.hold(holdOf(3), 10), { isHeld: false, charged: 6, held: 2 })
      assert.equal((await other.hold(holdOf(2), 10)).isHeld, true)
      assert.equal((await other.hold(holdOf(10, '2026-12'), 10)).isHeld, true)
    })

    it('never holds more than there is, though many ask at once', async () => {
      await using bench = await open()
      const asked = Array.from({ length: 60 }, (_, index) => bench.stores[index % 2]!.hold(holdOf(2), 41))
      assert.equal((await Promise.all(asked)).filter(({ isHeld }) => isHeld).length, 20)
    })

    it('gives back what a process held that has died', async () => {
      await using bench = await open()
      const [one, other] = bench.stores
      const alive = holdOf(2)
      await one.hold(holdOf(6), 10)
      await one.hold(alive, 10)
      assert.equal((await other.hold(holdOf(3), 10)).isHeld, false)
      await bench.expire()
      await one.add({ number: 1, rows: [], holds: [alive] })
      assert.deepEqual(await other.hold(holdOf(8), 10), { isHeld: true, charged: 0, held: 2 })
    })
  })
}

describe('usage that is old', () => {
  it('is forgotten in the embedded database', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
    const database = createDatabase(folder)
    let time = Date.parse(`${DAY}T12:00:00Z`)
    const store = createSqlUsage(database, () => time)
    await store.add(batch(1, [row('scans', { pages: 1 })]))
    time += KEPT_DAYS * 86_400_000
    await store.add(batch(2, []))
    assert.equal((await kept(store)).length, 1)
    time += 86_400_000
    await store.add(batch(3, []))
    assert.equal((await kept(store)).length, 0)
    database.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('is forgotten in Redis, and no key of it is one that Redis may evict', async () => {
    let time = Date.parse(`${DAY}T12:00:00Z`)
    await using bench = await inRedis(() => time)
    const [store] = bench.stores
    await store.add(batch(1, [row('scans', { pages: 1, pagesCharged: 1 })]))
    await store.hold(holdOf(3), 10)
    const client = new Redis(redis.url)
    const keys = await client.keys('*')
    assert.deepEqual(new Set(await Promise.all(keys.map((key) => client.ttl(key)))), new Set([-1]))
    time += 63 * 86_400_000
    await store.add(batch(2, []))
    const left = await client.keys('*')
    assert.deepEqual(left.filter((key) => /charged|held/.test(key)), []) // prettier-ignore
    assert.equal((await kept(store)).length, 1)
    time += (KEPT_DAYS - 62) * 86_400_000
    await store.add(batch(3, []))
    assert.deepEqual(await client.keys('*:day*'), [])
    client.disconnect()
  })
})
