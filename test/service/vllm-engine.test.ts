import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Delta, Prompt } from '../../gateway/engine/engine.ts'
import { connectUpstream } from '../../gateway/upstream/connection.ts'
import { createUpstreams } from '../../gateway/upstream/upstreams.ts'
import { createVllmEngine } from '../../gateway/engine/vllm/engine.ts'
import type { VllmEngineOptions } from '../../gateway/engine/vllm/engine.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { Answer } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import type { FakeVllmOptions } from '../fakes/fake-vllm.ts'
import { grayPageImage, imageOnlyProfile, imageThenTextProfile, promptOf, servedModel } from '../support/page-prompt.ts'
import { startStuckServer } from '../support/stuck-server.ts'
import { eventually, within } from '../support/within.ts'

const DEADLINE = 5000

interface Setup extends FakeVllmOptions {
  readonly limits?: Partial<Omit<VllmEngineOptions, 'upstreams'>>
  readonly gatewayKey?: string
}

async function start({ limits, gatewayKey, ...options }: Setup = {}) {
  const fake = await startFakeVllm(options)
  const upstreams = createUpstreams({
    urls: [fake.url],
    apiKey: gatewayKey ?? null,
    refreshSeconds: 3600,
    connectTimeoutSeconds: 1,
    concurrency: null,
    patienceSeconds: 0,
    chooseProfile: () => imageOnlyProfile,
  })
  await upstreams.refresh(AbortSignal.timeout(DEADLINE))
  const silence = { firstTokenTimeoutSeconds: 5, idleTimeoutSeconds: 5 }
  const firstTokens: number[] = []
  const onFirstToken = (seconds: number) => firstTokens.push(seconds)
  const engine = createVllmEngine({ upstreams, ...silence, onFirstToken, ...limits })
  return {
    fake,
    upstreams,
    engine,
    firstTokens,
    ask: async (prompt?: Prompt, signal: AbortSignal = AbortSignal.timeout(DEADLINE)) =>
      within(Array.fromAsync(engine(prompt ?? (await promptOf()), signal)), DEADLINE, 'the page'),
    async [Symbol.asyncDispose]() {
      await upstreams.close()
      await fake.kill()
    },
  }
}

function textOf(deltas: readonly Delta[]): string {
  return deltas.map((delta) => (delta.type === 'text' ? delta.text : '')).join('')
}

async function failureOf(answered: Promise<unknown>): Promise<GatewayError> {
  const error = await answered.then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof GatewayError, `a GatewayError expected, got ${String(error)}`)
  return error
}

const failure = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  failure: { status, body, headers },
})
const vllmError = (code: number, message: string) => ({ error: { message, type: 'X', param: null, code } })

describe('the vLLM engine', () => {
  it('asks for one page with one image, says everything explicitly, and tells how it ended', async () => {
    await using setup = await start({ answer: () => '# Title\n\nText with 中文 and 😀.' })
    const deltas = await setup.ask()
    assert.equal(textOf(deltas), '# Title\n\nText with 中文 and 😀.')
    const end = deltas.at(-1)
    assert.deepEqual(end, {
      type: 'end',
      finishReason: 'stop',
      usage: { promptTokens: 62, completionTokens: 8 },
      confidence: null,
    })
    const [request, ...others] = setup.fake.requests
    assert.equal(others.length, 0)
    const { messages, ...fields } = request?.body ?? {}
    assert.deepEqual(fields, {
      model: 'lightonai/LightOnOCR-2-1B',
      temperature: 0.2,
      top_p: 0.9,
      top_k: -1,
      repetition_penalty: 1,
      max_tokens: 4096,
      stream: true,
      stream_options: { include_usage: true },
    })
    const image = await grayPageImage()
    const url = `data:image/png;base64,${Buffer.from(image.data).toString('base64')}`
    assert.deepEqual(messages, [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }])
    assert.deepEqual([request?.image?.width, request?.image?.height], [280, 140])
    assert.deepEqual(setup.fake.layoutProblems, [])
  })

  it('sends an empty system message, the image, then the text, where the profile says so', async () => {
    await using setup = await start({ models: ['tencent/HunyuanOCR'] })
    const model = servedModel(imageThenTextProfile, { id: 'tencent/HunyuanOCR' })
    const deltas = await setup.ask(await promptOf({ model }))
    assert.match(textOf(deltas), /^page image 280x140 sha /)
    assert.deepEqual(setup.fake.layoutProblems, [])
    const body = setup.fake.requests[0]?.body
    assert.deepEqual(body?.messages?.[0], { role: 'system', content: '' })
    const { temperature, top_p, top_k, repetition_penalty, seed, skip_special_tokens } = { ...body }
    assert.deepEqual([temperature, top_p, top_k, repetition_penalty, seed], [0, 1, -1, 1.08, 1234])
    assert.equal(skip_special_tokens, true)
  })

  it('asks how sure it is of each token only where that is wanted, and says so of the page', async () => {
    await using setup = await start({ answer: () => ({ deltas: ['one', ' two'], logprobs: [Math.log(0.5), 0] }) })
    const end = (await setup.ask(await promptOf({ confidence: true }))).at(-1)
    assert.ok(end?.type === 'end' && end.confidence !== null)
    // The end-of-text token is none of the two, or the mean would be higher.
    assert.ok(Math.abs(end.confidence.mean - Math.SQRT1_2) < 1e-9, String(end.confidence.mean))
    assert.equal(end.confidence.lowest, end.confidence.mean)
    const { logprobs, top_logprobs } = { ...setup.fake.requests[0]?.body }
    assert.deepEqual([logprobs, top_logprobs], [true, 0])
  })

  const odd: { name: string; logprobs: (number | null)[]; mean: number | null }[] = [
    { name: 'none at all', logprobs: [null, null], mean: null },
    { name: 'none for some', logprobs: [null, Math.log(0.25)], mean: 0.25 },
    { name: 'minus infinity', logprobs: [-Infinity, 0], mean: Math.exp(-5) },
    { name: 'more than one can be', logprobs: [3, 3], mean: 1 },
  ]
  for (const { name, logprobs, mean } of odd) {
    it(`reads the page whatever is said of its tokens: ${name}`, async () => {
      await using setup = await start({ answer: () => ({ deltas: ['one', ' two'], logprobs }) })
      const deltas = await setup.ask(await promptOf({ confidence: true }))
      assert.equal(textOf(deltas), 'one two')
      const end = deltas.at(-1)
      assert.ok(end?.type === 'end')
      assert.equal(end.confidence?.mean.toFixed(9), mean?.toFixed(9))
    })
  }

  it('gives every page its own request id, so that two pages of a request never meet in the engine', async () => {
    await using setup = await start()
    await Promise.all([setup.ask(), setup.ask()])
    const ids = setup.fake.requests.map(({ headers }) => headers['x-request-id'])
    assert.ok(
      ids.every((id) => /^request-1-[0-9a-f]{8}$/.test(String(id))),
      ids.join(),
    )
    assert.equal(new Set(ids).size, 2)
  })

  it('sends the bearer key', async () => {
    await using setup = await start({ apiKey: 'secret', gatewayKey: 'secret' })
    await setup.ask()
    assert.equal(setup.fake.requests[0]?.headers['authorization'], 'Bearer secret')
  })

  it('uses a connection again for the next page', async () => {
    await using setup = await start()
    for (let page = 0; page < 5; page += 1) await setup.ask()
    assert.equal(new Set(setup.fake.requests.map(({ connection }) => connection)).size, 1)
  })

  it('never asks for more tokens than the context has left', async () => {
    await using setup = await start({ models: [{ id: 'small', maxModelLen: 400, layout: 'lightonocr' }] })
    const model = servedModel(imageOnlyProfile, { id: 'small', maxModelLen: 400 })
    await setup.ask(await promptOf({ model }))
    assert.equal(setup.fake.requests[0]?.body?.max_tokens, 400 - 50 - 64)
    const tooLarge = await promptOf({ model, image: await grayPageImage(560, 560) })
    const error = await failureOf(setup.ask(tooLarge))
    assert.deepEqual([error.code, error.retry], ['engine_error', false])
    assert.match(error.message, /--max-model-len/)
    assert.equal(setup.fake.requests.length, 1)
  })

  it('streams: the first text is there before the last is written', async () => {
    await using setup = await start({ answer: () => ({ deltas: ['one', ' two'], delayMs: 60_000 }) })
    const deltas = setup.engine(await promptOf(), AbortSignal.timeout(DEADLINE))[Symbol.asyncIterator]()
    const first = await within(deltas.next(), DEADLINE, 'the first delta')
    assert.deepEqual(first.value, { type: 'text', text: 'one' })
    await deltas.return?.()
  })

  for (const finishReason of ['length', 'abort', 'repetition']) {
    it(`reports the end as the engine put it: ${finishReason}`, async () => {
      await using setup = await start({ answer: () => ({ text: 'some text', finishReason }) })
      const end = (await setup.ask()).at(-1)
      assert.equal(end?.type === 'end' ? end.finishReason : null, finishReason)
    })
  }

  it('takes a text as whole when the connection breaks after its end was announced', async () => {
    await using setup = await start({ answer: () => ({ text: 'all of it', ending: 'break-after-finish' }) })
    const deltas = await setup.ask()
    assert.equal(textOf(deltas), 'all of it')
    assert.equal(deltas.at(-1)?.type, 'end')
  })

  const rows: readonly { name: string; answer: Answer; code: string; retry: boolean; message: RegExp }[] = [
    {
      name: 'a 400',
      answer: failure(400, vllmError(400, 'Bad boxes.')),
      code: 'engine_error',
      retry: false,
      message: /Bad boxes\.$/,
    },
    {
      name: 'a 422',
      answer: failure(422, vllmError(422, 'No.')),
      code: 'engine_error',
      retry: false,
      message: /No\.$/,
    },
    {
      name: 'a 501',
      answer: failure(501, vllmError(501, 'No.')),
      code: 'engine_error',
      retry: false,
      message: /No\.$/,
    },
    {
      name: 'a 401 whose error is a string',
      answer: failure(401, { error: 'Unauthorized' }),
      code: 'engine_error',
      retry: false,
      message: /GATEWAY_UPSTREAM_API_KEY/,
    },
    {
      name: 'a 404',
      answer: failure(404, vllmError(404, 'The model `x` does not exist.')),
      code: 'engine_unavailable',
      retry: true,
      message: /does not exist/,
    },
    {
      name: 'a 500',
      answer: failure(500, vllmError(500, 'EngineCore encountered an issue.')),
      code: 'engine_error',
      retry: true,
      message: /EngineCore/,
    },
    {
      name: 'a 502 of a proxy in HTML',
      answer: failure(502, '<html>Bad Gateway</html>'),
      code: 'engine_unavailable',
      retry: true,
      message: /502/,
    },
    {
      name: 'a 503 whose error is a string',
      answer: failure(503, { error: 'The model is currently scaling.' }),
      code: 'engine_unavailable',
      retry: true,
      message: /scaling/,
    },
    { name: 'a 504', answer: failure(504, ''), code: 'engine_timeout', retry: true, message: /504/ },
    {
      name: 'a failure inside the stream',
      answer: { text: 'half', ending: 'error' },
      code: 'engine_error',
      retry: true,
      message: /EngineCore/,
    },
    {
      name: 'a stream that ends without a finish reason',
      answer: { text: 'half', ending: 'end' },
      code: 'engine_error',
      retry: true,
      message: /broke off/,
    },
    {
      name: 'a socket that breaks in the middle',
      answer: { text: 'half', ending: 'break' },
      code: 'engine_error',
      retry: true,
      message: /broke off/,
    },
    {
      name: 'a socket that closes before an answer',
      answer: { refuse: true },
      code: 'engine_unavailable',
      retry: true,
      message: /closed the connection/,
    },
  ]
  for (const { name, answer, code, retry, message } of rows) {
    it(`reports ${name} as ${code}, ${retry ? '' : 'not '}worth another try`, async () => {
      await using setup = await start({ answer: () => answer })
      const error = await failureOf(setup.ask())
      assert.deepEqual([error.code, error.retry], [code, retry])
      assert.match(error.message, message)
      assert.equal(setup.upstreams.status()[0]?.inFlight, 0)
    })
  }

  it('passes on how long to wait', async () => {
    await using setup = await start({ answer: () => failure(503, { error: 'full' }, { 'retry-after': '17' }) })
    assert.equal((await failureOf(setup.ask())).retryAfterSeconds, 17)
  })

  it("shows of an upstream's words what a person can read, never the page", async () => {
    const base64 = 'iVBORw0KGgo'.repeat(10_000)
    const message = `Invalid data URL 'data:image/png;base64,${base64}': ${'because '.repeat(200)}`
    await using setup = await start({ answer: () => failure(400, vllmError(400, message)) })
    const error = await failureOf(setup.ask())
    assert.ok(error.message.length < 400, `${error.message.length} characters`)
    assert.doesNotMatch(error.message, /iVBOR/)
    assert.ok(error.cause instanceof Error)
    assert.doesNotMatch(error.cause.message, /iVBOR/)
  })

  it('reports a server that is not there as engine_unavailable', async () => {
    await using setup = await start()
    await setup.fake.kill()
    const error = await failureOf(setup.ask())
    assert.deepEqual([error.code, error.retry], ['engine_unavailable', true])
    assert.match(error.message, /refused the connection/)
    assert.doesNotMatch(error.message, /127\.0\.0\.1/, 'addresses are for the log')
  })

  const timeouts: readonly { name: string; answer: Answer; limits: Setup['limits']; message: RegExp }[] = [
    {
      name: 'never answers',
      answer: { silent: true },
      limits: { firstTokenTimeoutSeconds: 0.1 },
      message: /said nothing/,
    },
    {
      name: 'answers with headers alone',
      answer: { deltas: ['x'], firstDelayMs: 60_000 },
      limits: { firstTokenTimeoutSeconds: 0.1 },
      message: /said nothing/,
    },
    {
      name: 'stops in the middle',
      answer: { text: 'half', ending: 'hang' },
      limits: { idleTimeoutSeconds: 0.1 },
      message: /stopped in the middle/,
    },
  ]
  for (const { name, answer, limits, message } of timeouts) {
    it(`gives up on an engine that ${name}, and closes its connection`, async () => {
      await using setup = await start({ answer: () => answer, ...(limits === undefined ? {} : { limits }) })
      const error = await failureOf(setup.ask())
      assert.deepEqual([error.code, error.retry], ['engine_timeout', true])
      assert.match(error.message, message)
      await eventually(() => setup.fake.requests[0]?.aborted === true, DEADLINE, 'the generation ends')
    })
  }

  it('tells how long the first text took, however long the rest does', async () => {
    await using setup = await start({ answer: () => ({ deltas: ['one', ' two'], firstDelayMs: 100, delayMs: 400 }) })
    const startedAt = performance.now()
    await setup.ask()
    const seconds = (performance.now() - startedAt) / 1000
    assert.equal(setup.firstTokens.length, 1)
    assert.ok(
      setup.firstTokens[0]! >= 0.09 && setup.firstTokens[0]! < seconds - 0.3,
      `${setup.firstTokens[0]} of ${seconds}`,
    )
  })

  describe('when the caller leaves', () => {
    const reason = new Error('the client left')

    const moments: readonly { name: string; answer: Answer; firstText: boolean }[] = [
      { name: 'before the headers', answer: { silent: true }, firstText: false },
      { name: 'before the first text', answer: { deltas: ['x'], firstDelayMs: 60_000 }, firstText: false },
      { name: 'in the middle', answer: { deltas: ['x', 'y'], delayMs: 60_000 }, firstText: true },
    ]
    for (const { name, answer, firstText } of moments) {
      it(`closes the socket at once and throws the reason: ${name}`, async () => {
        await using setup = await start({ answer: () => answer })
        const caller = new AbortController()
        const deltas = setup.engine(await promptOf(), caller.signal)[Symbol.asyncIterator]()
        if (firstText) await within(deltas.next(), DEADLINE, 'the first text')
        const next = deltas.next()
        await eventually(() => (setup.fake.requests[0]?.body ?? null) !== null, DEADLINE, 'the request arrives')
        const before = performance.now()
        caller.abort(reason)
        await assert.rejects(within(next, DEADLINE, 'the abort'), reason)
        await eventually(() => setup.fake.requests[0]?.aborted === true, DEADLINE, 'the generation ends')
        assert.ok(performance.now() - before < 2000, 'long before the engine would have gone on')
        assert.equal(setup.upstreams.status()[0]?.inFlight, 0)
      })
    }

    it('closes the socket when the reader just stops reading', async () => {
      await using setup = await start({ answer: () => ({ deltas: ['x', 'y'], delayMs: 60_000 }) })
      for await (const delta of setup.engine(await promptOf(), AbortSignal.timeout(DEADLINE))) {
        assert.equal(delta.type, 'text')
        break
      }
      await eventually(() => setup.fake.requests[0]?.aborted === true, DEADLINE, 'the generation ends')
      assert.equal(setup.upstreams.status()[0]?.inFlight, 0)
    })

    it('does not wait for a connection that is still being made', async () => {
      await using stuck = await startStuckServer()
      const options = { apiKey: null, connectTimeoutSeconds: 60 }
      const connection = connectUpstream(`http://127.0.0.1:${stuck.port}/v1`, options)
      const caller = new AbortController()
      const sent = connection.send({ method: 'GET', path: '/models' }, caller.signal)
      setImmediate(() => caller.abort(reason))
      await assert.rejects(within(sent, DEADLINE, 'the abort'), reason)
      await within(connection.close(), DEADLINE, 'closing')
    })

    it('gives up on a connection that is not made in time', async () => {
      await using stuck = await startStuckServer()
      const connection = connectUpstream(`http://127.0.0.1:${stuck.port}/v1`, {
        apiKey: null,
        connectTimeoutSeconds: 0.3,
      })
      const sent = connection.send({ method: 'GET', path: '/models' }, AbortSignal.timeout(DEADLINE))
      const error = await failureOf(within(sent, DEADLINE, 'the connection'))
      assert.equal(error.code, 'engine_unavailable')
      assert.match(error.message, /did not accept a connection in time/)
      await connection.close()
    })

    it('asks nobody when the caller has left before', async () => {
      await using setup = await start()
      await assert.rejects(setup.ask(await promptOf(), AbortSignal.abort(reason)), reason)
      assert.equal(setup.fake.requests.length, 0)
    })
  })
})
