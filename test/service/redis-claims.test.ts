import { Redis } from 'ioredis'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createRedisStore, type RedisStoreOptions } from '../../gateway/cache/redis-store.ts'
import { startRedis } from '../support/start-redis.ts'
import { eventually, within } from '../support/within.ts'

const live = new AbortController().signal
const PATIENCE_MS = 5_000
const owner = { lane: 'interactive' } as const
const log = { info() {}, warn() {} }

async function setUp(t: TestContext) {
  const redis = await startRedis()
  t.after(() => redis.stop())
  const admin = new Redis(redis.url)
  admin.on('error', () => {})
  t.after(() => admin.disconnect())
  const open = (options: Partial<RedisStoreOptions> = {}) => {
    const bounds = { maxValueBytes: 1000, ttlSeconds: 60, commandTimeoutMs: 300, claimLimitMs: 60_000 }
    const store = createRedisStore({ url: redis.url, log, ...bounds, ...options })
    t.after(() => store.close())
    const claims = store.claims!
    const isOver = (pageKey: string) =>
      within(claims.waitForEnd(pageKey, owner, Infinity, live), PATIENCE_MS, `the end of ${pageKey}`)
    return { store, claims, isOver }
  }
  return { redis, admin, open, one: open(), other: open() }
}

describe('claims in Redis', () => {
  it('are one replica’s at a time, and the next one’s when they are given back', async (t) => {
    const { one, other } = await setUp(t)
    const claim = await one.claims.take('a', owner)
    assert.ok(claim !== null)
    assert.equal(await other.claims.take('a', owner), null)
    assert.equal(await one.claims.take('a', owner), null)
    assert.notEqual(await other.claims.take('b', owner), null)
    const over = other.isOver('a')
    claim.release()
    claim.release()
    await over
    assert.notEqual(await other.claims.take('a', owner), null)
  })

  it('let the next one find what was stored just before', async (t) => {
    const { one, other } = await setUp(t)
    for (let round = 0; round < 50; round += 1) {
      const claim = await one.claims.take(`${round}`, owner)
      void one.store.set(`${round}`, 'answer')
      claim?.release()
      let taken = null
      while (taken === null) taken = await other.claims.take(`${round}`, owner)
      assert.deepEqual(await other.store.get([`${round}`], live), ['answer'])
    }
  })

  it('last while their replica lives, however long that is', async (t) => {
    const { open, other, admin } = await setUp(t)
    const { claims } = open({ claimExpiryMs: 300 })
    const claim = await claims.take('a', owner)
    const renewals = async () => Number(/cmdstat_pexpire:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0)
    await eventually(async () => (await renewals()) >= 6, PATIENCE_MS, 'six renewals, which are two expiries')
    assert.equal(await other.claims.take('a', owner), null)
    claim?.release()
    await other.isOver('a')
  })

  it('end by themselves when their replica is gone', async (t) => {
    const { open, other } = await setUp(t)
    const gone = open({ claimExpiryMs: 300 })
    await gone.claims.take('a', owner)
    await gone.store.close()
    assert.equal(await other.claims.take('a', owner), null)
    await other.isOver('a')
    assert.notEqual(await other.claims.take('a', owner), null)
  })

  it('end by themselves when a page takes longer than any page may', async (t) => {
    const { open, other } = await setUp(t)
    const { claims } = open({ claimExpiryMs: 300, claimLimitMs: 200 })
    await claims.take('a', owner)
    await other.isOver('a')
  })

  it('are not released by one who has lost them', async (t) => {
    const { admin, one, other } = await setUp(t)
    const lost = await one.claims.take('a', owner)
    await admin.del('ocr-gateway:page:a:claim')
    const claim = await other.claims.take('a', owner)
    lost?.release()
    assert.equal(await one.claims.take('a', owner), null)
    claim?.release()
    await one.isOver('a')
  })

  it('are waited for together: 64 pages are one command at a time', async (t) => {
    const { admin, one, other } = await setUp(t)
    const pages = Array.from({ length: 64 }, (_, page) => `${page}`)
    const claims = await Promise.all(pages.map((page) => one.claims.take(page, owner)))
    const waiting = Promise.all(pages.map((page) => other.isOver(page)))
    const looks = async () => Number(/cmdstat_eval:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0)
    await eventually(async () => (await looks()) >= 3, PATIENCE_MS, 'three looks')
    assert.ok((await looks()) < 10, `${await looks()} looks`)
    for (const claim of claims) claim?.release()
    await waiting
  })

  it('are not waited for by one who has left', async (t) => {
    const { one, other } = await setUp(t)
    await one.claims.take('a', owner)
    const client = new AbortController()
    const waiting = other.claims.waitForEnd('a', owner, Infinity, client.signal)
    client.abort(new Error('gone'))
    await assert.rejects(within(waiting, PATIENCE_MS, 'the leaving'), /gone/)
    await assert.rejects(other.claims.waitForEnd('a', owner, Infinity, client.signal), /gone/)
  })

  for (const { name, put } of [
    { name: 'a list', put: (admin: Redis, key: string) => admin.rpush(key, 'somebody else’s') },
    { name: 'a list that expires', put: (admin: Redis, key: string) => admin.multi().rpush(key, 'x').pexpire(key, 9_000).exec() }, // prettier-ignore
    { name: 'a value that stays', put: (admin: Redis, key: string) => admin.set(key, randomUUID()) },
    { name: 'a value that stays for an hour', put: (admin: Redis, key: string) => admin.set(key, 'x', 'EX', 3600) },
  ]) {
    it(`are not what somebody else has put there: ${name}`, async (t) => {
      const { admin, one } = await setUp(t)
      await put(admin, 'ocr-gateway:page:a:claim')
      assert.equal(await one.claims.take('a', owner), null)
      assert.equal(await one.isOver('a'), 'ignored')
    })
  }

  it('are waited for no longer than was said', async (t) => {
    const { one, other } = await setUp(t)
    await one.claims.take('a', owner)
    const until = performance.now() + 300
    const waiting = other.claims.waitForEnd('a', owner, until, live)
    assert.equal(await within(waiting, PATIENCE_MS, 'the time'), 'ignored')
    assert.ok(performance.now() >= until)
    assert.equal(other.claims.longestMs, 70_000)
  })

  it('of a batch are waited for by a batch, until it is joined by interactive work', async (t) => {
    const { one, other } = await setUp(t)
    const batch = { lane: 'batch' } as const
    const claim = await one.claims.take('a', batch)
    assert.equal(await other.isOver('a'), 'ignored')
    let lane: 'batch' | 'interactive' = 'batch'
    const turn = {
      get lane() {
        return lane
      },
    }
    const joined = other.claims.waitForEnd('a', turn, Infinity, live)
    const waiting = other.claims.waitForEnd('a', batch, Infinity, live)
    await setTimeout(400)
    lane = 'interactive'
    assert.equal(await within(joined, PATIENCE_MS, 'the work that became interactive'), 'ignored')
    claim?.release()
    assert.equal(await within(waiting, PATIENCE_MS, 'the batch'), 'ended')
  })

  for (const stop of ['pause', 'kill'] as const) {
    it(`hold nobody up when Redis ${stop === 'kill' ? 'is gone' : 'hangs'}`, async (t) => {
      const { redis, one, other } = await setUp(t)
      await one.claims.take('a', owner)
      const over = other.isOver('a')
      await redis[stop]()
      await over
      const claim = await within(other.claims.take('a', owner), PATIENCE_MS, 'leave')
      assert.notEqual(claim, null)
      claim?.release()
    })
  }
})
