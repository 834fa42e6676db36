import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FakeRequest } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { englishLines } from '../fixtures/prose.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { startRedis } from '../support/start-redis.ts'
import { eventually } from '../support/within.ts'

const TIMEOUT = 60_000
const textOf = ({ image }: FakeRequest) => `page ${image?.pageNumber}`
/** The separator sheet of a batch scan has the number 99. */
const pdf = (numbers: readonly number[]) => filePart(makePdf(numbers.map((number) => ({ number }))))
const separated = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? index : 99))
const expected = separated.map((number) => `page ${number}`).join('|')
const question = (numbers: readonly number[], ocr: object = {}) => ({
  parts: [pdf(numbers)],
  ocr: { page_separator: '|', ...ocr },
})

describe('a document with pages that repeat', { timeout: TIMEOUT }, () => {
  for (const ask of [askWhole, askStream]) {
    it(`asks once for each page image, and has every text in its place: ${ask.name}`, async () => {
      await using fake = await startFakeVllm({ answer: textOf })
      await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
      const { content, ocr } = await ask(gateway.client, question(separated))
      assert.equal(content, expected)
      assert.equal(fake.requests.length, 11)
      const [first, ...others] = ocr.pages.filter(({ page }) => page % 2 === 0).map(({ cache }) => cache).toSorted((a, b) => (a === 'miss' ? -1 : b === 'miss' ? 1 : 0)) // prettier-ignore
      assert.equal(first, 'miss')
      assert.ok(others.length === 9 && others.every((cache) => cache === 'hit' || cache === 'joined'), others.join())
      assert.ok(ocr.pages.every(({ status, attempts }) => status === 'ok' && attempts === 1))
      assert.equal((await ask(gateway.client, question(separated))).cacheHeader, 'HIT')
      assert.equal(fake.requests.length, 11)
    })
  }

  it('takes no place at an upstream with the pages that wait for their likeness', async () => {
    const gate = Promise.withResolvers<void>()
    await using fake = await startFakeVllm({
      answer: (request) =>
        request.image?.pageNumber === 99 ? gate.promise.then(() => textOf(request)) : textOf(request),
    })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_UPSTREAM_CONCURRENCY: '2' })
    const asked = askWhole(gateway.client, question([99, 99, 99, 4, 5, 6]))
    await eventually(() => fake.requests.filter(({ finished }) => finished).length === 3, 10_000, 'the other pages')
    gate.resolve()
    assert.equal((await asked).content, 'page 99|page 99|page 99|page 4|page 5|page 6')
    assert.equal(fake.requests.length, 4)
  })

  it('fails them all with the one that was asked for', async () => {
    const failure = { status: 400, body: { error: { message: 'no', type: 'X', param: null, code: 400 } } }
    await using fake = await startFakeVllm({
      answer: (request) => (request.image?.pageNumber === 99 ? { failure } : textOf(request)),
    })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const { ocr } = await askWhole(gateway.client, question([1, 99, 99]))
    assert.deepEqual(
      ocr.pages.map(({ status }) => status),
      ['ok', 'failed', 'failed'],
    )
  })

  it('asks for each of them when the cache is off, and once when it is refreshed', async () => {
    await using fake = await startFakeVllm({ answer: textOf })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const off = await askWhole(gateway.client, question(separated, { cache: 'off' }))
    assert.equal(off.content, expected)
    assert.equal(fake.requests.length, 20)
    for (const requests of [31, 42]) {
      const refreshed = await askWhole(gateway.client, question(separated, { cache: 'refresh' }))
      assert.equal(refreshed.content, expected)
      assert.equal(fake.requests.length, requests)
    }
  })

  it('knows its pages in another document', async () => {
    await using fake = await startFakeVllm({ answer: textOf })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    await askWhole(gateway.client, question([1, 2, 3]))
    const { content, ocr } = await askWhole(gateway.client, question([4, 3, 2]))
    assert.equal(content, 'page 4|page 3|page 2')
    assert.deepEqual(
      ocr.pages.map(({ cache }) => cache),
      ['miss', 'hit', 'hit'],
    )
  })

  it('knows a page that preparation did not change', async () => {
    await using fake = await startFakeVllm({ answer: () => 'text' })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const parts = [filePart(makePdf([{ lines: englishLines }]))]
    await askWhole(gateway.client, { parts, ocr: { pages: '1' } })
    const { ocr } = await askWhole(gateway.client, { parts, ocr: { pages: '1', prepare: { deskew: true } } })
    assert.equal(ocr.pages[0]?.cache, 'hit')
    const { ocr: changed } = await askWhole(gateway.client, { parts, ocr: { pages: '1', prepare: { binarize: true } } })
    assert.equal(changed.pages[0]?.cache, 'miss')
  })

  it('is read once by two replicas together', async () => {
    await using redis = await startRedis()
    const gate = Promise.withResolvers<void>()
    await using fake = await startFakeVllm({ answer: (request) => gate.promise.then(() => textOf(request)) })
    const settings = { GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_REDIS_URL: redis.url }
    await using one = await startTestGateway(settings)
    await using other = await startTestGateway(settings)
    const answers = [one, other].map(({ client }) => askWhole(client, question(separated)))
    gate.resolve()
    for (const { content } of await Promise.all(answers)) assert.equal(content, expected)
    assert.equal(fake.requests.length, 11)
  })

  it('is known to Tesseract as well', async () => {
    await using gateway = await startTestGateway()
    const lines = ['The pendulum swings from side to side.']
    const parts = [filePart(makePdf([{ lines }, { lines }, { lines }]))]
    const { content, ocr } = await askWhole(gateway.client, { model: 'tesseract', parts, ocr: { page_separator: '|' } })
    assert.equal(new Set(content.split('|')).size, 1)
    assert.equal(ocr.pages.filter(({ cache }) => cache === 'miss').length, 1)
  })
})
