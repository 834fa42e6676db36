import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { drawColumns } from '../fixtures/printed-page.ts'
import { jbig2Image, jpeg2000Image, jpegImage, makeScan } from '../fixtures/scan-pdf.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { startRedis } from '../support/start-redis.ts'
import { eventually, within } from '../support/within.ts'

const TIMEOUT = 60_000
const pages = (count: number) => makePdf(Array.from({ length: count }, (_, index) => ({ number: index + 1 })))

describe('asking again', () => {
  it('makes no upstream request, and the answer is the same', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const paper = filePart(
      makeScan([{ image: await jpegImage(drawColumns()) }, { image: jbig2Image() }, { image: jpeg2000Image() }]),
    )
    const question = { parts: [paper], ocr: { pages: '1-3' } }
    const first = await askWhole(gateway.client, question)
    assert.equal(first.cacheHeader, 'MISS')
    const again = await askWhole(gateway.client, question)
    assert.equal(again.cacheHeader, 'HIT')
    assert.equal(again.content, first.content)
    assert.deepEqual(
      again.ocr.pages.map(({ cache, width, height }) => [cache, width, height]),
      first.ocr.pages.map(({ width, height }) => ['hit', width, height]),
    )
    assert.equal(again.usage?.total_tokens, first.usage?.total_tokens)
    assert.equal(again.usage?.prompt_tokens_details?.cached_tokens, first.usage?.prompt_tokens)
    assert.equal(fake.requests.length, 3)
    const streamed = await askStream(gateway.client, question)
    assert.deepEqual([streamed.cacheHeader, streamed.content], ['HIT', first.content])
    assert.equal(fake.requests.length, 3)
  })

  it('asks only for the page that was added to the range', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const parts = [filePart(pages(6))]
    await askWhole(gateway.client, { parts, ocr: { pages: '2-4' } })
    const wider = await askStream(gateway.client, { parts, ocr: { pages: '2-5' } })
    assert.equal(wider.cacheHeader, 'PARTIAL')
    assert.deepEqual(
      wider.ocr.pages.map(({ page, cache }) => [page, cache]),
      [
        [2, 'hit'],
        [3, 'hit'],
        [4, 'hit'],
        [5, 'miss'],
      ],
    )
    assert.deepEqual(new Set(fake.requests.map(({ image }) => image?.pageNumber)), new Set([2, 3, 4, 5]))
    assert.equal(fake.requests.length, 4)
  })

  it('knows the page whatever form its text is wanted in', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const parts = [filePart(pages(2))]
    await askWhole(gateway.client, { parts })
    for (const ocr of [{ output: 'text' }, { output: 'json' }, { page_separator: '|' }]) {
      assert.equal((await askWhole(gateway.client, { parts, ocr })).cacheHeader, 'HIT')
    }
    assert.equal(fake.requests.length, 2)
  })

  it('reads anew when asked to refresh, and keeps nothing when told not to', async () => {
    await using fake = await startFakeVllm({ answer: () => 'first' })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const parts = [filePart(pages(1))]
    const ask = async (cache: string) => (await askWhole(gateway.client, { parts, ocr: { cache } })).content
    assert.equal(await ask('off'), 'first')
    fake.setAnswer(() => 'second')
    assert.equal(await ask('use'), 'second')
    fake.setAnswer(() => 'third')
    assert.equal(await ask('use'), 'second')
    assert.equal(await ask('refresh'), 'third')
    fake.setAnswer(() => 'fourth')
    assert.equal(await ask('use'), 'third')
  })

  it('computes equal pages once when they are asked at once', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ text: 'read once', firstDelayMs: 300 }) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const ask = () => askWhole(gateway.client, { parts: [filePart(pages(2))] })
    const answers = await Promise.all([ask(), ask(), ask()])
    assert.deepEqual(new Set(answers.map(({ content }) => content)).size, 1)
    assert.equal(fake.requests.length, 2)
  })
})

describe('a cache in Redis', { timeout: TIMEOUT }, () => {
  it('outlives the gateway', async () => {
    await using redis = await startRedis()
    await using fake = await startFakeVllm()
    const settings = { GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_REDIS_URL: redis.url }
    const question = { parts: [filePart(pages(3))] }
    const before = await startTestGateway(settings)
    const first = await askWhole(before.client, question)
    assert.equal(first.cacheHeader, 'MISS')
    await before.stop()
    await using restarted = await startTestGateway(settings)
    const second = await askWhole(restarted.client, question)
    assert.deepEqual([second.cacheHeader, second.content], ['HIT', first.content])
    assert.equal(fake.requests.length, 3)
  })

  it('may be killed in the middle of a request, which succeeds; it comes back without a restart', async () => {
    await using redis = await startRedis()
    await using fake = await startFakeVllm({
      answer: ({ image }) => ({ text: `page ${image?.pageNumber}`, firstDelayMs: 200 }),
    })
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_REDIS_URL: redis.url,
      GATEWAY_LOOKAHEAD: '2',
    })
    const question = { parts: [filePart(pages(8))], ocr: { page_separator: '|' } }
    const asked = askStream(gateway.client, question)
    await eventually(() => fake.requests.length >= 3, 10_000, 'the request is in its middle')
    await redis.kill()
    const { content, ocr } = await within(asked, 20_000, 'the request that lost its cache')
    assert.equal(content, 'page 1|page 2|page 3|page 4|page 5|page 6|page 7|page 8')
    assert.ok(ocr.pages.every(({ status }) => status === 'ok'))

    await redis.restart()
    await eventually(
      async () => (await askWhole(gateway.client, question)).cacheHeader === 'HIT',
      20_000,
      'the cache works again',
    )
  })

  it('may hang: the request takes a little longer, and succeeds', async () => {
    await using redis = await startRedis()
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_REDIS_URL: redis.url })
    redis.pause()
    const { ocr } = await within(askWhole(gateway.client, { parts: [filePart(pages(20))] }), 15_000, 'the request')
    redis.resume()
    assert.ok(ocr.pages.every(({ status, cache }) => status === 'ok' && cache === 'miss'))
  })
})
