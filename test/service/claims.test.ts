import { Redis } from 'ioredis'
import OpenAI from 'openai'
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Answer, FakeRequest } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { closingOf } from '../support/closing.ts'
import { filePart } from '../support/documents.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { startRedis } from '../support/start-redis.ts'
import { eventually, within } from '../support/within.ts'

const TIMEOUT = 60_000
const question = (count: number, ocr: object = {}) => ({
  parts: [filePart(makePdf(Array.from({ length: count }, (_, index) => ({ number: index + 1 }))))],
  ocr: { page_separator: '|', ...ocr },
})
const textOf = ({ image }: FakeRequest) => `page ${image?.pageNumber}`
const pages = (count: number) => Array.from({ length: count }, (_, index) => `page ${index + 1}`).join('|')
const counts = (fake: FakeVllm) =>
  Object.groupBy(fake.requests, ({ image }) => `${image?.pageNumber}`) as Record<string, FakeRequest[]>

/** Two replicas that share a Redis and a fake vLLM, which answers when the gate is opened. */
async function setUp(t: TestContext, answer: (request: FakeRequest) => Answer = textOf) {
  const closing = closingOf(t)
  const redis = closing.use(await startRedis())
  const gate = Promise.withResolvers<void>()
  const fake = await startFakeVllm({ answer: (request) => gate.promise.then(() => answer(request)) })
  closing.defer(() => fake.kill())
  // As many as are asked for at once: while none is answered, the limit does not grow.
  const settings = {
    GATEWAY_UPSTREAM_URLS: fake.url,
    GATEWAY_REDIS_URL: redis.url,
    GATEWAY_UPSTREAM_CONCURRENCY: '64',
  }
  const start = async () => {
    const gateway = closing.use(await startTestGateway(settings))
    return gateway.client
  }
  const admin = new Redis(redis.url)
  admin.on('error', () => {})
  closing.defer(() => admin.disconnect())
  const isWaiting = async () => /cmdstat_pttl/.test(await admin.info('commandstats'))
  const waits = () => eventually(isWaiting, 10_000, 'a replica waits for the other')
  return { redis, admin, fake, waits, open: gate.resolve, settings, one: await start(), other: await start() }
}

const arrived = (fake: FakeVllm, count: number) =>
  eventually(() => fake.requests.filter(({ image }) => image !== null).length >= count, 10_000, `${count} requests`)

describe('replicas that share a Redis', { timeout: TIMEOUT }, () => {
  it('compute equal pages once, when they are asked for at once', async (t) => {
    const { fake, open, one, other } = await setUp(t)
    const answers = [one, other, one].map((client) => askWhole(client, question(12)))
    await arrived(fake, 12)
    open()
    for (const { content, ocr } of await within(Promise.all(answers), 20_000, 'the answers')) {
      assert.equal(content, pages(12))
      assert.ok(ocr.pages.every(({ status }) => status === 'ok'))
    }
    assert.equal(fake.requests.length, 12)
    const caches = (await Promise.all(answers)).flatMap(({ ocr }) => ocr.pages.map(({ cache }) => cache))
    assert.equal(caches.filter((cache) => cache === 'miss').length, 12)
    assert.deepEqual([...new Set(caches)].toSorted(), ['joined', 'miss'])
  })

  it('lose with a replica only what it had in flight', async (t) => {
    const { fake, waits, settings, other } = await setUp(t)
    const never = Promise.withResolvers<never>()
    fake.setAnswer((request) => ((request.image?.pageNumber ?? 0) <= 4 ? textOf(request) : never.promise))
    const doomed = await startGatewayProcess({ ...settings, GATEWAY_LOG_LEVEL: 'silent' })
    closingOf(t).use(doomed)
    const client = new OpenAI({ baseURL: `${doomed.url}/v1`, apiKey: 'unused', maxRetries: 0 })
    const lost = assert.rejects(askWhole(client, question(12)))
    await eventually(() => fake.requests.filter(({ finished }) => finished).length === 4, 10_000, 'four pages')
    await arrived(fake, 12)

    const kept: number[] = []
    const { parts, ocr } = question(12)
    const body = { model: 'default', messages: [{ role: 'user' as const, content: parts }], stream: true as const, ocr }
    let content = ''
    for await (const chunk of await other.chat.completions.create(body)) {
      content += chunk.choices[0]?.delta.content ?? ''
      const page = (chunk as { ocr?: { page?: number } }).ocr?.page
      if (page !== undefined) kept.push(page)
      if (page !== 4) continue
      // It has what was done, and waits for the rest, which is being computed.
      await waits()
      assert.equal(fake.requests.length, 12)
      fake.setAnswer(textOf)
      doomed.child.kill('SIGKILL')
    }
    assert.equal(content, pages(12))
    assert.deepEqual(kept, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    for (const [page, requests] of Object.entries(counts(fake)))
      assert.equal(requests.length, Number(page) <= 4 ? 1 : 2, `page ${page}`)
    await lost
  })

  it('compute for themselves what another one failed to read', async (t) => {
    const failure = { status: 400, body: { error: { message: 'no', type: 'BadRequestError', param: null, code: 400 } } }
    const { fake, waits, open, one, other } = await setUp(t, (request) =>
      request === fake.requests[0] ? { failure } : textOf(request),
    )
    const failed = assert.rejects(askWhole(one, question(1)))
    await arrived(fake, 1)
    const waiting = askWhole(other, question(1))
    await waits()
    open()
    await failed
    const { content, ocr } = await within(waiting, 10_000, 'the other replica')
    assert.deepEqual([content, ocr.pages[0]?.cache], ['page 1', 'miss'])
    assert.equal(fake.requests.length, 2)
  })

  it('go on with a page whose client has left the other one', async (t) => {
    const { fake, waits, open, one, other } = await setUp(t)
    const client = new AbortController()
    const left = assert.rejects(askWhole(one, { ...question(1), signal: client.signal }))
    await arrived(fake, 1)
    const waiting = askWhole(other, question(1))
    await waits()
    client.abort()
    await left
    await arrived(fake, 2)
    open()
    assert.equal((await within(waiting, 10_000, 'the other replica')).content, 'page 1')
  })

  it('compute for themselves when Redis is killed while they wait', async (t) => {
    const { redis, fake, waits, open, one, other } = await setUp(t)
    const first = askWhole(one, question(3))
    await arrived(fake, 3)
    const second = askWhole(other, question(3))
    await waits()
    await redis.kill()
    await arrived(fake, 6)
    open()
    for (const answer of [first, second]) assert.equal((await within(answer, 10_000, 'the answer')).content, pages(3))
  })

  it('do not wait for each other when a page is to be read anew, and keep the new answer', async (t) => {
    const { fake, open, one, other } = await setUp(t)
    const use = askWhole(one, question(1))
    await arrived(fake, 1)
    const refresh = askStream(other, question(1, { cache: 'refresh' }))
    await arrived(fake, 2)
    open()
    assert.equal((await use).ocr.pages[0]?.cache, 'miss')
    assert.equal((await refresh).ocr.pages[0]?.cache, 'miss')
  })

  it('wait for one that is reading a page anew', async (t) => {
    const { fake, waits, open, one, other } = await setUp(t)
    const refresh = askWhole(one, question(1, { cache: 'refresh' }))
    await arrived(fake, 1)
    const use = askWhole(other, question(1))
    const off = askWhole(other, question(1, { cache: 'off' }))
    await arrived(fake, 2)
    await waits()
    open()
    assert.equal((await refresh).ocr.pages[0]?.cache, 'miss')
    assert.equal((await off).ocr.pages[0]?.cache, 'off')
    assert.equal((await use).ocr.pages[0]?.cache, 'joined')
    assert.equal(fake.requests.length, 2)
  })
})

describe('replicas that share a Redis, and claims that hold nobody up', { timeout: TIMEOUT }, () => {
  for (const { name, put } of [
    { name: 'that is somebody else’s list', put: (admin: Redis, key: string) => admin.rpush(key, 'x') },
    { name: 'that never expires', put: (admin: Redis, key: string) => admin.set(key, 'x') },
  ]) {
    it(`are not held up by a claim ${name}`, async (t) => {
      const { admin, fake, open, one, other } = await setUp(t)
      open()
      // Every key that a claim of these pages could have: the first reading says which.
      await askWhole(one, question(2))
      const keys = await admin.keys('ocr-gateway:page:*')
      await admin.flushall()
      for (const key of keys) await put(admin, `${key}:claim`)
      const { content, ocr } = await within(askWhole(other, question(2)), 5_000, 'the answer')
      assert.equal(content, pages(2))
      assert.ok(ocr.pages.every(({ cache }) => cache === 'miss'))
      assert.equal((await askWhole(one, question(2))).cacheHeader, 'HIT')
      assert.equal(fake.requests.length, 4)
    })
  }

  it('read a page that a flex request has claimed for themselves, when somebody waits for it', async (t) => {
    const { fake, open, one, other } = await setUp(t)
    const { parts, ocr } = question(1)
    const messages = [{ role: 'user' as const, content: parts }]
    const body = { model: 'default', messages, service_tier: 'flex' as const, ocr }
    const flex = one.chat.completions.create(body)
    await arrived(fake, 1)
    const late = askWhole(other, question(1))
    await arrived(fake, 2)
    open()
    assert.equal((await within(late, 10_000, 'the answer')).ocr.pages[0]?.cache, 'miss')
    assert.equal((await flex).choices[0]?.message.content, 'page 1')
  })
})
