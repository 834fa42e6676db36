import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import OpenAI, { APIError } from 'openai'
import { createRedisPlaces } from '../../gateway/access/redis-places.ts'
import { createRedisWindows } from '../../gateway/access/redis-windows.ts'
import { createSharedRedis } from '../../gateway/store/redis.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { readMetrics, valueOf } from '../support/read-metrics.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { startRedis, type RedisServer } from '../support/start-redis.ts'
import { eventually } from '../support/within.ts'
import { useFolder } from '../support/use-folder.ts'

const TIMEOUT = 90_000
const WINDOWS = 20
const LIMIT = 7
const ASKED = 24
const folder = useFolder()
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

describe('limits that two gateways share', { timeout: TIMEOUT }, () => {
  let redis: RedisServer
  let fake: FakeVllm
  let gateways: readonly TestGateway[]

  before(async () => {
    const keys = range(WINDOWS).map((index) => ({ name: `k${index}`, key: `key ${index}`, requests_per_minute: LIMIT }))
    const readers = [
      { name: 'reader', key: 'key of reader', pages_per_minute: LIMIT },
      { name: 'slow', key: 'key of slow', pages_in_flight: 3 },
    ]
    const file = join(folder.path, 'keys.json')
    await writeFile(file, JSON.stringify([...keys, ...readers]))
    redis = await startRedis()
    fake = await startFakeVllm()
    const settings = { GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_KEYS_FILE: file, GATEWAY_REDIS_URL: redis.url }
    gateways = await Promise.all([startTestGateway(settings), startTestGateway(settings)])
  })
  after(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await fake.kill()
    await redis.stop()
  })

  const post = async (key: string, index: number): Promise<number> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const url = `${gateways[index % 2]?.url}/v1/chat/completions`
    const answer = await fetch(url, { method: 'POST', headers, body: '{}' })
    await answer.text()
    return answer.status
  }

  it(`let pass exactly as many requests as the limit says, in each of ${WINDOWS} windows`, async () => {
    for (const window of range(WINDOWS)) {
      const statuses = await Promise.all(range(ASKED).map((index) => post(`key ${window}`, index)))
      assert.equal(statuses.filter((status) => status !== 429).length, LIMIT, `window ${window}`)
      assert.equal(statuses.filter((status) => status === 429).length, ASKED - LIMIT)
    }
  })

  it('let pass exactly as many pages as the limit says', async () => {
    const outcomes = await Promise.all(
      range(6).map(async (index) => {
        const client = new OpenAI({ baseURL: `${gateways[index % 2]?.url}/v1`, apiKey: 'key of reader', maxRetries: 0 })
        const parts = [filePart(makePdf([{ number: index * 2 + 1 }, { number: index * 2 + 2 }]))]
        return askWhole(client, { parts }).catch((error: unknown) => error)
      }),
    )
    const refused = outcomes.filter((outcome) => outcome instanceof APIError)
    assert.ok(refused.every(({ code }) => code === 'rate_limit_exceeded'))
    assert.equal(outcomes.length - refused.length, Math.floor(LIMIT / 2))
    assert.equal(fake.requests.length, LIMIT - (LIMIT % 2))
  })

  it('keep as many pages in flight as the limit says, in both together', async () => {
    let running = 0
    let most = 0
    fake.setAnswer(async () => {
      running += 1
      most = Math.max(most, running)
      await delay(40)
      running -= 1
      return undefined
    })
    const documents = gateways.map(({ url }, index) => {
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'key of slow', maxRetries: 0 })
      return askWhole(client, {
        parts: [filePart(makePdf(range(8).map((page) => ({ number: 100 + index * 8 + page }))))],
      })
    })
    for (const { ocr } of await Promise.all(documents)) assert.ok(ocr.pages.every(({ status }) => status === 'ok'))
    fake.setAnswer(() => undefined)
    // One of the three may just be drawn. On a machine that stands still, Redis may seem to be away.
    const samples = await Promise.all(gateways.map(({ url }) => readMetrics(url)))
    const isAlone = samples.some((each) => valueOf(each, 'ocr_gateway_limits_unshared_total') > 0)
    assert.ok(most === 3 || most === 2 || isAlone, `${most}`)
    const places = new Redis(redis.url)
    using stack = new DisposableStack()
    stack.defer(() => places.disconnect())
    // They are given back behind the answer.
    await eventually(
      async () => (await places.zcard('ocr-gateway:in-flight:slow')) === 0,
      5000,
      'all places are given back',
    )
  })

  it('are the same places for pages that ask again, as the reply was lost', async () => {
    const shared = createSharedRedis({ url: redis.url })
    const places = createRedisPlaces(shared, (error) => assert.fail(String(error)))
    assert.equal(await places.take('asks', 3, ['a', 'b']), 2)
    assert.equal(await places.take('asks', 3, ['a', 'b']), 2)
    assert.equal(await places.take('asks', 3, ['a', 'b', 'c', 'd']), 3)
    assert.equal(await places.take('asks', 3, ['d']), 0)
    places.giveBack('asks', 'a')
    assert.equal(await places.take('asks', 3, ['d', 'e']), 1)
    await shared.close()
  })

  it('begin anew by the clock of Redis, and are never more than full', async () => {
    const shared = createSharedRedis({ url: redis.url })
    const lengthMs = 60
    const windows = [createRedisWindows(shared, lengthMs), createRedisWindows(shared, lengthMs)]
    const take = async () => {
      const wish = { name: 'renewed', limit: LIMIT, wanted: 1, takesLess: false }
      const taken = await Promise.all(range(40).map(async (index) => windows[index % 2]?.take(wish)))
      return taken.flatMap((each) => each ?? [])
    }
    let granted = 0
    const startedAt = performance.now()
    for (let round = 0; round < WINDOWS; round += 1) {
      const taken = await take()
      granted += taken.reduce((sum, each) => sum + each.granted, 0)
      const last = taken.at(-1)
      assert.ok(last !== undefined && last.resetMs <= lengthMs && last.remaining >= 0)
      await delay(last.resetMs + 2)
    }
    const most = Math.ceil((performance.now() - startedAt) / lengthMs) + 1
    assert.ok(granted >= WINDOWS * LIMIT && granted <= most * LIMIT, `${granted} in at most ${most} windows`)
    await shared.close()
  })

  it('are counted by each gateway for itself while Redis is away, and that is seen', async () => {
    await redis.kill()
    const statuses = await Promise.all(range(ASKED).map((index) => post('key 0', index)))
    assert.equal(statuses.filter((status) => status !== 429).length, 2 * LIMIT)
    const [one] = gateways
    assert.ok(one !== undefined)
    assert.ok(valueOf(await readMetrics(one.url), 'ocr_gateway_limits_unshared_total') > 0)
    await redis.restart()
  })
})
