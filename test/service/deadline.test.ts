import assert from 'node:assert/strict'
import OpenAI from 'openai'
import { describe, it } from 'node:test'
import { chatCompletion } from '../../gateway/wire/openai/chat-completion.ts'
import { errorBody } from '../../gateway/wire/openai/errors.ts'
import { startFakeVllm, type FakeVllm, type FakeVllmOptions } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { readMetrics, sumBy, valueOf } from '../support/read-metrics.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { eventually, within } from '../support/within.ts'

const TIMEOUT = 60_000
const DEADLINE = 15_000

const pages = (count: number) =>
  filePart(
    makePdf(Array.from({ length: count }, (_, index) => ({ number: index + 1, lines: Array(20).fill('a line') }))),
  )

interface Ask {
  readonly count: number
  readonly seconds: number | string
  readonly header?: string
  readonly ocr?: object
  readonly stream?: boolean
}

function ask(url: string, { count, seconds, header = 'x-stainless-timeout', ocr = {}, stream = false }: Ask) {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', [header]: String(seconds) },
    body: JSON.stringify({
      model: 'default',
      stream,
      messages: [{ role: 'user', content: [pages(count)] }],
      ocr: { page_separator: '|', ...ocr },
    }),
  })
}

async function readError(response: Response) {
  const { error } = errorBody.parse(await response.json())
  return { status: response.status, retry: response.headers.get('x-should-retry'), ...error }
}

async function readWhole(response: Response) {
  const { choices, ocr } = chatCompletion.parse(await response.json())
  return { content: choices[0]?.message.content, reason: choices[0]?.finish_reason, pages: ocr.pages }
}

/** Odd pages are read at once; even ones take so long. */
const slowEvenPages =
  (firstDelayMs: number): NonNullable<FakeVllmOptions['answer']> =>
  ({ image }) => {
    const number = image?.pageNumber ?? 0
    return number % 2 === 1 ? `page ${number}` : { text: `page ${number}`, firstDelayMs }
  }

const counts = (fake: FakeVllm) => ({
  running: fake.requests.filter(({ aborted, finished }) => !aborted && !finished).length,
  aborted: fake.requests.filter(({ aborted }) => aborted).length,
  asked: fake.requests.length,
})

describe("a document that takes longer than its client's time", { timeout: TIMEOUT }, () => {
  for (const header of ['x-stainless-timeout', 'x-stainless-read-timeout']) {
    it(`fails shortly before, is read on, and is whole when it is sent again (${header})`, async () => {
      await using fake = await startFakeVllm({ answer: slowEvenPages(5000) })
      await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
      const startedAt = performance.now()
      const error = await readError(await ask(gateway.url, { count: 6, seconds: 4, header }))
      assert.ok(performance.now() - startedAt < 4000)
      assert.deepEqual([error.status, error.code, error.retry], [504, 'engine_timeout', 'true'])
      assert.match(error.message, /^3 of 6 pages were read in the time .*Send the request again.*on_deadline "partial"/)
      assert.deepEqual(counts(fake), { running: 3, aborted: 0, asked: 6 })
      const during = await readMetrics(gateway.url)
      assert.equal(valueOf(during, 'ocr_gateway_pages_in_flight'), 3)
      assert.equal(sumBy(during, 'ocr_gateway_queued_pages', 'queue')['admitted'], 3)

      const again = await readWhole(await ask(gateway.url, { count: 6, seconds: 60 }))
      assert.equal(again.content, 'page 1|page 2|page 3|page 4|page 5|page 6')
      assert.deepEqual(
        again.pages.map(({ cache }) => cache),
        ['hit', 'joined', 'hit', 'joined', 'hit', 'joined'],
      )
      assert.deepEqual(counts(fake), { running: 0, aborted: 0, asked: 6 })
      const after = await readMetrics(gateway.url)
      assert.equal(valueOf(after, 'ocr_gateway_pages_in_flight'), 0)
      assert.equal(sumBy(after, 'ocr_gateway_queued_pages', 'queue')['admitted'], 0)
      assert.deepEqual(sumBy(after, 'ocr_gateway_pages_total', 'status'), { ok: 12 })
      assert.equal(gateway.services.upstreams.status()[0]?.inFlight, 0)
    })
  }

  it('comes whole to the official client, which tries again by itself', async () => {
    await using fake = await startFakeVllm({ answer: slowEvenPages(4000) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'unused', maxRetries: 2 })
    const body = { model: 'default', messages: [{ role: 'user' as const, content: [pages(4)] }] }
    const completion = await client.chat.completions.create(body, { timeout: 3000 })
    assert.equal(completion.choices[0]?.message.content, 'page 1\n\n---\n\npage 2\n\n---\n\npage 3\n\n---\n\npage 4')
    assert.equal(fake.requests.length, 4)
  })

  it('gets the pages read that were begun, and no others', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ text: 'slow', firstDelayMs: 3000 }) })
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_UPSTREAM_CONCURRENCY: '1',
    })
    const error = await readError(await ask(gateway.url, { count: 30, seconds: 3 }))
    assert.match(error.message, /^0 of 30 pages/)
    fake.setAnswer(() => 'quick')
    const inFlight = async () => valueOf(await readMetrics(gateway.url), 'ocr_gateway_pages_in_flight')
    await eventually(async () => (await inFlight()) === 0, DEADLINE, 'the end of what was begun')
    // One at the engine, and eight that were drawn meanwhile.
    assert.equal(fake.requests.length, 9)
    const again = await readWhole(await ask(gateway.url, { count: 30, seconds: 60 }))
    assert.equal(again.pages.filter(({ cache }) => cache === 'hit').length, 9)
    assert.equal(fake.requests.length, 30)
  })

  it('is answered with the pages that are done where its client asks for that, and its other pages are left', async () => {
    await using fake = await startFakeVllm({ answer: slowEvenPages(20_000) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const partial = await readWhole(await ask(gateway.url, { count: 3, seconds: 2, ocr: { on_deadline: 'partial' } }))
    assert.deepEqual([partial.content, partial.reason], ['page 1|<!-- page 2 pending -->|page 3', 'length'])
    await eventually(() => counts(fake).aborted === 1, 1000, 'the engine stops')
  })

  for (const { name, ocr, environment, says } of [
    { name: 'the cache is off', ocr: { cache: 'off' }, environment: {}, says: /ocr\.cache is "off"/ },
    { name: 'the cache is refreshed', ocr: { cache: 'refresh' }, environment: {}, says: /ocr\.cache is "refresh"/ },
    { name: 'there is no cache', ocr: {}, environment: { GATEWAY_CACHE_MAX_BYTES: '0' }, says: /has no cache/ },
  ]) {
    it(`is not to be sent again when ${name}: that would begin anew`, async () => {
      await using fake = await startFakeVllm({ answer: slowEvenPages(20_000) })
      await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, ...environment })
      const error = await readError(await ask(gateway.url, { count: 3, seconds: 2, ocr }))
      assert.deepEqual([error.status, error.code, error.retry], [504, 'engine_timeout', 'false'])
      assert.match(error.message, /^2 of 3 pages/)
      assert.match(error.message, says)
      const isKept = 'cache' in ocr && ocr.cache === 'refresh'
      await eventually(() => counts(fake).aborted === (isKept ? 0 : 1), 1000, 'the engine stops')
    })
  }

  it('is cut in the middle of a page by the end of the gateway, which does not wait for it', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ silent: true }) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_DRAIN_SECONDS: '30' })
    const error = await readError(await ask(gateway.url, { count: 2, seconds: 2 }))
    assert.equal(error.status, 504)
    assert.equal(counts(fake).running, 2)
    await within(gateway.stop(), 5000, 'the stop')
    await eventually(() => counts(fake).aborted === 2, 1000, 'the engine stops')
  })
})

describe("a client's time", { timeout: TIMEOUT }, () => {
  for (const seconds of [1, 0.3]) {
    for (const ocr of [{}, { on_deadline: 'partial' }]) {
      it(`of ${seconds} s is no reason to try again at once (${JSON.stringify(ocr)})`, async () => {
        await using fake = await startFakeVllm({ answer: () => ({ text: 'late', firstDelayMs: 5000 }) })
        await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
        const startedAt = performance.now()
        const error = await readError(await ask(gateway.url, { count: 1, seconds, ocr }))
        assert.ok(performance.now() - startedAt < seconds * 1000 + 500)
        assert.deepEqual([error.status, error.code, error.retry], [504, 'engine_timeout', 'false'])
        assert.match(error.message, /more time/)
      })
    }
  }

  it('of a second is enough for pages that were read before', async () => {
    await using fake = await startFakeVllm({ answer: () => 'text' })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    await readWhole(await ask(gateway.url, { count: 2, seconds: 60 }))
    const again = await readWhole(await ask(gateway.url, { count: 2, seconds: 1 }))
    assert.deepEqual([again.content, again.reason], ['text|text', 'stop'])
  })

  for (const seconds of ['2500000', '999999', '1e300', '0', '-1', 'NaN', 'Infinity', '60, 60', '0x10', 'NOT_GIVEN']) {
    it(`of ${JSON.stringify(seconds)} cuts nothing`, async () => {
      await using fake = await startFakeVllm({ answer: () => ({ text: 'text', firstDelayMs: 100 }) })
      await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
      const { content, reason } = await readWhole(await ask(gateway.url, { count: 1, seconds }))
      assert.deepEqual([content, reason], ['text', 'stop'])
    })
  }

  it('does not end a stream, which keeps its client waiting', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ text: 'at last', firstDelayMs: 2500 }) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const response = await ask(gateway.url, { count: 1, seconds: 2, stream: true })
    assert.match(await response.text(), /at last/)
  })
})
