import OpenAI, { APIError } from 'openai'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FakeRequest } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart, readFixture } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { startRedis } from '../support/start-redis.ts'
import { eventually } from '../support/within.ts'

const TIMEOUT = 60_000
const keys = { GATEWAY_API_KEYS: 'ada:key-of-ada,bob:key-of-bob', GATEWAY_CACHE_SCOPE: 'key' }
const textOf = ({ image }: FakeRequest) => `page ${image?.pageNumber}`
const pages = (...numbers: number[]) => [filePart(makePdf(numbers.map((number) => ({ number }))))]
const clientOf = ({ url }: TestGateway, name: 'ada' | 'bob') =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: `key-of-${name}`, maxRetries: 0 })

async function dryRun(client: OpenAI, parts: ReturnType<typeof pages>) {
  const { ocr } = await askWhole(client, { parts, ocr: { dry_run: true } })
  return ocr.dry_run
}

describe('a cache whose answers belong to API keys', { timeout: TIMEOUT }, () => {
  for (const store of ['memory', 'redis'] as const) {
    it(`is a miss for another key, in ${store}, and a hit for the same one`, async () => {
      await using redis = store === 'redis' ? await startRedis() : null
      await using fake = await startFakeVllm({ answer: textOf })
      await using gateway = await startTestGateway({
        ...keys,
        GATEWAY_UPSTREAM_URLS: fake.url,
        ...(redis === null ? {} : { GATEWAY_REDIS_URL: redis.url }),
      })
      const [ada, bob] = [clientOf(gateway, 'ada'), clientOf(gateway, 'bob')]
      const parts = pages(1, 2)
      assert.equal((await askWhole(ada, { parts })).cacheHeader, 'MISS')
      assert.equal((await dryRun(bob, parts))?.cached_pages, 0)
      // The same page image in another document: known by its image key alone.
      assert.equal((await dryRun(bob, pages(3, 2)))?.cached_pages, 0)
      assert.equal((await dryRun(ada, pages(3, 2)))?.cached_pages, 1)
      const asked = await askStream(bob, { parts })
      assert.deepEqual([asked.cacheHeader, asked.usage.prompt_tokens_details?.cached_tokens ?? 0], ['MISS', 0])
      assert.ok(asked.ocr.pages.every(({ cache }) => cache === 'miss'))
      assert.equal(fake.requests.length, 4)
      for (const client of [ada, bob]) assert.equal((await askWhole(client, { parts })).cacheHeader, 'HIT')
      assert.equal(fake.requests.length, 4)
    })
  }

  it('lets no key join the reading of another, in this process or in another one', async () => {
    const gate = Promise.withResolvers<void>()
    await using redis = await startRedis()
    await using fake = await startFakeVllm({ answer: (request) => gate.promise.then(() => textOf(request)) })
    const settings = { ...keys, GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_REDIS_URL: redis.url }
    await using one = await startTestGateway(settings)
    await using other = await startTestGateway(settings)
    const parts = pages(1)
    const asked = [clientOf(one, 'ada'), clientOf(one, 'bob'), clientOf(other, 'ada')].map((client) =>
      askWhole(client, { parts }),
    )
    await eventually(() => fake.requests.length >= 2, 10_000, 'two readings')
    gate.resolve()
    const caches = (await Promise.all(asked)).map(({ ocr }) => ocr.pages[0]?.cache)
    assert.equal(caches[1], 'miss')
    assert.deepEqual(new Set([caches[0], caches[2]]), new Set(['joined', 'miss']))
    assert.equal(fake.requests.length, 2)
  })

  it('gives no key what another had read anew', async () => {
    const texts = ['first', 'second', 'third']
    await using fake = await startFakeVllm({ answer: () => texts[fake.requests.length - 1] ?? '' })
    await using gateway = await startTestGateway({ ...keys, GATEWAY_UPSTREAM_URLS: fake.url })
    const [ada, bob] = [clientOf(gateway, 'ada'), clientOf(gateway, 'bob')]
    const parts = pages(1)
    const ask = async (client: OpenAI, cache: string) => (await askWhole(client, { parts, ocr: { cache } })).content
    assert.deepEqual([await ask(ada, 'use'), await ask(bob, 'refresh')], ['first', 'second'])
    assert.deepEqual([await ask(ada, 'use'), await ask(bob, 'use')], ['first', 'second'])
  })
})

describe('a salted cache', { timeout: TIMEOUT }, () => {
  it('is found by gateways with the same salt alone', async () => {
    await using redis = await startRedis()
    await using fake = await startFakeVllm({ answer: textOf })
    const settings = { GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_REDIS_URL: redis.url }
    const headers: (string | null)[] = []
    for (const salt of ['', 'one', 'two', 'one', '']) {
      await using gateway = await startTestGateway({ ...settings, GATEWAY_CACHE_SALT: salt })
      headers.push((await askWhole(gateway.client, { parts: pages(1) })).cacheHeader)
    }
    assert.deepEqual(headers, ['MISS', 'MISS', 'MISS', 'HIT', 'HIT'])
  })
})

describe('a document with a password', { timeout: TIMEOUT }, () => {
  const parts = [filePart(readFixture('encrypted-user-aes256.pdf'))]
  const password = 'open sesame'

  for (const { name, ocr, code } of [
    { name: 'no password', ocr: {}, code: 'document_encrypted' },
    { name: 'an empty password', ocr: { password: '' }, code: 'wrong_password' },
    { name: 'a wrong password', ocr: { password: 'guess' }, code: 'wrong_password' },
    { name: 'no password, in a dry run', ocr: { dry_run: true }, code: 'document_encrypted' },
    { name: 'a wrong password, to refresh', ocr: { password: 'guess', cache: 'refresh' }, code: 'wrong_password' },
  ]) {
    it(`is not answered from the cache: ${name}`, async () => {
      await using fake = await startFakeVllm({ answer: textOf })
      await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
      const known = { parts, ocr: { password, pages: '1' } }
      await askWhole(gateway.client, known)
      assert.equal((await askWhole(gateway.client, known)).cacheHeader, 'HIT')
      const { length } = fake.requests
      for (const ask of [askWhole, askStream]) {
        await assert.rejects(ask(gateway.client, { parts, ocr: { pages: '1', ...ocr } }), (error) => {
          assert.ok(error instanceof APIError)
          assert.deepEqual([error.code, error.status, error.headers?.get('x-cache') ?? null], [code, 400, null])
          return true
        })
      }
      assert.equal(fake.requests.length, length)
    })
  }

  it('lets nobody without the password join those who are reading it', async () => {
    const gate = Promise.withResolvers<void>()
    await using fake = await startFakeVllm({ answer: (request) => gate.promise.then(() => textOf(request)) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const reading = askWhole(gateway.client, { parts, ocr: { password, pages: '1' } })
    await eventually(() => fake.requests.length === 1, 10_000, 'the page is read')
    await assert.rejects(askWhole(gateway.client, { parts, ocr: { pages: '1' } }), { code: 'document_encrypted' })
    gate.resolve()
    await reading
  })
})
