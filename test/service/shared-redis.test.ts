import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Redis } from 'ioredis'
import { GatewayError } from '../../gateway/errors.ts'
import { findUnfitness } from '../../gateway/store/redis-fitness.ts'
import { createScript } from '../../gateway/store/redis-script.ts'
import { createSharedRedis, type SharedRedisOptions } from '../../gateway/store/redis.ts'
import { startRedis, type RedisServer, type RedisServerOptions } from '../support/start-redis.ts'
import { eventually, within } from '../support/within.ts'

const DURABLE = { args: ['--appendonly', 'yes', '--appendfsync', 'always'] }
/** Between a Redis that is back and the connection that notices it. */
const RECOVERY_MS = 10_000

async function start(t: TestContext, options?: RedisServerOptions): Promise<RedisServer> {
  const redis = await startRedis(options)
  t.after(() => redis.stop())
  return redis
}

function open(t: TestContext, url: string, options: Partial<SharedRedisOptions> = {}) {
  const errors: string[] = []
  const shared = createSharedRedis({ url, onError: ({ message }) => errors.push(message), ...options })
  t.after(() => shared.close())
  const set = (value: string) => shared.run((redis) => redis.set('key', value))
  const get = () => shared.run((redis) => redis.get('key'))
  const isBack = () => eventually(async () => (await set('back').catch(() => null)) === 'OK', RECOVERY_MS, 'it is back')
  return { shared, errors, set, get, isBack }
}

/** Somebody with a connection of their own. */
function operator(t: TestContext, { url }: RedisServer): Redis {
  const redis = new Redis(url)
  redis.on('error', () => {})
  t.after(() => redis.disconnect())
  return redis
}

const unavailable = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof GatewayError)
  assert.equal(error.code, 'storage_unavailable')
  assert.match(error.message, pattern)
  return true
}

describe('shared Redis', () => {
  it('waits for a Redis that is away for a moment, and loses nothing that it had said it kept', async (t) => {
    const redis = await start(t, DURABLE)
    const { set, get } = open(t, redis.url)
    await set('before')
    await redis.kill()
    const waiting = get()
    await redis.restart()
    assert.equal(await within(waiting, RECOVERY_MS, 'the value'), 'before')
  })

  it('gives up a Redis that stays away, and finds it again', async (t) => {
    const redis = await start(t, DURABLE)
    const { set, errors, isBack } = open(t, redis.url, { patience: 500 })
    await set('before')
    await redis.kill()
    await assert.rejects(within(set('lost'), RECOVERY_MS, 'the refusal'), unavailable(/does not answer/))
    assert.equal(errors.length, 1, errors.join('\n'))
    await redis.restart()
    await isBack()
  })

  it('opens no connection before the first command, and waits for a Redis that is started later', async (t) => {
    const redis = await start(t)
    await redis.kill()
    const { get, errors } = open(t, redis.url)
    await new Promise(setImmediate)
    assert.deepEqual(errors, [])
    const waiting = get()
    await redis.restart()
    assert.equal(await within(waiting, RECOVERY_MS, 'the value'), null)
  })

  it('gives up a Redis that hangs, and finds it again', async (t) => {
    const redis = await start(t)
    const { set, isBack } = open(t, redis.url, { patience: 800, silence: 400 })
    await set('before')
    redis.pause()
    await assert.rejects(within(set('lost'), RECOVERY_MS, 'the refusal'), unavailable(/does not answer/))
    redis.resume()
    await isBack()
  })

  it('says that Redis is read-only, and goes on when it is not any more', async (t) => {
    const redis = await start(t)
    const { set, isBack } = open(t, redis.url, { patience: 500 })
    await set('before')
    await operator(t, redis).call('replicaof', '127.0.0.1', '1')
    await assert.rejects(within(set('lost'), RECOVERY_MS, 'the refusal'), unavailable(/is read-only/))
    await operator(t, redis).call('replicaof', 'no', 'one')
    await isBack()
  })

  it('says that Redis is full, to scripts too, and at once', async (t) => {
    const redis = await start(t)
    const { shared, set, isBack } = open(t, redis.url, { patience: 60_000 })
    await set('before')
    const script = createScript<string>(`return redis.call('SET', ARGV[1], 'x')`)
    await operator(t, redis).config('SET', 'maxmemory', '1')
    await assert.rejects(within(set('lost'), RECOVERY_MS, 'the refusal'), unavailable(/is full/))
    await assert.rejects(
      shared.run((client) => script(client, ['other'])),
      unavailable(/is full/),
    )
    await operator(t, redis).config('SET', 'maxmemory', '0')
    await isBack()
    assert.equal(await shared.run((client) => client.exists('other')), 0)
  })

  it('says so when a password is refused, and never says the password', async (t) => {
    const redis = await start(t, { password: 'right' })
    const { get, errors } = open(t, redis.url.replace('right', 's3cr%2Ft'), { patience: 300 })
    await assert.rejects(within(get(), RECOVERY_MS, 'the refusal'), unavailable(/does not answer/))
    assert.ok(errors.length > 0)
    for (const error of errors) assert.doesNotMatch(error, /s3cr/)
    assert.throws(
      () => createSharedRedis({ url: 'redis://:s3cr/t@host' }),
      (error: Error) => !error.message.includes('s3cr'),
    )
  })

  it('sends a script again that Redis has forgotten, and passes on what a script throws', async (t) => {
    const redis = await start(t)
    const { shared } = open(t, redis.url)
    const script = createScript<string[]>(`return { ARGV[1], ARGV[2] }`)
    const run = () => shared.run((client) => script(client, ['a', 2]))
    assert.deepEqual(await run(), ['a', '2'])
    await operator(t, redis).script('FLUSH')
    assert.deepEqual(await run(), ['a', '2'])
    const broken = createScript(`return redis.error_reply('ERR of its own')`)
    await assert.rejects(
      shared.run((client) => broken(client, [])),
      /ERR of its own/,
    )
  })

  it('says what is wrong with how Redis is set up, as far as it says', async (t) => {
    const wrong = await start(t, { args: ['--maxmemory-policy', 'allkeys-lru'] })
    const problems = await findUnfitness(open(t, wrong.url).shared)
    assert.match(problems.join('\n'), /allkeys-lru[^]*volatile-lru[^]*appendonly/)
    const right = await start(t, { args: ['--maxmemory-policy', 'volatile-lru', ...DURABLE.args] })
    assert.deepEqual(await findUnfitness(open(t, right.url).shared), [])
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() - 700_000 })
    assert.match(
      (await findUnfitness(open(t, right.url).shared)).join('\n'),
      /clock is (69|70)\d seconds behind .* NTP/,
    )
    t.mock.timers.reset()
    const away = open(t, right.url, { patience: 100 })
    await right.kill()
    assert.deepEqual(await findUnfitness(away.shared), [])
  })

  it('fails at once when it is closed, and so does what waits', async (t) => {
    const redis = await start(t)
    const { shared, set, get } = open(t, redis.url, { patience: 60_000 })
    await set('before')
    await redis.kill()
    const waiting = assert.rejects(get(), unavailable(/./))
    await shared.close()
    await within(waiting, 2_000, 'what waits')
    await assert.rejects(get(), unavailable(/./))
  })
})
