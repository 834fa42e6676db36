import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { smallPages } from '../bench/small-pages.ts'
import { errorBody } from '../../gateway/wire/openai/errors.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { readMetrics, sumBy } from '../support/read-metrics.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { eventually, within } from '../support/within.ts'

const DEADLINE = 15_000

/** Pages from this number on are answered, those before it never. */
const ANSWERED = 1000

/** A vLLM that never answers the pages of a job, and all others at once. */
const startStuck = () =>
  startFakeVllm({
    answer: ({ image }) => ((image?.pageNumber ?? 0) < ANSWERED ? { silent: true } : `page ${image?.pageNumber}`),
  })

interface Ask {
  readonly pages: number
  readonly firstNumber: number
  readonly key?: string
  readonly signal?: AbortSignal
  readonly more?: object
}

function ask({ url }: TestGateway, { pages, firstNumber, key, signal, more }: Ask): Promise<Response> {
  const messages = [{ role: 'user', content: [filePart(smallPages(pages, firstNumber))] }]
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ model: 'default', messages, ...more }),
    signal: signal ?? AbortSignal.timeout(DEADLINE),
  })
}

/** Sends a job that never ends; returns once all its pages are let in, with what makes its client leave. */
async function startJob(gateway: TestGateway, pages: number) {
  const client = new AbortController()
  const left = ask(gateway, { pages, firstNumber: 1, signal: client.signal }).catch(() => 'left')
  await eventually(async () => (await admitted(gateway)) === pages, DEADLINE, 'the job is let in')
  return async () => {
    client.abort()
    assert.equal(await left, 'left')
  }
}

async function queued({ url }: TestGateway): Promise<Record<string, number>> {
  return sumBy(await readMetrics(url), 'ocr_gateway_queued_pages', 'queue')
}

const admitted = async (gateway: TestGateway): Promise<number> => (await queued(gateway))['admitted'] ?? NaN

async function pagesDrawn({ url }: TestGateway): Promise<number> {
  return sumBy(await readMetrics(url), 'ocr_gateway_stage_duration_seconds_count', 'stage')['rasterize'] ?? 0
}

const startBounded = (fake: FakeVllm, environment: Record<string, string> = {}) =>
  startTestGateway({
    GATEWAY_UPSTREAM_URLS: fake.url,
    GATEWAY_UPSTREAM_CONCURRENCY: '20',
    GATEWAY_MAX_QUEUED_PAGES: '10',
    ...environment,
  })

describe('a full queue', () => {
  for (const { name, job, pages } of [
    { name: 'with as many pages waiting as may', job: 10, pages: 1 },
    { name: 'that the request would overfill', job: 6, pages: 5 },
  ])
    it(`${name}, is 429 queue_full before a page is drawn or asked for`, async () => {
      await using fake = await startStuck()
      await using gateway = await startBounded(fake)
      const leave = await startJob(gateway, job)
      await eventually(() => fake.requests.length === job, DEADLINE, 'the job is at the engine')
      const drawn = await pagesDrawn(gateway)
      const response = await ask(gateway, { pages, firstNumber: ANSWERED })
      const { error } = errorBody.parse(await response.json())
      assert.deepEqual([response.status, error.code, error.type], [429, 'queue_full', 'rate_limit_error'])
      assert.match(error.message, new RegExp(`^${job} pages .* at most 10 .* again in 5 seconds`))
      // None was read yet: how long it takes is not known.
      assert.deepEqual([response.headers.get('retry-after'), response.headers.get('x-should-retry')], ['5', 'true'])
      assert.deepEqual([fake.requests.length, await pagesDrawn(gateway)], [job, drawn])
      assert.equal(await admitted(gateway), job)
      await leave()
    })

  it('takes what fits', async () => {
    await using fake = await startStuck()
    await using gateway = await startBounded(fake)
    const leave = await startJob(gateway, 6)
    assert.equal((await ask(gateway, { pages: 4, firstNumber: ANSWERED })).status, 200)
    await leave()
  })

  it('is empty for the first request, whatever its size', async () => {
    await using fake = await startStuck()
    await using gateway = await startBounded(fake)
    assert.equal((await ask(gateway, { pages: 25, firstNumber: ANSWERED })).status, 200)
    assert.equal(await admitted(gateway), 0)
  })

  it('counts no page that the cache holds', async () => {
    await using fake = await startStuck()
    await using gateway = await startBounded(fake)
    const known = { pages: 8, firstNumber: ANSWERED }
    assert.equal((await ask(gateway, known)).headers.get('x-cache'), 'MISS')
    const leave = await startJob(gateway, 6)
    const again = await ask(gateway, known)
    assert.deepEqual([again.status, again.headers.get('x-cache')], [200, 'HIT'])
    const anew = await ask(gateway, { ...known, more: { ocr: { cache: 'refresh' } } })
    assert.equal(anew.status, 429, 'those that are read again count')
    await leave()
  })

  it('counts no page of a client that has left', async () => {
    await using fake = await startStuck()
    await using gateway = await startBounded(fake)
    const leave = await startJob(gateway, 10)
    await leave()
    await eventually(async () => (await admitted(gateway)) === 0, DEADLINE, 'the pages are gone')
    const leaveAgain = await startJob(gateway, 10)
    const { status, headers } = await ask(gateway, { pages: 1, firstNumber: ANSWERED })
    assert.deepEqual([status, headers.get('retry-after')], [429, '5'], 'pages that were left are none that were read')
    await leaveAgain()
    await eventually(async () => (await admitted(gateway)) === 0, DEADLINE, 'the pages are gone again')
    assert.equal((await ask(gateway, { pages: 10, firstNumber: ANSWERED })).status, 200)
  })

  it('counts no page that has ended, and says how long the others will take', async () => {
    // Four pages a second or so: two at a time, each half a second.
    await using fake = await startFakeVllm({ answer: () => ({ text: 'a page', firstDelayMs: 500 }) })
    await using gateway = await startBounded(fake, { GATEWAY_UPSTREAM_CONCURRENCY: '2' })
    const client = new AbortController()
    const job = ask(gateway, { pages: 12, firstNumber: 1, signal: client.signal }).catch(() => 'left')
    await eventually(async () => (await admitted(gateway)) === 8, DEADLINE, 'four pages are read')
    const response = await ask(gateway, { pages: 3, firstNumber: ANSWERED })
    assert.equal(response.status, 429)
    const seconds = Number(response.headers.get('retry-after'))
    assert.ok(seconds >= 1 && seconds <= 4, `${seconds} s for one page too many`)
    client.abort()
    await job
  })
})

/** Page numbers, in the order in which the engine was asked. */
const asked = ({ requests }: FakeVllm): number[] => requests.map(({ image }) => image?.pageNumber ?? NaN)

/** A vLLM that takes two pages at a time, as the gateway knows, and how both are started. */
async function startNarrow(answerMilliseconds: number, environment: Record<string, string> = {}) {
  const fake = await startFakeVllm({ answer: () => ({ text: 'a page', firstDelayMs: answerMilliseconds }) })
  const gateway = await startTestGateway({
    GATEWAY_UPSTREAM_URLS: fake.url,
    GATEWAY_UPSTREAM_CONCURRENCY: '2',
    ...environment,
  })
  return { fake, gateway, [Symbol.asyncDispose]: async () => (await gateway.stop(), await fake.kill()) }
}

describe('turns', () => {
  it('come soon to a single page, however long the job is that it meets', async () => {
    await using setup = await startNarrow(200)
    const client = new AbortController()
    const job = ask(setup.gateway, { pages: 200, firstNumber: 1, signal: client.signal }).catch(() => 'left')
    await eventually(() => setup.fake.requests.length >= 4, DEADLINE, 'the job is under way')
    for (const firstNumber of [ANSWERED, ANSWERED + 1, ANSWERED + 2]) {
      const startedAt = performance.now()
      assert.equal((await within(ask(setup.gateway, { pages: 1, firstNumber }), DEADLINE, 'the page')).status, 200)
      const milliseconds = performance.now() - startedAt
      assert.ok(milliseconds < 10 * 200, `${milliseconds} ms`)
    }
    assert.ok(setup.fake.requests.length < 100, 'the job is still under way')
    client.abort()
    assert.equal(await job, 'left')
  })

  it('go from key to key: one with many requests gets no more than one with a single request', async () => {
    await using setup = await startNarrow(50, { GATEWAY_API_KEYS: 'busy:busy-key,calm:calm-key' })
    const client = new AbortController()
    const jobs = [0, 1, 2, 3, 4, 5].map((job) =>
      ask(setup.gateway, { pages: 20, firstNumber: 1 + 20 * job, key: 'busy-key', signal: client.signal }).catch(
        () => 'left',
      ),
    )
    await eventually(() => setup.fake.requests.length >= 10, DEADLINE, 'the busy key has the engine')
    const before = setup.fake.requests.length
    const { status } = await ask(setup.gateway, { pages: 20, firstNumber: ANSWERED, key: 'calm-key' })
    assert.equal(status, 200)
    const others = asked(setup.fake)
      .slice(before)
      .filter((number) => number < ANSWERED)
    assert.ok(others.length <= 36, `${others.length} pages of the busy key beside 20`)
    client.abort()
    await Promise.all(jobs)
  })

  it('come to `service_tier: "flex"` after everyone else, and still now and then', async () => {
    await using setup = await startNarrow(50)
    const client = new AbortController()
    const more = { service_tier: 'flex' }
    const job = ask(setup.gateway, { pages: 150, firstNumber: 1, more, signal: client.signal }).catch(() => 'left')
    await eventually(() => setup.fake.requests.length >= 10, DEADLINE, 'the flex job has the engine')
    assert.equal((await ask(setup.gateway, { pages: 40, firstNumber: ANSWERED })).status, 200)
    const order = asked(setup.fake)
    const during = order.slice(order.indexOf(ANSWERED), order.lastIndexOf(ANSWERED + 39))
    const flex = during.filter((number) => number < ANSWERED).length
    assert.ok(flex >= 1 && flex <= 20, `${flex} pages of the flex job beside 40`)
    client.abort()
    assert.equal(await job, 'left')
  })

  it('come at once to a page of a flex job that somebody else waits for', async () => {
    await using setup = await startNarrow(100)
    const client = new AbortController()
    const document = { pages: 80, firstNumber: 1 }
    const more = { service_tier: 'flex' }
    const flex = ask(setup.gateway, { ...document, more, signal: client.signal }).catch(() => 'left')
    await eventually(() => setup.fake.requests.length > 0, DEADLINE, 'the flex job is under way')
    const before = setup.fake.requests.length
    const { status } = await ask(setup.gateway, { ...document, more: { ocr: { pages: '76-80' } } })
    assert.equal(status, 200)
    const order = asked(setup.fake)
    const others = order.slice(before).length - 5
    // Those that were drawn, or at the engine, when it came.
    assert.ok(others <= 30, `${others} other pages beside 5`)
    assert.equal(order.filter((number) => number >= 76).length, 5)
    client.abort()
    assert.equal(await flex, 'left')
  })
})
