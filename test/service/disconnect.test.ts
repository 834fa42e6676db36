import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { APIError } from 'openai'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { readMetrics, sumBy, valueOf } from '../support/read-metrics.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { eventually } from '../support/within.ts'

const WAIT = 15_000
const PAGES = 6
const AT_A_TIME = 2

let engine: FakeVllm
let gateway: TestGateway
let letGo: () => void = () => {}

before(async () => {
  engine = await startFakeVllm()
  gateway = await startTestGateway({
    GATEWAY_UPSTREAM_URLS: engine.url,
    GATEWAY_UPSTREAM_CONCURRENCY: `${AT_A_TIME}`,
  })
})
after(async () => {
  await gateway.stop()
  await engine.kill()
})

/** What the engine was asked for pages from this number on. */
const askedFrom = (first: number) =>
  engine.requests.filter(({ image }) => {
    const number = image?.pageNumber ?? -1
    return number >= first && number < first + PAGES
  })

/** Asks for a document whose pages are numbered from `first` on. */
function ask(
  first: number,
  options: { stream?: boolean; headers?: Record<string, string>; signal?: AbortSignal } = {},
) {
  const { stream = false, headers = {}, signal } = options
  const document = filePart(makePdf(Array.from({ length: PAGES }, (_, index) => ({ number: first + index }))))
  return gateway.client.chat.completions.create(
    { model: 'default', stream, messages: [{ role: 'user', content: [document] }] },
    { headers, ...(signal === undefined ? {} : { signal }) },
  )
}

/** Asks, and leaves when the engine is at as many pages as it takes. */
async function askAndLeave(first: number, options: { stream: boolean; headers?: Record<string, string> }) {
  const { promise, resolve } = Promise.withResolvers<void>()
  letGo = resolve
  engine.setAnswer(async ({ image }) => promise.then(() => `page ${image?.pageNumber}`))
  const leave = new AbortController()
  const asked = Promise.resolve(ask(first, { ...options, signal: leave.signal })).catch(() => null)
  await eventually(() => askedFrom(first).length === AT_A_TIME, WAIT, 'the engine is at its pages')
  leave.abort()
  await asked
}

const gauges = async () => {
  const metrics = await readMetrics(gateway.url)
  return {
    inFlight: valueOf(metrics, 'ocr_gateway_pages_in_flight'),
    queued: sumBy(metrics, 'ocr_gateway_queued_pages', 'queue')['admitted'],
  }
}
const isIdle = async () => {
  const { inFlight, queued } = await gauges()
  return inFlight === 0 && queued === 0
}

describe('a client that leaves before its document is read', { timeout: 60_000 }, () => {
  for (const [first, stream] of [
    [100, true],
    [200, false],
  ] as const)
    it(`and comes again, finds what the engine had taken; stream ${stream}`, async () => {
      await askAndLeave(first, { stream, headers: { 'x-ocr-on-disconnect': 'finish' } })
      await eventually(async () => (await gauges()).inFlight === AT_A_TIME, WAIT, 'the rest is dropped')
      assert.equal((await gauges()).queued, AT_A_TIME)
      letGo()
      await eventually(isIdle, WAIT, 'what it had taken is read')
      assert.deepEqual(
        askedFrom(first).map(({ finished }) => finished),
        [true, true],
      )
      await ask(first)
      assert.equal(askedFrom(first).length, PAGES)
    })

  it('has everything aborted when it does not say that it comes again', async () => {
    await askAndLeave(300, { stream: true })
    await eventually(isIdle, WAIT, 'everything is dropped')
    assert.deepEqual(
      askedFrom(300).map(({ aborted }) => aborted),
      [true, true],
    )
    letGo()
  })

  it('is told what it may say', async () => {
    const error = await ask(400, { headers: { 'x-ocr-on-disconnect': 'keep' } }).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof APIError)
    const { status, code, param, message } = error
    assert.deepEqual([status, code, param], [400, 'invalid_value', 'x-ocr-on-disconnect'])
    assert.match(message, /must be "abort" or "finish"/)
  })
})
