import assert from 'node:assert/strict'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { createGuard } from '../../gateway/read/guard/guard.ts'
import type { PageAnswer } from '../../gateway/read/page-answer.ts'
import { createUpstreams } from '../../gateway/upstream/upstreams.ts'
import type { UpstreamsOptions } from '../../gateway/upstream/upstreams.ts'
import { createVllmEngine } from '../../gateway/engine/vllm/engine.ts'
import { chooseProfile } from '../../gateway/profile/profiles.ts'
import { smallPages } from '../bench/small-pages.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import type { FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { grayPageImage, imageOnlyProfile, pageToRead, servedModel } from '../support/page-prompt.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { someone } from '../support/turn.ts'
import { eventually, within } from '../support/within.ts'

const DEADLINE = 5000
const GOOD = '# Minutes\n\nThe meeting was opened at nine.'

/** Upstreams that are asked how they are ten times a second, and the guard and the engine over them. */
async function start(fakes: readonly FakeVllm[], options: Partial<UpstreamsOptions> = {}) {
  const logged: string[] = []
  const upstreams = createUpstreams({
    urls: fakes.map(({ url }) => url),
    apiKey: null,
    refreshSeconds: 0.1,
    connectTimeoutSeconds: 1,
    concurrency: 2,
    patienceSeconds: 0,
    chooseProfile: () => imageOnlyProfile,
    onLog: (level, message) => logged.push(`${level} ${message}`),
    ...options,
  })
  await upstreams.refresh(AbortSignal.timeout(DEADLINE))
  const vllm = createVllmEngine({ upstreams, firstTokenTimeoutSeconds: 60, idleTimeoutSeconds: 10 })
  const ask = createGuard(vllm, { totalTimeoutSeconds: 60, backoffMilliseconds: () => 10 })
  const readPage = async (): Promise<PageAnswer> =>
    ask(pageToRead(), await grayPageImage(), AbortSignal.timeout(10_000))
  return {
    upstreams,
    logged,
    problem: (index: number) => upstreams.status()[index]?.problem,
    read: (count: number) => Array.from({ length: count }, readPage),
    [Symbol.asyncDispose]: () => upstreams.close(),
  }
}

const all = <Value>(pages: readonly Promise<Value>[]) => within(Promise.all(pages), DEADLINE, 'the pages')
const attempts = (pages: readonly PageAnswer[]) => pages.map((page) => page.attempts).toSorted((a, b) => a - b)

describe('a server that sleeps', () => {
  it('is noticed; its pages go elsewhere, and it gets pages again when it wakes', async () => {
    await using sleeper = await startFakeVllm({ devMode: true, answer: () => GOOD })
    await using other = await startFakeVllm({ devMode: true, answer: () => GOOD })
    await using setup = await start([sleeper, other], { refreshSeconds: 3600 })
    sleeper.sleep()
    const pages = setup.read(4)
    await eventually(() => sleeper.requests.length === 2, DEADLINE, 'it is sent pages')
    const look = (problem: string | null) => async () => {
      await setup.upstreams.refresh(AbortSignal.timeout(DEADLINE))
      return setup.problem(0) === problem
    }
    await eventually(look('it sleeps'), DEADLINE, 'it is found asleep')
    const ends = await all(pages)
    assert.deepEqual(attempts(ends), [1, 1, 2, 2])
    assert.deepEqual(new Set(ends.flatMap(({ reasons }) => reasons)), new Set(['engine_unavailable']))
    assert.deepEqual([sleeper.requests.length, other.requests.length], [2, 4])
    await all(setup.read(4))
    assert.equal(sleeper.requests.length, 2, 'it is asked nothing while it sleeps')
    sleeper.wake()
    await eventually(look(null), DEADLINE, 'it is found awake')
    await all(setup.read(4))
    assert.ok(sleeper.requests.length > 2, 'it reads again')
    assert.deepEqual(
      setup.logged.filter((line) => !line.endsWith('upstream is well')),
      ['warn upstream has a problem: it sleeps'],
    )
  })
})

describe('a server whose engine dies', () => {
  it('may finish the page that it has begun; one that it has not goes elsewhere', async () => {
    let asked = 0
    await using dying = await startFakeVllm({
      answer: () => (asked++ === 0 ? { deltas: ['# Minutes', ' of the meeting'], delayMs: 700 } : { silent: true }),
    })
    await using other = await startFakeVllm({ answer: () => GOOD })
    await using setup = await start([dying, other])
    other.setHealthy(false)
    await eventually(() => setup.problem(1) !== null, DEADLINE, 'the other is out')
    const pages = setup.read(2)
    await eventually(() => asked === 2, DEADLINE, 'both pages are asked for')
    other.setHealthy(true)
    await eventually(() => setup.problem(1) === null, DEADLINE, 'the other is back')
    dying.setHealthy(false)
    const [begun, moved] = (await all(pages)).toSorted((a, b) => a.attempts - b.attempts)
    assert.deepEqual([begun?.attempts, begun?.finishReason], [1, 'stop'])
    assert.deepEqual([moved?.attempts, moved?.reasons], [2, ['engine_unavailable']])
    assert.match(setup.problem(0) ?? '', /503 from \/health/)
    await eventually(() => dying.requests.some(({ finished }) => finished), DEADLINE, 'its answer has ended')
    // Which of the two it answered is chance: both were sent at once.
    const outcomes = dying.requests.map(({ finished, aborted }) =>
      finished ? 'finished' : aborted ? 'aborted' : 'open',
    )
    assert.deepEqual(outcomes.toSorted(), ['aborted', 'finished'])
    assert.equal(other.requests.length, 1)
  })
})

describe('a restart within the patience', () => {
  it('costs no page: they wait for the server to come back', async () => {
    const first = await startFakeVllm({ answer: () => ({ silent: true }) })
    await using setup = await start([first], { patienceSeconds: 10 })
    const pages = setup.read(6)
    await eventually(() => first.requests.length === 2, DEADLINE, 'the server is full')
    await first.kill()
    await eventually(() => setup.problem(0) !== null, DEADLINE, 'the loss is noticed')
    await eventually(() => setup.upstreams.waiting() === 6, DEADLINE, 'all pages wait')
    await using second = await startFakeVllm({ port: first.port, answer: () => GOOD })
    const ends = await all(pages)
    assert.deepEqual(
      ends.map(({ finishReason }) => finishReason),
      Array(6).fill('stop'),
    )
    assert.equal(second.requests.length, 6)
    assert.equal(setup.upstreams.waiting(), 0)
  })

  it('is what the patience is for: afterwards pages fail, and new ones at once', async () => {
    const fake = await startFakeVllm()
    await using setup = await start([fake], { patienceSeconds: 0.5 })
    await fake.kill()
    await eventually(() => setup.problem(0) !== null, DEADLINE, 'the loss is noticed')
    const claim = { modelId: servedModel().id, turn: someone }
    const acquire = () => setup.upstreams.acquire(claim, AbortSignal.timeout(DEADLINE))
    const patient = acquire()
    await eventually(() => setup.upstreams.waiting() === 1, DEADLINE, 'the page waits')
    // The next page of a document comes in the very moment in which the one before it is refused.
    await assert.rejects(within(patient, DEADLINE, 'the patient page'), { code: 'engine_unavailable' })
    await assert.rejects(within(acquire(), 100, 'the late page'), { code: 'engine_unavailable' })
    await assert.rejects(
      within(setup.upstreams.expect(claim.modelId, AbortSignal.timeout(DEADLINE)), 2000, 'the late request'),
      { code: 'engine_unavailable' },
    )
    await using second = await startFakeVllm({ port: fake.port })
    await eventually(() => setup.problem(0) === null, DEADLINE, 'the server is found again')
    const lease = await within(acquire(), 1000, 'a page')
    assert.equal(lease.url, second.url)
    lease.release()
  })
})

describe('a page that waits for another server than the one that has room', () => {
  it('does not hold up the next one', async () => {
    await using one = await startFakeVllm()
    await using other = await startFakeVllm()
    await using setup = await start([one, other], { concurrency: 1, refreshSeconds: 3600 })
    const modelId = servedModel().id
    const signal = AbortSignal.timeout(DEADLINE)
    const acquire = (tried: readonly string[]) =>
      setup.upstreams.acquire({ modelId, turn: someone, tried: new Set(tried) }, signal)
    await acquire([one.url])
    const waiting = acquire([one.url]).catch(() => {})
    const lease = await within(acquire([]), 1000, 'the room at the first server')
    assert.equal(lease.url, one.url)
    lease.release()
    await setup.upstreams.close()
    void waiting
  })
})

describe('a server that is late to say how it is', { timeout: 60_000 }, () => {
  it('keeps its pages, those that wait for their first token too', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ text: GOOD, firstDelayMs: 7000 }) })
    await using slow = await startLate(fake, ['/v1/models'])
    await using setup = await start([{ ...fake, url: slow.url }], { refreshSeconds: 3600 })
    slow.isLate = true
    const pages = setup.read(2)
    await eventually(() => fake.requests.length === 2, DEADLINE, 'it has the pages')
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await setup.upstreams.refresh(AbortSignal.timeout(10_000))
    assert.equal(slow.late, 1, 'it was late')
    assert.equal(setup.problem(0), null)
    const ends = await within(Promise.all(pages), 10_000, 'the pages')
    assert.deepEqual(attempts(ends), [1, 1])
  })

  it('keeps its pages when it says nothing at all for a while', async () => {
    await using fake = await startFakeVllm({ answer: () => GOOD })
    await using setup = await start([fake], { refreshSeconds: 3600 })
    fake.setHanging(true)
    const pages = setup.read(2)
    await eventually(() => fake.requests.length === 2, DEADLINE, 'it has the pages')
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await setup.upstreams.refresh(AbortSignal.timeout(10_000))
    assert.equal(setup.problem(0), null)
    fake.setHanging(false)
    assert.deepEqual(attempts(await all(pages)), [1, 1])
  })
})

/** Stands before a server, and lets questions for some paths wait without end while it is late. */
async function startLate({ url }: FakeVllm, paths: readonly string[]) {
  const target = new URL(url)
  const state = { isLate: false, late: 0 }
  const server = createServer((request, response) => {
    const { method, headers, url: path = '/' } = request
    if (state.isLate && paths.includes(path)) {
      state.late += 1
      return
    }
    const { hostname, port } = target
    const forwarded = httpRequest({ hostname, port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    forwarded.on('error', () => response.destroy())
    request.pipe(forwarded)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}/v1`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  })
}

describe('a server that is put to sleep in the middle of a page', { timeout: 60_000 }, () => {
  const lines = Array.from({ length: 30 }, (_, line) =>
    Array.from(
      { length: 8 },
      (_, word) => `${'bcdfghjklmnprstv'[(line * 7 + word * 5) % 16]}${'aeiou'[word % 5]}rd${line}`,
    ).join(' '),
  )
  const document = makePdf([1, 2, 3].map((number) => ({ number, lines })))
  const slowly = { text: lines.join('\n'), firstDelayMs: 50, delayMs: 20 }

  it('is never the last word: its pages fail as engine_unavailable, though they have a good text layer', async () => {
    await using sleeper = await startFakeVllm({ devMode: true, answer: () => slowly })
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: sleeper.url,
      GATEWAY_UPSTREAM_CONCURRENCY: '3',
      GATEWAY_UPSTREAM_PATIENCE_SECONDS: '0.5',
    })
    const asked = askWhole(gateway.client, { parts: [filePart(document)] })
    const failed = assert.rejects(within(asked, 20_000, 'the answer'), { status: 503, code: 'engine_unavailable' })
    await eventually(() => sleeper.requests.length === 3, 15_000, 'all pages are begun')
    sleeper.sleep()
    await failed
  })

  it('has its pages read by another one', async () => {
    await using sleeper = await startFakeVllm({ devMode: true, answer: () => slowly })
    await using other = await startFakeVllm({ devMode: true, answer: () => lines.join('\n') })
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: `${sleeper.url},${other.url}`,
      GATEWAY_UPSTREAM_PATIENCE_SECONDS: '0.5',
    })
    const asked = askWhole(gateway.client, { parts: [filePart(document)] })
    await eventually(() => sleeper.requests.length > 0, 15_000, 'it has pages')
    sleeper.sleep()
    const { ocr } = await within(asked, 20_000, 'the answer')
    assert.deepEqual(new Set(ocr.pages.map(({ status }) => status)), new Set(['ok', 'repaired']))
  })
})

describe('a version of vLLM that is known to serve a model badly', () => {
  it('is a warning, until another one answers', async () => {
    const first = await startFakeVllm({ version: '0.27.1' })
    await using setup = await start([first], { chooseProfile: (entry) => chooseProfile(entry, new Map()) })
    const warning = 'vLLM 0.27.1 serves lightonai/LightOnOCR-2-1B badly: compiled, every LightOnOCR model loops.'
    const isWarned = () => setup.upstreams.status()[0]?.warnings.some((text) => text.startsWith(warning)) === true
    assert.ok(isWarned())
    assert.equal(setup.problem(0), null, 'it is asked all the same')
    await eventually(() => (first.calls.get('GET /version') ?? 0) > 2, DEADLINE, 'it is asked again')
    assert.equal(setup.logged.filter((line) => line.startsWith(`warn ${warning}`)).length, 1, 'said once')
    await first.kill()
    await eventually(() => setup.problem(0) !== null, DEADLINE, 'the loss is noticed')
    await using second = await startFakeVllm({ port: first.port, version: '0.30.0' })
    await eventually(() => setup.problem(0) === null, DEADLINE, `${second.url} is found`)
    assert.deepEqual(setup.upstreams.status()[0]?.warnings, [])
  })

  it('is on /ready', async () => {
    await using fake = await startFakeVllm({ version: '0.27.1' })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const [upstream] = (await readiness(gateway)).upstreams
    assert.equal(upstream?.status, 'ok')
    assert.match(upstream?.warnings?.[0] ?? '', /^vLLM 0\.27\.1 serves .* Use 0\.30\.0/)
  })
})

interface Readiness {
  readonly status: string
  readonly upstreams: readonly {
    readonly url: string
    readonly status: string
    readonly warnings?: readonly string[]
    readonly breaker: string
    readonly in_flight: number
    readonly limit: number
  }[]
}

async function readiness(gateway: TestGateway): Promise<Readiness> {
  return (await (await fetch(`${gateway.url}/ready`)).json()) as Readiness
}

const read = async (gateway: TestGateway, pages: number, firstNumber = 1, model = 'default') => {
  const question = { model, parts: [filePart(smallPages(pages, firstNumber))] }
  return (await within(askWhole(gateway.client, question), 10_000, 'the answer')).ocr.pages
}

describe('a gateway', () => {
  it('loses one first-token time-out to a server that hangs, and no page', async () => {
    await using hanging = await startFakeVllm({ answer: () => GOOD })
    await using other = await startFakeVllm({ answer: () => ({ text: GOOD, firstDelayMs: 200 }) })
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: `${hanging.url},${other.url}`,
      GATEWAY_UPSTREAM_CONCURRENCY: '5',
      GATEWAY_FIRST_TOKEN_TIMEOUT_SECONDS: '1',
    })
    hanging.setHanging(true)
    const startedAt = performance.now()
    const pages = await read(gateway, 30)
    const seconds = (performance.now() - startedAt) / 1000
    assert.ok(seconds > 1 && seconds < 5, `${seconds} s`)
    assert.deepEqual(new Set(pages.map(({ status }) => status)), new Set(['ok', 'repaired']))
    assert.ok(pages.every((page) => page.attempts <= 2))
    assert.deepEqual(new Set(pages.flatMap(({ reasons = [] }) => reasons)), new Set(['engine_timeout']))
    // Those that it was sent before it was found out (five, and four in their places), and single ones on trial.
    assert.ok(hanging.requests.length >= 2 && hanging.requests.length <= 12, `${hanging.requests.length} requests`)
    hanging.setHanging(false)
  })

  it('leaves alone a server that fails at everything, and finds it when it is well again', async () => {
    await using failing = await startFakeVllm({ answer: () => ({ failure: { status: 500, body: { error: 'no' } } }) })
    await using other = await startFakeVllm({ answer: () => ({ text: GOOD, firstDelayMs: 200 }) })
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: `${failing.url},${other.url}`,
      GATEWAY_UPSTREAM_CONCURRENCY: '4',
    })
    const pages = await read(gateway, 40)
    assert.deepEqual(new Set(pages.map(({ status }) => status)), new Set(['ok', 'repaired']))
    assert.ok(failing.requests.length <= 12, `${failing.requests.length} of 40 pages went to it`)
    assert.notEqual((await readiness(gateway)).upstreams[0]?.breaker, 'closed')
    failing.setAnswer(() => GOOD)
    let number = 1000
    const isBack = async () => {
      // Two seconds of work: what the other has read in no time is not given to one on trial.
      await read(gateway, 40, (number += 40))
      return (await readiness(gateway)).upstreams[0]?.breaker === 'closed'
    }
    await eventually(isBack, 8000, 'it is trusted again')
    const asked = failing.requests.length
    await read(gateway, 20, 3000)
    assert.ok(failing.requests.length >= asked + 4, 'it reads its share')
  })

  it('refuses requests at once when nobody has served the model for longer than the patience', async () => {
    const fake = await startFakeVllm()
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_UPSTREAM_PATIENCE_SECONDS: '0.2',
    })
    await fake.kill()
    const ask = () =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'default',
          messages: [{ role: 'user', content: [filePart(smallPages(1))] }],
        }),
      })
    assert.equal((await ask()).status, 503)
    const startedAt = performance.now()
    const { status, headers } = await ask()
    assert.deepEqual([status, headers.get('x-should-retry'), headers.get('retry-after')], [503, 'true', '5'])
    assert.ok(performance.now() - startedAt < 1500, `${performance.now() - startedAt} ms`)
    assert.equal((await fetch(`${gateway.url}/ready`)).status, 503)
  })

  it("reads one model's pages while the server of another does nothing", async () => {
    await using stuck = await startFakeVllm({ models: ['stuck/ocr'], answer: () => ({ silent: true }) })
    await using other = await startFakeVllm({ models: ['other/ocr'], answer: () => GOOD })
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: `${stuck.url},${other.url}`,
      GATEWAY_UPSTREAM_CONCURRENCY: '2',
    })
    const client = new AbortController()
    const question = { model: 'stuck/ocr', parts: [filePart(smallPages(30, 100))], signal: client.signal }
    const job = askWhole(gateway.client, question).catch(() => 'left')
    await eventually(() => stuck.requests.length === 2, DEADLINE, 'the server is full')
    const pages = await read(gateway, 10, 1, 'other/ocr')
    assert.deepEqual(new Set(pages.map(({ status }) => status)), new Set(['ok']))
    client.abort()
    assert.equal(await job, 'left')
  })
})
