import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart, readFixture } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole, type Answer, type Question } from '../support/read-answer.ts'
import { readMetrics, sumBy } from '../support/read-metrics.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { eventually } from '../support/within.ts'

const TIMEOUT = 120_000
const BLANK = null

/** Pages with the same number look the same. */
const pdf = (numbers: readonly (number | null)[]) =>
  filePart(makePdf(numbers.map((number) => (number === BLANK ? {} : { number }))))
/** Two of its pages are blank, and three are equal. */
const mixed = [1, BLANK, 2, 99, 99, BLANK, 3, 99, 4, 5]

const dry = (numbers: readonly (number | null)[], ocr: object = {}): Question => ({
  parts: [pdf(numbers)],
  ocr: { ...ocr, dry_run: true },
})

function dryRunOf({ ocr }: Answer) {
  assert.ok(ocr.dry_run !== undefined, 'the answer is of no dry run')
  return ocr.dry_run
}

const isClose = (estimate: number, actual: number, share: number) => Math.abs(estimate - actual) <= share * actual

describe('a dry run', { timeout: TIMEOUT }, () => {
  for (const ask of [askWhole, askStream]) {
    it(`tells what a document would take, and asks no engine: ${ask.name}`, async () => {
      await using fake = await startFakeVllm()
      await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
      await askWhole(gateway.client, { parts: [pdf(mixed)], ocr: { pages: '7' } })
      assert.equal(fake.requests.length, 1)

      const answer = await ask(gateway.client, dry(mixed))
      assert.equal(fake.requests.length, 1)
      const { expected, ...found } = dryRunOf(answer)
      assert.deepEqual(found, {
        pages: 10,
        cached_pages: 1,
        blank_pages: [2, 6],
        repeated_pages: [
          { page: 5, same_as: 4 },
          { page: 8, same_as: 4 },
        ],
        unreadable_pages: [],
        pending_pages: [],
        pages_to_read: 5,
      })
      assert.deepEqual([answer.finishReason, answer.cacheHeader, answer.ocr.pages], ['stop', 'PARTIAL', []])
      assert.deepEqual([answer.ocr.document.pages, answer.ocr.document.media_type], [10, 'application/pdf'])
      assert.deepEqual([answer.usage?.prompt_tokens, answer.usage?.completion_tokens, answer.usage?.total_tokens], [0, 0, 0]) // prettier-ignore
      assert.match(answer.content, /10 pages: 5 to read, 1 cached, 2 blank \(2, 6\), 2 repeated/)

      const read = await askWhole(gateway.client, { parts: [pdf(mixed)] })
      const misses = read.ocr.pages.filter(({ cache, status }) => cache === 'miss' && status !== 'blank')
      const sum = (tokens: 'prompt_tokens' | 'completion_tokens') =>
        misses.reduce((total, page) => total + page[tokens], 0)
      assert.equal(misses.length, found.pages_to_read)
      assert.ok(isClose(expected.prompt_tokens, sum('prompt_tokens'), 0.02), JSON.stringify(expected))
      assert.ok(isClose(expected.completion_tokens, sum('completion_tokens'), 0.3), JSON.stringify(expected))
      assert.ok(expected.seconds !== null && expected.seconds > 0 && expected.seconds < 60, `${expected.seconds}`)
      assert.equal(expected.measured_pages, 1)
    })
  }

  it('says the same when it is streamed, in chunks as any answer has', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const whole = await askWhole(gateway.client, dry(mixed))
    const streamed = await askStream(gateway.client, dry(mixed))
    assert.deepEqual([streamed.content, streamed.ocr, streamed.usage], [whole.content, whole.ocr, whole.usage])
    assert.equal(streamed.cacheHeader, 'MISS')
    assert.equal(streamed.chunks[0]?.choices[0]?.delta.role, 'assistant')
  })

  it('keeps nothing, and knows what was kept', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    for (let time = 0; time < 2; time++) {
      const answer = await askWhole(gateway.client, dry([1, 2]))
      assert.deepEqual([answer.cacheHeader, dryRunOf(answer).cached_pages], ['MISS', 0])
    }
    await askWhole(gateway.client, { parts: [pdf([1, BLANK, 2])] })
    const answer = await askWhole(gateway.client, dry([1, BLANK, 2]))
    const { cached_pages, blank_pages, pages_to_read, expected } = dryRunOf(answer)
    assert.deepEqual([answer.cacheHeader, cached_pages, blank_pages, pages_to_read], ['HIT', 3, [], 0])
    assert.deepEqual([expected.prompt_tokens, expected.completion_tokens, expected.seconds], [0, 0, 0])
  })

  it('knows page images that were read in another document', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    await askWhole(gateway.client, { parts: [pdf([1, 2, 3])] })
    const { cached_pages, repeated_pages, pages_to_read } = dryRunOf(await askWhole(gateway.client, dry([4, 3, 2, 3])))
    assert.deepEqual([cached_pages, repeated_pages, pages_to_read], [3, [], 1])
  })

  it('reckons as the cache will be used: pages that repeat are read each for itself where it is off', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    await askWhole(gateway.client, { parts: [pdf([1, 99, 99])] })
    const rows = [
      { cache: 'use', cached: 3, repeated: [], toRead: 0 },
      { cache: 'refresh', cached: 0, repeated: [{ page: 3, same_as: 2 }], toRead: 2 },
      { cache: 'off', cached: 0, repeated: [{ page: 3, same_as: 2 }], toRead: 3 },
    ]
    for (const { cache, cached, repeated, toRead } of rows) {
      const found = dryRunOf(await askWhole(gateway.client, dry([1, 99, 99], { cache })))
      assert.deepEqual(
        [found.cached_pages, found.repeated_pages, found.pages_to_read],
        [cached, repeated, toRead],
        cache,
      )
      const before = fake.requests.length
      if (cache !== 'use') await askWhole(gateway.client, { parts: [pdf([1, 99, 99])], ocr: { cache } })
      assert.equal(fake.requests.length - before, cache === 'use' ? 0 : toRead, cache)
    }
  })

  it('counts pages through several documents, and looks only at those asked for', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const parts = [pdf([1, 2, BLANK]), pdf([2, 3, 4])]
    const { ocr } = await askWhole(gateway.client, { parts, ocr: { pages: '2-5', dry_run: true } })
    assert.deepEqual(
      ocr.documents?.map(({ pages }) => pages),
      [3, 3],
    )
    assert.deepEqual(
      [ocr.dry_run?.pages, ocr.dry_run?.blank_pages, ocr.dry_run?.repeated_pages, ocr.dry_run?.pages_to_read],
      [4, [3], [{ page: 4, same_as: 2 }], 2],
    )
  })

  const prompts: { name: string; model: string; width: number; ocr: object }[] = [
    { name: 'a page in tiles', model: 'lightonai/LightOnOCR-2-1B', width: 2400, ocr: { prepare: { tile: true } } },
    { name: 'a prompt with text', model: 'tencent/HunyuanOCR', width: 595, ocr: { task: 'table' } },
    { name: 'another shape', model: 'lightonai/LightOnOCR-3-1B', width: 1500, ocr: { task: 'layout' } },
  ]
  for (const { name, model, width, ocr } of prompts)
    it(`reckons prompt tokens as the engine counts them: ${name}`, async () => {
      await using fake = await startFakeVllm({ models: [model] })
      await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
      const lines = Array.from({ length: 40 }, (_, index) => `Line ${index} of this large page`)
      const parts = [filePart(makePdf([{ width, height: width * 1.4, lines, fontSize: width / 40 }]))]
      const { expected } = dryRunOf(await askWhole(gateway.client, { parts, ocr: { ...ocr, dry_run: true } }))
      const { usage } = await askWhole(gateway.client, { parts, ocr })
      assert.ok(isClose(expected.prompt_tokens, usage?.prompt_tokens ?? 0, 0.02), `${expected.prompt_tokens}, ${usage?.prompt_tokens}`) // prettier-ignore
      assert.equal(fake.requests.length > 1, name === 'a page in tiles')
      assert.deepEqual(fake.layoutProblems, [])
    })

  it('lists a page that cannot be drawn', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_MAX_IMAGE_PIXELS: '1000' })
    const parts = [pdf([1]), filePart(readFixture('four-page-scan.pdf'))]
    const answer = await askWhole(gateway.client, {
      parts,
      ocr: { pages: '1-2', dry_run: true, on_page_error: 'fail' },
    })
    const { unreadable_pages, pages_to_read } = dryRunOf(answer)
    assert.deepEqual([unreadable_pages, pages_to_read], [[{ page: 2, code: 'page_too_large' }], 1])
    assert.match(answer.content, /1 cannot be drawn \(2: page_too_large\)/)
    assert.equal(answer.finishReason, 'stop')
  })

  it('needs no engine to be there, and says what it has no measure of', async () => {
    const fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    await gateway.client.models.list()
    await fake.kill()
    const answer = await askWhole(gateway.client, { ...dry([1, 2]), model: 'lightonai/LightOnOCR-2-1B' })
    const { expected } = dryRunOf(answer)
    assert.deepEqual([expected.seconds, expected.measured_pages, expected.completion_tokens], [null, 0, 2000])
    assert.match(answer.content, /has read no page/)
  })

  it('knows the speed of the embedded engine once it has read', async () => {
    await using gateway = await startTestGateway()
    const ask = () => askWhole(gateway.client, { ...dry([1, 2, BLANK]), model: 'tesseract' })
    const { expected, pages_to_read } = dryRunOf(await ask())
    assert.deepEqual(pages_to_read, 2)
    assert.deepEqual(expected, { prompt_tokens: 0, completion_tokens: 0, seconds: null, measured_pages: 0 })
    assert.deepEqual(sumBy(await readMetrics(gateway.url), 'ocr_gateway_pages_total', 'status'), {})
    await askWhole(gateway.client, { parts: [pdf([3])], model: 'tesseract' })
    const { seconds } = dryRunOf(await ask()).expected
    assert.ok(seconds !== null && seconds > 0.01 && seconds < 30, `${seconds}`)
  })

  it('answers with what it has seen when time is up', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_RASTERIZE_THREADS: '1' })
    const numbers = Array.from({ length: 1000 }, (_, index) => index)
    const answer = await askWhole(gateway.client, { ...dry(numbers), timeoutMs: 4000 })
    const { pending_pages, pages_to_read, expected } = dryRunOf(answer)
    assert.ok(pending_pages.length > 0 && pending_pages.at(-1) === 1000)
    assert.deepEqual([pages_to_read, answer.finishReason], [1000, 'length'])
    assert.equal(expected.prompt_tokens, 1000 * (39 * 55 + 12))
    assert.match(answer.content, /not looked at/)
    assert.equal((await askStream(gateway.client, dry([1]))).finishReason, 'stop')
  })

  it('is refused while too many pages wait, and leaves none behind', async () => {
    const gate = Promise.withResolvers<void>()
    await using fake = await startFakeVllm({ answer: () => gate.promise.then(() => 'text') })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_MAX_QUEUED_PAGES: '4' })
    await askWhole(gateway.client, dry([1, 2, 3, 4, 5]))
    const reading = askWhole(gateway.client, { parts: [pdf([6, 7, 8])] })
    await eventually(() => fake.requests.length === 3, 10_000, 'three pages are at the engine')
    assert.equal(dryRunOf(await askWhole(gateway.client, dry([1]))).pages, 1)
    await assert.rejects(askWhole(gateway.client, dry([1, 2])), { status: 429, code: 'queue_full' })
    gate.resolve()
    await reading
  })

  it('takes the room of as many pages as it draws, while it draws them', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_MAX_QUEUED_PAGES: '4' })
    const admitted = async () =>
      sumBy(await readMetrics(gateway.url), 'ocr_gateway_queued_pages', 'queue')['admitted'] ?? 0
    const controller = new AbortController()
    const drawing = askWhole(gateway.client, { ...dry(Array.from({ length: 500 }, (_, index) => index)), signal: controller.signal }) // prettier-ignore
    await eventually(async () => (await admitted()) > 4, 10_000, 'pages are being drawn')
    await assert.rejects(askWhole(gateway.client, { parts: [pdf([6])] }), { status: 429, code: 'queue_full' })
    controller.abort()
    await assert.rejects(drawing)
    await eventually(async () => (await admitted()) === 0, 10_000, 'pages are let go of')
    assert.equal(fake.requests.length, 0)
  })

  const refusals = [
    { name: 'too many pages', parts: [pdf([1, 2, 3])], ocr: {}, code: 'too_many_pages' },
    { name: 'a page that is not there', parts: [pdf([1])], ocr: { pages: '2' }, code: 'page_out_of_range' },
    {
      name: 'an encrypted document',
      parts: [filePart(readFixture('encrypted-user-aes256.pdf'))],
      ocr: {},
      code: 'document_encrypted',
    },
    { name: 'a task that the model lacks', parts: [pdf([1])], ocr: { task: 'chart' }, code: 'invalid_value' },
    {
      name: 'a wish that is neither true nor false',
      parts: [pdf([1])],
      ocr: { dry_run: 'yes' },
      code: 'invalid_value',
    },
  ]
  it('is refused for what a reading would be refused for', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_MAX_PAGES: '2' })
    for (const { name, parts, ocr, code } of refusals) {
      for (const ask of [askWhole, askStream])
        await assert.rejects(
          ask(gateway.client, { parts, ocr: { dry_run: true, ...ocr } }),
          { status: 400, code },
          name,
        )
    }
  })
})
