import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { smallPages } from '../bench/small-pages.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart, imagePart } from '../support/documents.ts'
import { encodePng } from '../fixtures/images.ts'
import { drawPage } from '../fixtures/printed-page.ts'
import { startScriptedServer } from '../support/scripted-server.ts'
import { askWhole } from '../support/read-answer.ts'
import { readMetrics, type Sample } from '../support/read-metrics.ts'
import { startRedis } from '../support/start-redis.ts'
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
    const model = 'lightonai/LightOnOCR-2-1B'
    const unsent = () => gateway.services.ocr.admission.unsentFor(model)
    const question = { model, parts: [filePart(smallPages(PAGES))] }
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
    assert.equal(unsent(), PAGES - LIMIT, 'the model was asked to read what is at the server')
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
    assert.deepEqual([await read(), unsent()], [idle, 0])
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

describe('pages in the metrics', () => {
  it('are counted by key and format, timed by lane, and told what makes them less certain', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_API_KEYS: 'archive:unused,other:else',
    })
    const model = 'lightonai/LightOnOCR-2-1B'
    await askWhole(gateway.client, { model, parts: [filePart(smallPages(2))] })
    await askWhole(gateway.client, {
      model,
      parts: [
        filePart(smallPages(3)),
        imagePart(
          await encodePng(drawPage((context) => context.fillRect(20, 20, 60, 60), { width: 120, height: 120 })),
        ),
      ],
    })
    const samples = await readMetrics(gateway.url)
    const pages = (format: string) => gauge(samples, 'pages_total', { status: 'ok', model, key: 'archive', format })
    assert.deepEqual([pages('application/pdf'), pages('image/png')], [5, 1])
    const timed = (cache: string) => gauge(samples, 'page_duration_seconds_count', { lane: 'interactive', cache })
    assert.deepEqual([timed('hit'), timed('miss')], [2, 4])
    assert.equal(gauge(samples, 'page_warnings_total', { code: 'image_small' }), 1)
    assert.equal(gauge(samples, 'stored_bytes_limit', {}), 20 * 2 ** 30)
    assert.ok(gauge(samples, 'drawers', { state: 'idle' }) >= 1)
    assert.ok(gauge(samples, 'drawers_resident_memory_bytes', {}) > 20e6)
    assert.ok(gauge(samples, 'data_disk_free_bytes', {}) < gauge(samples, 'data_disk_bytes', {}))
  })
})

describe('what vLLM says of itself', () => {
  it('is repeated by upstream, and nothing of a server that says nothing', async () => {
    await using fake = await startFakeVllm()
    fake.setKvCacheUsage(0.25)
    await using other = await startScriptedServer({})
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: `${fake.url},${other.url}` })
    const usage = async () =>
      (await readMetrics(gateway.url)).filter(({ name }) => name === 'ocr_gateway_upstream_server_kv_cache_usage')
    await eventually(async () => (await usage()).length > 0, DEADLINE, 'what vLLM says')
    assert.deepEqual(
      (await usage()).map(({ labels, value }) => [labels['upstream'], value]),
      [[fake.url, 0.25]],
    )
    const samples = await readMetrics(gateway.url)
    for (const name of ['running', 'waiting', 'preemptions_total'])
      assert.equal(gauge(samples, `upstream_server_${name}`, { upstream: fake.url }), 0)
  })

  it('holds pages back while its KV cache is too full, but for one at a time', async () => {
    const answer = () => ({ text: 'a page of text', delayMs: 20 })
    await using fake = await startFakeVllm({ answer })
    fake.setKvCacheUsage(0.95)
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_UPSTREAM_CONCURRENCY: '8',
      GATEWAY_MAX_KV_CACHE_USAGE: '0.9',
    })
    const isHeldBack = async () =>
      gauge(await readMetrics(gateway.url), 'upstream_held_back', { upstream: fake.url }) === 1
    await eventually(isHeldBack, DEADLINE, 'it is held back')
    const model = 'lightonai/LightOnOCR-2-1B'
    const read = (count: number, first: number) =>
      within(askWhole(gateway.client, { model, parts: [filePart(smallPages(count, first))] }), DEADLINE, 'the answer')
    assert.equal((await read(6, 1)).ocr.pages.length, 6)
    assert.equal(fake.peakRunning, 1)
    fake.setKvCacheUsage(0.5)
    await eventually(async () => !(await isHeldBack()), DEADLINE, 'it is sent pages again')
    await read(12, 101)
    assert.ok(fake.peakRunning > 1, `${fake.peakRunning} at a time`)
  })

  it('is sent one page of each replica while its KV cache is too full, and all their pages end', async () => {
    await using redis = await startRedis()
    await using fake = await startFakeVllm({ answer: () => ({ text: 'a page of text', delayMs: 20 }) })
    fake.setKvCacheUsage(1)
    const environment = {
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_REDIS_URL: redis.url,
      GATEWAY_UPSTREAM_CONCURRENCY: '8',
      GATEWAY_MAX_KV_CACHE_USAGE: '0.9',
    }
    await using first = await startTestGateway(environment)
    await using second = await startTestGateway(environment)
    for (const { url } of [first, second]) {
      const isHeldBack = async () => gauge(await readMetrics(url), 'upstream_held_back', { upstream: fake.url }) === 1
      await eventually(isHeldBack, DEADLINE, 'it is held back')
    }
    const model = 'lightonai/LightOnOCR-2-1B'
    const read = ({ client }: typeof first, number: number) =>
      within(askWhole(client, { model, parts: [filePart(smallPages(6, number))] }), DEADLINE, 'the answer')
    const answers = await Promise.all([read(first, 1), read(second, 101)])
    assert.deepEqual(
      answers.map(({ ocr }) => ocr.pages.length),
      [6, 6],
    )
    assert.ok(fake.peakRunning <= 2, `${fake.peakRunning} at a time`)
    assert.equal(gauge(await readMetrics(first.url), 'redis_up', {}), 1)
  })
})
