import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { createRedisStore, type RedisStoreOptions } from '../../gateway/cache/redis-store.ts'
import { startRedis, type RedisServer } from '../support/start-redis.ts'
import { eventually, within } from '../support/within.ts'

const live = new AbortController().signal
const TIMEOUT_MS = 300
/** Far more than the time-out, far less than 2,000 of them. */
const PATIENCE_MS = 5_000
/** Reconnecting waits 2 s at most between two tries; a dead socket is given up after 5 s. */
const RECOVERY_MS = 15_000

function createLog() {
  const lines: string[] = []
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push(`${level} ${message} ${JSON.stringify(fields)}`)
  return { lines, log: { info: write('info'), warn: write('warn') } }
}

function createStore(t: TestContext, url: string, options: Partial<RedisStoreOptions> = {}) {
  const { lines, log } = createLog()
  const store = createRedisStore({
    url,
    maxValueBytes: 100_000,
    ttlSeconds: 60,
    commandTimeoutMs: TIMEOUT_MS,
    claimLimitMs: 60_000,
    log,
    ...options,
  })
  t.after(() => store.close())
  const get = async (pageKey: string) => {
    const [value] = await within(store.get([pageKey], live), PATIENCE_MS, `get ${pageKey}`)
    return value
  }
  const isBack = () =>
    eventually(
      async () => {
        await store.set('probe', 'x')
        return (await store.get(['probe'], live))[0] === 'x'
      },
      RECOVERY_MS,
      'redis is back',
    )
  return { store, lines, get, isBack }
}

async function start(t: TestContext, options = {}): Promise<RedisServer> {
  const redis = await startRedis(options)
  t.after(() => redis.stop())
  return redis
}

describe('redis store', () => {
  it('gives back what was stored, right after it was opened, to every replica', async (t) => {
    const redis = await start(t)
    const one = createStore(t, redis.url)
    const text = 'Größe ≤ 5 µm — 測試 😀\r\n\u0000end'
    await one.store.set('a', text)
    assert.equal(await one.get('a'), text)
    const other = createStore(t, redis.url)
    assert.equal(await other.get('a'), text)
    assert.equal(await other.get('b'), null)
    assert.deepEqual([...one.lines, ...other.lines], [])
  })

  it('tells key by key, in order, which of 2,000 pages it has', async (t) => {
    const redis = await start(t)
    const { store } = createStore(t, redis.url, { commandTimeoutMs: 5_000 })
    const pageKeys = Array.from({ length: 2_000 }, (_, page) => `page-${page}`)
    await Promise.all(pageKeys.filter((_, page) => page % 3 === 0).map((pageKey) => store.set(pageKey, 'x')))
    assert.deepEqual(
      await store.has(pageKeys, live),
      pageKeys.map((_, page) => page % 3 === 0),
    )
    assert.deepEqual(await store.has([], live), [])
  })

  it('asks for what is wanted at once in one command, beside what has left, is missing or is no string', async (t) => {
    const redis = await start(t)
    const { store } = createStore(t, redis.url)
    const pageKeys = Array.from({ length: 100 }, (_, page) => `page-${page}`)
    await Promise.all(pageKeys.map((pageKey) => store.set(pageKey, `text of ${pageKey}`)))
    const { Redis } = await import('ioredis')
    const other = new Redis(redis.url)
    t.after(() => other.disconnect())
    await other.del('ocr-gateway:page:page-7')
    await other.rpush('ocr-gateway:page:page-7', '1')
    await other.del('ocr-gateway:page:page-8')
    await other.config('RESETSTAT')
    const client = new AbortController()
    const found = pageKeys.map((pageKey, page) => store.get([pageKey], page === 9 ? client.signal : live))
    client.abort()
    const expected = pageKeys.map((pageKey, page) => (page >= 7 && page <= 9 ? null : `text of ${pageKey}`))
    assert.deepEqual((await within(Promise.all(found), PATIENCE_MS, 'the values')).flat(), expected)
    assert.deepEqual(
      await store.has(pageKeys.slice(10), live),
      Array.from({ length: 90 }, () => true),
    )
    const stats = await other.info('commandstats')
    const calls = [...stats.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, count]) => `${name} ${count}`)
    assert.deepEqual(calls.filter((call) => /get|exists/.test(call)).toSorted(), ['exists 1', 'mget 1'])
  })

  it('gives back many values that are asked for at once, 128 in each command', async (t) => {
    const redis = await start(t)
    const { store } = createStore(t, redis.url)
    const pageKeys = Array.from({ length: 300 }, (_, page) => `page-${page}`)
    for (const pageKey of pageKeys) if (pageKey !== 'page-200') await store.set(pageKey, `text of ${pageKey}`)
    const { Redis } = await import('ioredis')
    const other = new Redis(redis.url)
    t.after(() => other.disconnect())
    await other.config('RESETSTAT')
    const found = await within(store.get(pageKeys, live), PATIENCE_MS, 'the values')
    assert.deepEqual(
      found,
      pageKeys.map((pageKey) => (pageKey === 'page-200' ? null : `text of ${pageKey}`)),
    )
    assert.match(await other.info('commandstats'), /cmdstat_mget:calls=3,/)
  })

  it('forgets a value when its time is over', async (t) => {
    const redis = await start(t)
    const { store, get } = createStore(t, redis.url, { ttlSeconds: 1 })
    await store.set('a', 'x')
    assert.equal(await get('a'), 'x')
    await eventually(async () => (await get('a')) === null, PATIENCE_MS, 'the value expires')
  })

  it('leaves a value that is too large out, measured in bytes', async (t) => {
    const redis = await start(t)
    const { store } = createStore(t, redis.url, { maxValueBytes: 6 })
    await store.set('fits', '測試')
    await store.set('large', '測試x')
    assert.deepEqual(await store.has(['fits', 'large'], live), [true, false])
  })

  it('keeps two prefixes apart', async (t) => {
    const redis = await start(t)
    const one = createStore(t, redis.url, { keyPrefix: 'one:' })
    const two = createStore(t, redis.url, { keyPrefix: 'two:' })
    await one.store.set('a', '1')
    assert.equal(await two.get('a'), null)
  })

  it('answers at once for a client that has gone, and does not call that an outage', async (t) => {
    const redis = await start(t)
    const { store, lines } = createStore(t, redis.url, { commandTimeoutMs: 60_000 })
    await store.set('a', 'x')
    redis.pause()
    const client = new AbortController()
    const answer = store.get(['a', 'b'], client.signal)
    client.abort()
    assert.deepEqual(await within(answer, PATIENCE_MS, 'the answer'), [null, null])
    redis.resume()
    assert.deepEqual(await within(store.get(['a', 'b'], live), PATIENCE_MS, 'the next answer'), ['x', null])
    assert.deepEqual(lines, [])
  })
})

describe('redis store: an outage', () => {
  it('misses while Redis is not there yet, says so once, and uses it once it is', async (t) => {
    const redis = await start(t)
    await redis.kill()
    const { store, lines, get, isBack } = createStore(t, redis.url)
    assert.equal(await get('a'), null)
    await store.set('a', 'x')
    assert.deepEqual(await store.has(['a', 'b'], live), [false, false])
    assert.equal(lines.length, 1)
    assert.match(lines[0]!, /^warn redis does not answer.*ECONNREFUSED/)
    await redis.restart()
    await isBack()
    assert.equal(lines.length, 2)
    assert.match(lines[1]!, /^info redis answers again/)
  })

  it('misses while Redis is gone, 2,000 pages at once included, and comes back without a restart', async (t) => {
    const redis = await start(t)
    const { store, lines, get, isBack } = createStore(t, redis.url)
    await store.set('a', 'x')
    assert.equal(await get('a'), 'x')
    for (const outage of [1, 2]) {
      await redis.kill()
      const pages = Array.from({ length: 2_000 }, (_, page) => store.get([`${page}`], live))
      const values = await within(Promise.all(pages), PATIENCE_MS, '2,000 pages')
      assert.ok(values.flat().every((value) => value === null))
      await redis.restart()
      await isBack()
      assert.equal(lines.length, 2 * outage, lines.join('\n'))
      assert.match(lines[2 * outage - 2]!, /^warn redis does not answer/)
    }
  })

  it('waits once for a Redis that hangs, then not at all, and notices when it goes on', async (t) => {
    const redis = await start(t)
    const { store, lines, get, isBack } = createStore(t, redis.url)
    await store.set('a', 'x')
    redis.pause()
    const before = performance.now()
    for (let page = 0; page < 2_000; page += 1) assert.equal(await get('a'), null)
    await store.set('b', 'y')
    assert.deepEqual(await store.has(['a'], live), [false])
    // 2,000 time-outs in a row would be ten minutes.
    assert.ok(performance.now() - before < PATIENCE_MS)
    assert.equal(lines.length, 1)
    assert.match(lines[0]!, /no answer within 300 ms/)
    redis.resume()
    await isBack()
    assert.equal(await get('a'), 'x')
    assert.match(lines.join('\n'), /info redis answers again/)
  })

  it('keeps answering pages when Redis refuses to store: out of memory', async (t) => {
    const redis = await start(t, { args: ['--maxmemory', '1', '--maxmemory-policy', 'noeviction'] })
    const { store, lines, get } = createStore(t, redis.url)
    for (const pageKey of ['a', 'b', 'c']) {
      await store.set(pageKey, 'x')
      assert.equal(await get(pageKey), null)
    }
    assert.equal(lines.length, 1)
    assert.match(lines[0]!, /^warn redis refuses a command.*OOM/)
  })

  it('misses where a stranger has put something else under its key, and stores its own', async (t) => {
    const redis = await start(t, { args: ['--maxmemory', '0'] })
    const { store, lines, get } = createStore(t, redis.url)
    const { Redis } = await import('ioredis')
    const stranger = new Redis(redis.url)
    t.after(() => stranger.disconnect())
    await stranger.rpush('ocr-gateway:page:a', '1')
    assert.equal(await get('a'), null)
    await store.set('a', 'x')
    assert.equal(await get('a'), 'x')
    assert.deepEqual(lines, [])
  })
})

describe('redis store: its address', () => {
  const password = 'p@ss/w:rd%25'

  it('takes the password from the URL', async (t) => {
    const redis = await start(t, { password })
    const { store, get } = createStore(t, redis.url)
    await store.set('a', 'x')
    assert.equal(await get('a'), 'x')
  })

  it('takes the database from the URL', async (t) => {
    const redis = await start(t)
    const one = createStore(t, `${redis.url}/1`)
    const two = createStore(t, `${redis.url}/2`)
    await one.store.set('a', 'x')
    assert.equal(await two.get('a'), null)
    assert.equal(await one.get('a'), 'x')
  })

  it('never logs the password, a wrong one included', async (t) => {
    const redis = await start(t, { password: 'another' })
    const url = new URL(redis.url)
    url.password = encodeURIComponent(password)
    const { lines, get } = createStore(t, url.href)
    assert.equal(await get('a'), null)
    await eventually(() => lines.length > 0, PATIENCE_MS, 'the outage is logged')
    assert.match(lines[0]!, /WRONGPASS/)
    for (const secret of [password, url.password, url.href]) assert.ok(!lines.join('\n').includes(secret))
  })

  it('says nothing of an address that it cannot read', () => {
    const { log } = createLog()
    const open = () =>
      createRedisStore({
        url: 'redis://:hunter2@',
        maxValueBytes: 1,
        ttlSeconds: 1,
        commandTimeoutMs: 1,
        claimLimitMs: 1,
        log,
      })
    assert.throws(open, (error) => error instanceof TypeError && !inspect(error).includes('hunter2'))
  })

  it('speaks TLS to a rediss:// address', async (t) => {
    const server = createServer().listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const greeted = once(server, 'connection').then(async ([socket]) => {
      const [bytes] = await once(socket, 'data')
      socket.destroy()
      return bytes
    })
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    createStore(t, `rediss://127.0.0.1:${address.port}`)
    // RFC 8446, 5.1: a record that begins with 22 is a handshake.
    assert.equal((await within(greeted, PATIENCE_MS, 'the client hello'))[0], 22)
  })
})

describe('redis store: closing', () => {
  it('keeps what was stored just before', async (t) => {
    const redis = await start(t)
    const { store } = createStore(t, redis.url)
    await store.get(['a'], live)
    const stored = store.set('a', 'x')
    await within(store.close(), 2_000, 'closing')
    await stored
    assert.equal(await createStore(t, redis.url).get('a'), 'x')
  })

  const states: { name: string; prepare: (redis: RedisServer) => Promise<void> | void }[] = [
    { name: 'gone', prepare: (redis) => redis.kill() },
    { name: 'hanging', prepare: (redis) => redis.pause() },
  ]
  for (const { name, prepare } of states) {
    it(`ends quickly when Redis is ${name}`, async (t) => {
      const redis = await start(t)
      const { store, get } = createStore(t, redis.url)
      await get('a')
      await prepare(redis)
      await within(store.close(), 2_000, 'closing')
      assert.equal(await get('a'), null)
      await store.set('a', 'x')
    })
  }

  it('ends quickly when Redis was never there, twice too', async (t) => {
    const redis = await start(t)
    await redis.kill()
    const { store } = createStore(t, redis.url)
    await within(store.close(), 2_000, 'closing')
    await within(store.close(), 2_000, 'closing again')
  })
})
