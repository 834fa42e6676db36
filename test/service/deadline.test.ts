import assert from 'node:assert/strict'
import OpenAI from 'openai'
import { describe, it } from 'node:test'
import { chatCompletion } from '../../gateway/wire/openai/chat-completion.ts'
import { errorBody } from '../../gateway/wire/openai/errors.ts'
import { startFakeVllm, type FakeVllmOptions } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { readMetrics, sumBy, valueOf } from '../support/read-metrics.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { eventually, within } from '../support/within.ts'

const TIMEOUT = 120_000
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

/** Starts a gateway whose threads are warm, so that a client's seconds are spent on its pages. */
async function start(
  answer: NonNullable<FakeVllmOptions['answer']>,
  environment: Readonly<Record<string, string>> = {},
) {
  const fake = await startFakeVllm({ answer: () => 'warm' })
  const gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, ...environment })
  await (await ask(gateway.url, { count: 1, seconds: 60, ocr: { cache: 'off' } })).text()
  fake.setAnswer(answer)
  const requests = () => fake.requests.slice(1)
  return {
    fake,
    gateway,
    counts: () => ({
      running: requests().filter(({ aborted, finished }) => !aborted && !finished).length,
      aborted: requests().filter(({ aborted }) => aborted).length,
      asked: requests().length,
    }),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await fake[Symbol.asyncDispose]()
    },
  }
}

/** Odd pages are read at once; even ones when they are let. */
function slowEvenPages() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const answer: NonNullable<FakeVllmOptions['answer']> = async ({ image }) => {
    const number = image?.pageNumber ?? 0
    if (number % 2 === 0) await promise
    return `page ${number}`
  }
  return { answer, letGo: resolve }
}

describe("a document that takes longer than its client's time", { timeout: TIMEOUT }, () => {
  it('fails shortly before, is read on, and is whole when it is sent again', async () => {
    const { answer, letGo } = slowEvenPages()
    await using setup = await start(answer)
    const { gateway, counts } = setup
    const startedAt = performance.now()
    const error = await readError(await ask(gateway.url, { count: 6, seconds: 6 }))
    assert.ok(performance.now() - startedAt < 6000)
    assert.deepEqual([error.status, error.code, error.retry], [504, 'engine_timeout', 'true'])
    assert.match(error.message, /^3 of 6 pages were read in the time .*Send the request again.*on_deadline "partial"/)
    await eventually(() => counts().asked === 6, DEADLINE, 'the last page is drawn')
    assert.deepEqual(counts(), { running: 3, aborted: 0, asked: 6 })
    const unsent = gateway.services.ocr.admission.unsentFor('lightonai/LightOnOCR-2-1B')
    assert.equal(unsent, 0, 'what is read on is not to be sent any more')
    const during = await readMetrics(gateway.url)
    assert.equal(valueOf(during, 'ocr_gateway_pages_in_flight'), 3)
    assert.equal(sumBy(during, 'ocr_gateway_queued_pages', 'queue')['admitted'], 3)

    const second = ask(gateway.url, { count: 6, seconds: 60 })
    const inFlight = async () => valueOf(await readMetrics(gateway.url), 'ocr_gateway_pages_in_flight')
    await eventually(async () => (await inFlight()) === 6, DEADLINE, 'it waits for the same pages')
    letGo()
    const again = await readWhole(await second)
    assert.equal(again.content, 'page 1|page 2|page 3|page 4|page 5|page 6')
    assert.deepEqual(
      again.pages.map(({ cache }) => cache),
      ['hit', 'joined', 'hit', 'joined', 'hit', 'joined'],
    )
    assert.deepEqual(counts(), { running: 0, aborted: 0, asked: 6 })
    const after = await readMetrics(gateway.url)
    assert.equal(valueOf(after, 'ocr_gateway_pages_in_flight'), 0)
    assert.equal(sumBy(after, 'ocr_gateway_queued_pages', 'queue')['admitted'], 0)
    // Each page of each try, and the one that warmed the threads.
    assert.deepEqual(sumBy(after, 'ocr_gateway_pages_total', 'status'), { ok: 13 })
    assert.equal(gateway.services.upstreams.status()[0]?.inFlight, 0)
  })

  it('comes whole to the official client, which tries again by itself', async () => {
    const { answer, letGo } = slowEvenPages()
    await using setup = await start(answer)
    const client = new OpenAI({ baseURL: `${setup.gateway.url}/v1`, apiKey: 'unused', maxRetries: 2 })
    const body = { model: 'default', messages: [{ role: 'user' as const, content: [pages(4)] }] }
    const completion = client.chat.completions.create(body, { timeout: 6000 })
    const failures = async () => sumBy(await readMetrics(setup.gateway.url), 'ocr_gateway_errors_total', 'code')
    await eventually(async () => (await failures())['engine_timeout'] === 1, DEADLINE, 'the first try fails')
    letGo()
    const text = (await completion).choices[0]?.message.content
    assert.equal(text, 'page 1\n\n---\n\npage 2\n\n---\n\npage 3\n\n---\n\npage 4')
    assert.equal(setup.counts().asked, 4)
  })

  it('gets the pages read that were begun, and no others', async () => {
    const { promise, resolve: letGo } = Promise.withResolvers<void>()
    await using setup = await start(() => promise.then(() => 'text'), { GATEWAY_UPSTREAM_CONCURRENCY: '1' })
    const { gateway, counts } = setup
    const error = await readError(await ask(gateway.url, { count: 30, seconds: 6 }))
    assert.match(error.message, /^0 of 30 pages/)
    letGo()
    const inFlight = async () => valueOf(await readMetrics(gateway.url), 'ocr_gateway_pages_in_flight')
    await eventually(async () => (await inFlight()) === 0, DEADLINE, 'the end of what was begun')
    // One at the engine, and eight that were drawn meanwhile.
    assert.equal(counts().asked, 9)
    const again = await readWhole(await ask(gateway.url, { count: 30, seconds: 60 }))
    assert.equal(again.pages.filter(({ cache }) => cache === 'hit').length, 9)
    assert.equal(counts().asked, 30)
  })

  it('is answered with the pages that are done where its client asks for that, and its other pages are left', async () => {
    await using setup = await start(slowEvenPages().answer)
    // As OpenAI's client for Python says it.
    const time = { seconds: '5.0', header: 'x-stainless-read-timeout' }
    const question = { count: 3, ...time, ocr: { on_deadline: 'partial' } }
    const partial = await readWhole(await ask(setup.gateway.url, question))
    assert.deepEqual([partial.content, partial.reason], ['page 1|<!-- page 2 pending -->|page 3', 'length'])
    await eventually(() => setup.counts().running === 0, 5000, 'the engine stops')
  })

  for (const { name, ocr, environment, says } of [
    { name: 'the cache is off', ocr: { cache: 'off' }, environment: {}, says: /ocr\.cache is "off"/ },
    { name: 'the cache is refreshed', ocr: { cache: 'refresh' }, environment: {}, says: /ocr\.cache is "refresh"/ },
    { name: 'there is no cache', ocr: {}, environment: { GATEWAY_CACHE_MAX_BYTES: '0' }, says: /has no cache/ },
  ]) {
    it(`is not to be sent again when ${name}: that would begin anew`, async () => {
      await using setup = await start(slowEvenPages().answer, environment)
      const error = await readError(await ask(setup.gateway.url, { count: 3, seconds: 4, ocr }))
      assert.deepEqual([error.status, error.code, error.retry], [504, 'engine_timeout', 'false'])
      assert.match(error.message, /^2 of 3 pages/)
      assert.match(error.message, says)
      // What is refreshed is kept for those who use the cache.
      if ('cache' in ocr && ocr.cache === 'refresh') assert.equal(setup.counts().aborted, 0)
      else await eventually(() => setup.counts().running === 0, 5000, 'the engine stops')
    })
  }

  it('is cut in the middle of a page by the end of the gateway, which does not wait for it', async () => {
    await using setup = await start(() => ({ silent: true }), { GATEWAY_DRAIN_SECONDS: '30' })
    const error = await readError(await ask(setup.gateway.url, { count: 2, seconds: 4 }))
    assert.equal(error.status, 504)
    assert.equal(setup.counts().running, 2)
    await within(setup.gateway.stop(), DEADLINE, 'the stop')
    await eventually(() => setup.counts().aborted === 2, 5000, 'the engine stops')
  })
})

describe("a client's time", { timeout: TIMEOUT }, () => {
  for (const seconds of [1, 0.3]) {
    for (const ocr of [{}, { on_deadline: 'partial' }]) {
      it(`of ${seconds} s is no reason to try again at once (${JSON.stringify(ocr)})`, async () => {
        await using setup = await start(() => ({ silent: true }))
        const error = await readError(await ask(setup.gateway.url, { count: 1, seconds, ocr }))
        assert.deepEqual([error.status, error.code, error.retry], [504, 'engine_timeout', 'false'])
        assert.match(error.message, /more time/)
      })
    }
  }

  it('of a second is enough for pages that were read before', async () => {
    await using setup = await start(() => 'text')
    await readWhole(await ask(setup.gateway.url, { count: 2, seconds: 60 }))
    const again = await readWhole(await ask(setup.gateway.url, { count: 2, seconds: 1 }))
    assert.deepEqual([again.content, again.reason], ['text|text', 'stop'])
  })

  it('cuts nothing where it is no time that anybody waits', async () => {
    await using setup = await start(() => ({ text: 'text', firstDelayMs: 50 }))
    const odd = ['2500000', '1e300', '0', '-1', 'NaN', 'Infinity', '60, 60', '0x10', 'NOT_GIVEN']
    for (const seconds of [...odd, '999999', '60.0']) {
      const question = { count: 1, seconds, ocr: { cache: 'off' } }
      const { content, reason } = await readWhole(await ask(setup.gateway.url, question))
      assert.deepEqual([content, reason], ['text', 'stop'], seconds)
    }
  })

  it('does not end a stream, which keeps its client waiting', async () => {
    await using setup = await start(() => ({ text: 'at last', firstDelayMs: 2500 }))
    const response = await ask(setup.gateway.url, { count: 1, seconds: 2, stream: true })
    assert.match(await response.text(), /at last/)
  })
})
