import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chatChunk, chatCompletion } from '../../gateway/wire/openai/chat-completion.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { englishLines } from '../fixtures/prose.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { readMetrics, sumBy } from '../support/read-metrics.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { eventually, within } from '../support/within.ts'

const TIMEOUT = 120_000
const pages = (count: number) =>
  makePdf(Array.from({ length: count }, (_, index) => ({ number: index + 1, lines: Array(40).fill('a line of text') })))

const streamed = (parts: ReturnType<typeof filePart>[], ocr: object = {}) => ({
  model: 'default',
  stream: true as const,
  messages: [{ role: 'user' as const, content: parts }],
  ocr,
})

describe('streaming', { timeout: TIMEOUT }, () => {
  it("sends the first page's text while later pages are still being rasterized", async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const paper = filePart(
      makePdf(Array.from({ length: 14 }, (_, index) => ({ number: index + 1, lines: englishLines }))),
    )
    const stream = await gateway.client.chat.completions.create(streamed([paper]))
    let askedAtFirstText = 0
    for await (const chunk of stream) {
      if (askedAtFirstText === 0 && chunk.choices[0]?.delta.content) askedAtFirstText = fake.requests.length
    }
    assert.ok(askedAtFirstText < 14, `${askedAtFirstText} of 14 pages had been asked for at the first text`)
    assert.equal(fake.requests.length, 14)
  })

  it('never runs ahead of a reader that has stopped by more than the lookahead', async () => {
    // Nearly the longest page that is believed: some fill the buffers of the sockets. Words that repeat would be a loop.
    const words = Array.from({ length: 35_000 }, (_, index) => (index * 2654435761).toString(36)).join(' ')
    await using fake = await startFakeVllm({ answer: () => ({ deltas: [words] }) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_LOOKAHEAD: '4' })
    const controller = new AbortController()
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      signal: controller.signal,
      body: JSON.stringify(streamed([filePart(pages(400))])),
    })
    await response.body?.getReader().read()
    const stalled = async () => {
      const asked = fake.requests.length
      await eventually(() => fake.requests.length > asked, 1000, 'another page').catch(() => {})
      return fake.requests.length === asked
    }
    await eventually(stalled, 40_000, 'the pipeline waits for its reader')
    assert.ok(fake.requests.length < 100, `${fake.requests.length} pages were asked for`)
    controller.abort()
  })
})

describe('a stream whose first page takes long', { timeout: TIMEOUT, concurrency: true }, () => {
  it('is opened, and kept awake by empty chunks: clients that give up on silence do not count comments', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ text: 'at last', firstDelayMs: 22_000 }) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const body = JSON.stringify(streamed([filePart(pages(1))]))
    const startedAt = performance.now()
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    assert.ok(performance.now() - startedAt < 15_000)
    const text = await response.text()
    const chunks = text.split('\n\n').flatMap((event) => (event.startsWith('data: {') ? [event.slice(6)] : []))
    const deltas = chunks.map((chunk) => chatChunk.parse(JSON.parse(chunk)).choices[0]?.delta)
    assert.deepEqual(deltas, [{ role: 'assistant', content: '' }, { content: '' }, { content: 'at last' }, {}])
    assert.match(text, /\n\ndata: \[DONE\]\n\n$/)
  })

  it('ends with an error event when the page then fails', async () => {
    let attempts = 0
    await using fake = await startFakeVllm({
      answer: () => ({ deltas: ['half'], firstDelayMs: (attempts += 1) === 1 ? 11_000 : 0, ending: 'break' }),
    })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const stream = await gateway.client.chat.completions.create(streamed([filePart(makePdf([{ number: 1 }]))]))
    await assert.rejects(Array.fromAsync(stream), { code: 'engine_error' })
    assert.ok(attempts > 1)
  })
})

describe('a client that says how long it waits', { timeout: TIMEOUT }, () => {
  const ask = (url: string, ocr: object = {}) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-stainless-timeout': '8' },
      body: JSON.stringify({ ...streamed([filePart(pages(6))], ocr), stream: false }),
    })

  it('gets the pages that are done before its time is up when it asks for them, and pays only for the others when it asks again', async () => {
    await using fake = await startFakeVllm({
      answer: ({ image }) => ((image?.pageNumber ?? 0) % 2 === 1 ? `page ${image?.pageNumber}` : { silent: true }),
    })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const startedAt = performance.now()
    const response = await ask(gateway.url, { page_separator: '|', on_deadline: 'partial' })
    assert.ok(performance.now() - startedAt < 8000)
    const { choices, ocr } = chatCompletion.parse(await response.json())
    assert.equal(
      choices[0]?.message.content,
      'page 1|<!-- page 2 pending -->|page 3|<!-- page 4 pending -->|page 5|<!-- page 6 pending -->',
    )
    assert.equal(choices[0]?.finish_reason, 'length')
    assert.deepEqual(
      ocr.pages.map(({ status }) => status),
      ['ok', 'pending', 'ok', 'pending', 'ok', 'pending'],
    )
    assert.deepEqual(sumBy(await readMetrics(gateway.url), 'ocr_gateway_pages_total', 'status'), { ok: 3, pending: 3 })
    await eventually(
      () => fake.requests.every(({ aborted, finished }) => aborted || finished),
      1000,
      'the engine stops',
    )

    const asked = fake.requests.length
    fake.setAnswer(({ image }) => `page ${image?.pageNumber}`)
    const again = chatCompletion.parse(
      await (await ask(gateway.url, { page_separator: '|', on_deadline: 'partial' })).json(),
    )
    assert.equal(again.choices[0]?.message.content, 'page 1|page 2|page 3|page 4|page 5|page 6')
    assert.equal(fake.requests.length - asked, 3)
  })

  it('gets an honest error when no page is done', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ silent: true }) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const response = await ask(gateway.url)
    assert.equal(response.status, 504)
    assert.match(await response.text(), /engine_timeout/)
  })
})

describe('a client that leaves', { timeout: TIMEOUT }, () => {
  for (const stream of [true, false]) {
    it(`ends the upstream requests within a second: ${stream ? 'streaming' : 'waiting for the whole'}`, async () => {
      await using fake = await startFakeVllm({ answer: () => ({ deltas: ['slow'], firstDelayMs: 50, ending: 'hang' }) })
      await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_LOOKAHEAD: '8' })
      const controller = new AbortController()
      const asked = fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        signal: controller.signal,
        body: JSON.stringify({ ...streamed([filePart(pages(20))]), stream }),
      }).catch((error: Error) => error.name)
      await eventually(() => fake.requests.length === 8, 20_000, 'eight pages are in flight')
      const leftAt = performance.now()
      controller.abort()
      assert.equal(await asked, 'AbortError')
      await eventually(() => fake.requests.every(({ aborted }) => aborted), 1000, 'the engine stops')
      assert.ok(performance.now() - leftAt < 1000)
      assert.equal(fake.requests.length, 8)
      assert.equal(gateway.services.upstreams.status()[0]?.inFlight, 0)
    })
  }

  it('does not end a page that another client waits for', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ text: 'shared', firstDelayMs: 1500 }) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const body = { model: 'default', messages: [{ role: 'user' as const, content: [filePart(pages(1))] }] }
    const controller = new AbortController()
    const first = gateway.client.chat.completions.create(body, { signal: controller.signal }).catch(() => 'left')
    await eventually(() => fake.requests.length === 1, 10_000, 'the page is in flight')
    const second = gateway.client.chat.completions.create(body)
    const pagesInFlight = async () => (await gateway.services.metrics.pagesInFlight.get()).values[0]?.value
    await eventually(async () => (await pagesInFlight()) === 2, 5000, 'both wait for the page')
    controller.abort()
    assert.equal(await first, 'left')
    assert.equal((await within(second, 5000, 'the page')).choices[0]?.message.content, 'shared')
    assert.equal(fake.requests.length, 1)
  })
})
