import { Redis } from 'ioredis'
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { createRedisStore, type RedisStoreOptions } from '../../gateway/cache/redis-store.ts'
import { startRedis } from '../support/start-redis.ts'
import { eventually, within } from '../support/within.ts'

const live = new AbortController().signal
const PATIENCE_MS = 5_000
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
    const isOver = (pageKey: string) => within(claims.waitForEnd(pageKey, live), PATIENCE_MS, `the end of ${pageKey}`)
    return { store, claims, isOver }
  }
  return { redis, admin, open, one: open(), other: open() }
}

describe('claims in Redis', () => {
  it('are one replica’s at a time, and the next one’s when they are given back', async (t) => {
    const { one, other } = await setUp(t)
    const claim = await one.claims.take('a')
    assert.ok(claim !== null)
    assert.equal(await other.claims.take('a'), null)
    assert.equal(await one.claims.take('a'), null)
    assert.notEqual(await other.claims.take('b'), null)
    const over = other.isOver('a')
    claim.release()
    claim.release()
    await over
    assert.notEqual(await other.claims.take('a'), null)
  })

  it('let the next one find what was stored just before', async (t) => {
    const { one, other } = await setUp(t)
    for (let round = 0; round < 50; round += 1) {
      const claim = await one.claims.take(`${round}`)
      void one.store.set(`${round}`, 'answer')
      claim?.release()
      let taken = null
      while (taken === null) taken = await other.claims.take(`${round}`)
      assert.equal(await other.store.get(`${round}`, live), 'answer')
    }
  })

  it('last while their replica lives, however long that is', async (t) => {
    const { open, other, admin } = await setUp(t)
    const { claims } = open({ claimExpiryMs: 300 })
    const claim = await claims.take('a')
    const renewals = async () => Number(/cmdstat_pexpire:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0)
    await eventually(async () => (await renewals()) >= 6, PATIENCE_MS, 'six renewals, which are two expiries')
    assert.equal(await other.claims.take('a'), null)
    claim?.release()
    await other.isOver('a')
  })

  it('end by themselves when their replica is gone', async (t) => {
    const { open, other } = await setUp(t)
    const gone = open({ claimExpiryMs: 300 })
    await gone.claims.take('a')
    await gone.store.close()
    assert.equal(await other.claims.take('a'), null)
    await other.isOver('a')
    assert.notEqual(await other.claims.take('a'), null)
  })

  it('end by themselves when a page takes longer than any page may', async (t) => {
    const { open, other } = await setUp(t)
    const { claims } = open({ claimExpiryMs: 300, claimLimitMs: 200 })
    await claims.take('a')
    await other.isOver('a')
  })

  it('are not released by one who has lost them', async (t) => {
    const { admin, one, other } = await setUp(t)
    const lost = await one.claims.take('a')
    await admin.del('ocr-gateway:page:a:claim')
    const claim = await other.claims.take('a')
    lost?.release()
    assert.equal(await one.claims.take('a'), null)
    claim?.release()
    await one.isOver('a')
  })

  it('are waited for together: 64 pages are one command at a time', async (t) => {
    const { admin, one, other } = await setUp(t)
    const pages = Array.from({ length: 64 }, (_, page) => `${page}`)
    const claims = await Promise.all(pages.map((page) => one.claims.take(page)))
    const waiting = Promise.all(pages.map((page) => other.isOver(page)))
    const looks = async () => Number(/cmdstat_mget:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0)
    await eventually(async () => (await looks()) >= 3, PATIENCE_MS, 'three looks')
    for (const claim of claims) claim?.release()
    await waiting
    assert.ok((await looks()) < 10, `${await looks()} looks`)
  })

  it('are not waited for by one who has left', async (t) => {
    const { one, other } = await setUp(t)
    await one.claims.take('a')
    const client = new AbortController()
    const waiting = other.claims.waitForEnd('a', client.signal)
    client.abort(new Error('gone'))
    await assert.rejects(within(waiting, PATIENCE_MS, 'the leaving'), /gone/)
    await assert.rejects(other.claims.waitForEnd('a', client.signal), /gone/)
  })

  for (const stop of ['pause', 'kill'] as const) {
    it(`hold nobody up when Redis ${stop === 'kill' ? 'is gone' : 'hangs'}`, async (t) => {
      const { redis, one, other } = await setUp(t)
      await one.claims.take('a')
      const over = other.isOver('a')
      await redis[stop]()
      await over
      const claim = await within(other.claims.take('a'), PATIENCE_MS, 'leave')
      assert.notEqual(claim, null)
      claim?.release()
    })
  }
})
