import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { smallPages } from '../bench/small-pages.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { askWhole } from '../support/read-answer.ts'
import { readMetrics, type Sample } from '../support/read-metrics.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { eventually, within } from '../support/within.ts'

const DEADLINE = 10_000
const PAGES = 30
const LIMIT = 2
/** Pages that are drawn while others are read. */
const DRAWN_AHEAD = 8

/** Returns the value of the one sample with these labels. */
function gauge(samples: readonly Sample[], name: string, labels: Sample['labels']): number {
  const found = samples.filter(
    (sample) =>
      sample.name === `ocr_gateway_${name}` &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )
  assert.equal(found.length, 1, `${name} ${JSON.stringify(labels)}`)
  return found[0]?.value ?? NaN
}

describe('queues and upstreams in the metrics and on /ready', () => {
  it('say what waits where while a job is read, and nothing when it has ended', async () => {
    let open = () => {}
    const isOpen = new Promise<void>((resolve) => (open = resolve))
    const answer = async ({ image }: { image: { pageNumber: number | null } | null }) => {
      await isOpen
      return `page ${image?.pageNumber}`
    }
    await using fake = await startFakeVllm({ answer })
    await using down = await startFakeVllm({ models: ['some/ocr'] })
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: `${fake.url},${down.url}`,
      GATEWAY_UPSTREAM_CONCURRENCY: String(LIMIT),
    })
    const upstream = fake.url
    const read = async () => {
      const samples = await readMetrics(gateway.url)
      const queue = (name: string) => gauge(samples, 'queued_pages', { queue: name })
      const breaker = (state: string) => gauge(samples, 'upstream_breaker', { upstream, state })
      return {
        queued: [queue('admitted'), queue('page'), queue('upstream')],
        inFlight: gauge(samples, 'upstream_in_flight', { upstream }),
        limit: gauge(samples, 'upstream_limit', { upstream }),
        up: gauge(samples, 'upstream_up', { upstream }),
        breaker: [breaker('closed'), breaker('half-open'), breaker('open')],
      }
    }
    const idle = { queued: [0, 0, 0], inFlight: 0, limit: LIMIT, up: 1, breaker: [1, 0, 0] }
    assert.deepEqual(await read(), idle)
    const question = { model: 'lightonai/LightOnOCR-2-1B', parts: [filePart(smallPages(PAGES))] }
    const job = askWhole(gateway.client, question)
    await eventually(
      async () => (await read()).queued[2] === DRAWN_AHEAD,
      DEADLINE,
      'as many pages are drawn as may be ahead',
    )
    assert.deepEqual(await read(), {
      ...idle,
      queued: [PAGES, PAGES - LIMIT - DRAWN_AHEAD, DRAWN_AHEAD],
      inFlight: LIMIT,
    })
    const ready = (await (await fetch(`${gateway.url}/ready`)).json()) as { upstreams: unknown[] }
    assert.deepEqual(ready.upstreams[0], {
      url: fake.url,
      status: 'ok',
      models: ['lightonai/LightOnOCR-2-1B'],
      breaker: 'closed',
      in_flight: LIMIT,
      limit: LIMIT,
      part: LIMIT,
    })
    open()
    assert.equal((await within(job, DEADLINE, 'the answer')).ocr.pages.length, PAGES)
    assert.deepEqual(await read(), idle)
    const samples = await readMetrics(gateway.url)
    for (const queue of ['page', 'upstream'])
      assert.equal(gauge(samples, 'queue_wait_seconds_count', { queue }), PAGES, `every page has waited for ${queue}`)
  })

  it('say that an upstream is gone, and that a breaker is open', async () => {
    await using failing = await startFakeVllm({ answer: () => ({ failure: { status: 500, body: { error: 'no' } } }) })
    await using gone = await startFakeVllm({ models: ['some/ocr'] })
    await gone.kill()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: `${failing.url},${gone.url}` })
    await askWhole(gateway.client, { parts: [filePart(smallPages(4))] }).catch(() => {})
    const samples = await readMetrics(gateway.url)
    assert.deepEqual(
      [failing.url, gone.url].map((upstream) => gauge(samples, 'upstream_up', { upstream })),
      [1, 0],
    )
    assert.equal(gauge(samples, 'upstream_breaker', { upstream: failing.url, state: 'closed' }), 0)
    assert.equal(gauge(samples, 'upstream_breaker', { upstream: gone.url, state: 'closed' }), 1)
  })
})

describe('the stages of pages in the metrics', () => {
  it('tell how soon a server begins to write, and how long the whole answer took', async () => {
    const answer = () => ({ deltas: ['a page', ' of text'], firstDelayMs: 100, delayMs: 300 })
    await using fake = await startFakeVllm({ answer })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const parts = [filePart(smallPages(1))]
    await askWhole(gateway.client, { model: 'lightonai/LightOnOCR-2-1B', parts })
    const samples = await readMetrics(gateway.url)
    const seconds = (stage: string) => gauge(samples, 'stage_duration_seconds_sum', { stage })
    assert.equal(gauge(samples, 'stage_duration_seconds_count', { stage: 'first_token' }), 1)
    assert.ok(seconds('first_token') >= 0.09, `${seconds('first_token')} s`)
    assert.ok(seconds('engine') >= seconds('first_token') + 0.25, `${seconds('engine')} s`)
  })
})
