import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { GivenBack, type Engine, type Prompt } from '../../gateway/engine/engine.ts'
import { connectUpstream } from '../../gateway/upstream/connection.ts'
import { createUpstreams } from '../../gateway/upstream/upstreams.ts'
import { createVllmEngine } from '../../gateway/engine/vllm/engine.ts'
import type { VllmEngineOptions } from '../../gateway/engine/vllm/engine.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { collect } from '../../gateway/read/collect.ts'
import type { Answer } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import type { FakeVllmOptions } from '../fakes/fake-vllm.ts'
import { grayPageImage, imageOnlyProfile, imageThenTextProfile, promptOf, servedModel } from '../support/page-prompt.ts'
import { startStuckServer } from '../support/stuck-server.ts'
import { eventually, within } from '../support/within.ts'

const DEADLINE = 5000

interface Setup extends FakeVllmOptions {
  /** Pages that the upstream takes; left out: that is found. */
  readonly places?: number
  readonly limits?: Partial<Omit<VllmEngineOptions, 'upstreams'>>
  readonly gatewayKey?: string
}

async function start({ places, limits, gatewayKey, ...options }: Setup = {}) {
  const fake = await startFakeVllm(options)
  const upstreams = createUpstreams({
    urls: [fake.url],
    apiKey: gatewayKey ?? null,
    refreshSeconds: 3600,
    connectTimeoutSeconds: 1,
    concurrency: places ?? null,
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
      within(collect(engine, prompt ?? (await promptOf()), signal), DEADLINE, 'the page'),
    async [Symbol.asyncDispose]() {
      await upstreams.close()
      await fake.kill()
    },
  }
}

/** Asks for a page; returns its first delta, and then how it went on. */
async function begun(engine: Engine, prompt: Prompt, signal: AbortSignal = AbortSignal.timeout(DEADLINE)) {
  const first = Promise.withResolvers<string>()
  const answered = engine(prompt, signal, first.resolve)
  answered.catch(first.reject)
  return { first: await within(first.promise, DEADLINE, 'the first text'), answered }
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
    assert.deepEqual(await setup.ask(), {
      text: '# Title\n\nText with 中文 and 😀.',
      finishReason: 'stop',
      usage: { promptTokens: 62, completionTokens: 8 },
      confidence: null,
      upstream: setup.fake.url,
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
    const { text } = await setup.ask(await promptOf({ model }))
    assert.match(text, /^page image 280x140 sha /)
    assert.deepEqual(setup.fake.layoutProblems, [])
    const body = setup.fake.requests[0]?.body
    assert.deepEqual(body?.messages?.[0], { role: 'system', content: '' })
    const { temperature, top_p, top_k, repetition_penalty, seed, skip_special_tokens } = { ...body }
    assert.deepEqual([temperature, top_p, top_k, repetition_penalty, seed], [0, 1, -1, 1.08, 1234])
    assert.equal(skip_special_tokens, true)
  })

  it('sends the next page before an answer is looked at', async () => {
    await using setup = await start({ places: 1 })
    // A connection that was used is written to only at the end of a turn of the event loop; the second page needs another one.
    await Promise.all([setup.ask(), setup.ask()])
    const [first, second] = [await promptOf(), await promptOf()]
    const sent: string[] = []
    const onSent = (message: unknown) => sent.push((message as { readonly request: { method: string } }).request.method)
    subscribe('undici:client:sendHeaders', onSent)
    try {
      const answered = setup.ask(first).then(() => [...sent])
      const next = setup.ask(second)
      assert.deepEqual(await answered, ['POST', 'POST'])
      await next
    } finally {
      unsubscribe('undici:client:sendHeaders', onSent)
    }
  })

  it('says that a page is taken when it is given a place, and not while it waits for one', async () => {
    const held = Promise.withResolvers<void>()
    await using setup = await start({ places: 1, answer: () => held.promise.then(() => 'text') })
    const taken: string[] = []
    const ask = async (name: string) => setup.ask({ ...(await promptOf()), onTaken: () => taken.push(name) })
    const first = ask('first')
    await eventually(() => setup.fake.requests.length === 1, DEADLINE, 'the first page is asked for')
    const second = ask('second')
    await eventually(() => setup.upstreams.waiting() === 1, DEADLINE, 'the second page waits')
    assert.deepEqual(taken, ['first'])
    held.resolve()
    await Promise.all([first, second])
    assert.deepEqual(taken, ['first', 'second'])
  })

  it('asks how sure it is of each token only where that is wanted, and says so of the page', async () => {
    await using setup = await start({ answer: () => ({ deltas: ['one', ' two'], logprobs: [Math.log(0.5), 0] }) })
    const { confidence } = await setup.ask(await promptOf({ confidence: true }))
    assert.ok(confidence !== null)
    // The end-of-text token is none of the two, or the mean would be higher.
    assert.ok(Math.abs(confidence.mean - Math.SQRT1_2) < 1e-9, String(confidence.mean))
    assert.equal(confidence.lowest, confidence.mean)
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
      const { text, confidence } = await setup.ask(await promptOf({ confidence: true }))
      assert.equal(text, 'one two')
      assert.equal(confidence?.mean.toFixed(9), mean?.toFixed(9))
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

  it('uses a connection again for the next pages: what comes of a body after its last event is waited for', async () => {
    await using setup = await start({ answer: () => 'words of a page '.repeat(100) + '.' })
    for (let page = 0; page < 6; page += 1) await setup.ask()
    // The next page may be sent before the end of the last one's body has come.
    const connections = new Set(setup.fake.requests.map(({ connection }) => connection)).size
    assert.ok(connections <= 2, `${connections} connections`)
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
    const caller = new AbortController()
    const { first, answered } = await begun(setup.engine, await promptOf(), caller.signal)
    assert.equal(first, 'one')
    caller.abort()
    await assert.rejects(answered, { name: 'AbortError' })
  })

  for (const finishReason of ['length', 'abort', 'repetition']) {
    it(`reports the end as the engine put it: ${finishReason}`, async () => {
      await using setup = await start({ answer: () => ({ text: 'some text', finishReason }) })
      assert.equal((await setup.ask()).finishReason, finishReason)
    })
  }

  it('takes a text as whole when the connection breaks after its end was announced', async () => {
    await using setup = await start({ answer: () => ({ text: 'all of it', ending: 'break-after-finish' }) })
    const { text, finishReason } = await setup.ask()
    assert.deepEqual([text, finishReason], ['all of it', 'stop'])
  })

  const json = (body: unknown): Answer => failure(200, body)
  const stream = (...events: readonly unknown[]): Answer =>
    failure(
      200,
      events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join(''),
      {
        'content-type': 'text/event-stream; charset=utf-8',
      },
    )
  const choiceOf = (message: object, more: object = {}) => ({ index: 0, message, finish_reason: 'stop', ...more })
  const chunkOf = (delta: object, finishReason: string | null = null, index = 0) => ({
    choices: [{ index, delta, logprobs: null, finish_reason: finishReason }],
  })
  const usage = { prompt_tokens: 62, completion_tokens: 3, total_tokens: 65 }
  const THOUGHTS = ['reasoning', 'reasoning_content']

  it('takes a whole completion for the answer that it is', async () => {
    const logprobs = { content: [{ token: 'a page', logprob: Math.log(0.25) }, { token: '</s>', logprob: 0 }] } // prettier-ignore
    const body = { choices: [choiceOf({ role: 'assistant', content: 'a page' }, { logprobs })], usage }
    const bodies = [body, `\n ${JSON.stringify(body, null, 2)}\n`]
    for (const each of bodies) {
      await using setup = await start({ answer: () => json(each) })
      const { text, finishReason, usage, confidence } = await setup.ask(await promptOf({ confidence: true }))
      assert.deepEqual([text, finishReason, usage], ['a page', 'stop', { promptTokens: 62, completionTokens: 3 }])
      assert.equal(confidence?.mean.toFixed(6), '0.250000')
      assert.equal(setup.firstTokens.length, 1)
      await setup.ask()
      assert.equal(new Set(setup.fake.requests.map(({ connection }) => connection)).size, 1, 'its connection is kept')
    }
  })

  for (const name of THOUGHTS) {
    it(`takes the text for the page that a reasoning parser took for thoughts (${name})`, async () => {
      const streamed = stream(
        chunkOf({ role: 'assistant', content: '' }),
        chunkOf({ [name]: '# Mi' }),
        chunkOf({ content: null, [name]: 'nutes' }),
        chunkOf({ content: '' }, 'stop'),
        { choices: [], usage },
        '[DONE]',
      )
      const whole = json({ choices: [choiceOf({ content: null, [name]: '# Minutes' })], usage })
      for (const answer of [streamed, whole]) {
        await using setup = await start({ answer: () => answer })
        assert.deepEqual(await setup.ask(), {
          text: '# Minutes',
          finishReason: 'stop',
          usage: { promptTokens: 62, completionTokens: 3 },
          confidence: null,
          upstream: setup.fake.url,
        })
        assert.equal(setup.firstTokens.length, 1)
      }
    })

    it(`leaves thoughts out where there is an answer (${name})`, async () => {
      const answer = stream(chunkOf({ [name]: 'Let me see.' }), chunkOf({ content: '# Minutes' }), chunkOf({}, 'stop'))
      await using setup = await start({ answer: () => answer })
      assert.equal((await setup.ask()).text, '# Minutes')
    })
  }

  it('says which flag is wrong when a model that thinks has given nothing but thoughts', async () => {
    const answer = stream(chunkOf({ reasoning: 'Let me see.' }), chunkOf({ content: '\n' }, 'stop'), '[DONE]')
    await using setup = await start({ answer: () => answer })
    const model = servedModel({ ...imageOnlyProfile, thinks: true })
    const error = await failureOf(setup.ask(await promptOf({ model })))
    assert.equal(error.code, 'engine_error')
    assert.match(error.message, /--reasoning-parser/)
  })

  it('reads choice 0, wherever it stands', async () => {
    const other = { index: 1, delta: { content: 'WRONG' }, finish_reason: null }
    const answer = stream(
      chunkOf({ content: 'WRONG' }, null, 1),
      { choices: [other, { index: 0, delta: { content: '# Min' }, finish_reason: null }] },
      chunkOf({ content: 'WRONG' }, 'length', 1),
      chunkOf({ content: 'utes' }, 'stop'),
      '[DONE]',
    )
    const whole = json({
      choices: [{ ...choiceOf({ content: 'WRONG' }), index: 1 }, choiceOf({ content: '# Minutes' })],
    })
    for (const each of [answer, whole]) {
      await using setup = await start({ answer: () => each })
      const { text, finishReason } = await setup.ask()
      assert.deepEqual([text, finishReason], ['# Minutes', 'stop'])
    }
  })

  for (const tokens of [-5, 1.5, 1e300, 'many', null]) {
    it(`reads the page whatever is said of its tokens: ${tokens}`, async () => {
      const odd = { prompt_tokens: tokens, completion_tokens: tokens }
      await using setup = await start({
        answer: () => stream(chunkOf({ content: 'x' }, 'stop'), { usage: odd }, '[DONE]'),
      })
      assert.deepEqual((await setup.ask()).usage, { promptTokens: 0, completionTokens: 0 })
    })
  }

  it('takes an answer for aborted that ends without a reason, as before its first token', async () => {
    // As vLLM 0.32 says it when it is put to sleep.
    const answer = stream(chunkOf({ role: 'assistant', content: '' }), { choices: [], usage }, '[DONE]')
    await using setup = await start({ answer: () => answer })
    assert.equal((await setup.ask()).finishReason, 'abort')
  })

  const tooMuch: readonly { name: string; event: object }[] = [
    { name: 'text', event: chunkOf({ content: 'x'.repeat(90_000) }) },
    { name: 'thoughts', event: chunkOf({ reasoning: 'x'.repeat(90_000) }) },
    { name: 'what is no text', event: { choices: [], junk: 'x'.repeat(900_000) } },
  ]
  for (const { name, event } of tooMuch) {
    it(`bounds an answer as a whole: ${name}`, async () => {
      await using setup = await start({ answer: () => stream(...Array.from({ length: 100 }, () => event)) })
      let text = ''
      const read = setup.engine(await promptOf(), AbortSignal.timeout(DEADLINE), (delta) => (text += delta))
      const error = await failureOf(within(read, DEADLINE, 'the end'))
      assert.deepEqual([error.code, error.retry], ['engine_error', true])
      assert.match(error.message, /far more than one page/)
      assert.ok(text.length <= 4096 * 32, `${text.length} characters`)
      await eventually(() => setup.fake.requests[0]?.aborted === true, DEADLINE, 'the answer is left')
    })
  }

  it('bounds a whole completion as well', async () => {
    const body = { choices: [choiceOf({ content: 'x'.repeat(9_000_000) })] }
    await using setup = await start({ answer: () => json(body) })
    assert.match((await failureOf(setup.ask())).message, /far more than one page/)
  })

  const SECRET = 'Patient Jane Doe, carcinoma of the breast'
  const quoting: readonly { name: string; answer: Answer }[] = [
    { name: 'an event that is not JSON', answer: stream(chunkOf({ content: 'x' }), `{"content":"${SECRET}`) },
    { name: 'a chunk whose text cannot be read', answer: stream(chunkOf({ content: { text: SECRET } })) },
    { name: 'a completion that is cut off', answer: json(`{"choices":[{"message":{"content":"${SECRET}`) },
    { name: 'JSON that is no completion', answer: json({ text: SECRET }) },
    {
      name: 'an error in the middle',
      answer: stream(chunkOf({ content: 'x' }), vllmError(500, `It broke at ${SECRET}`)),
    },
    { name: 'an error that quotes', answer: failure(500, vllmError(500, `It broke at '${SECRET}'.`)) },
    {
      name: 'an error that shows its input',
      answer: failure(400, vllmError(400, `bad [input_value={'a': '${SECRET}'}]`)),
    },
    { name: 'an error of another shape', answer: failure(500, { problem: SECRET }) },
    { name: 'an error of several lines', answer: failure(500, `Traceback\n  text = ${SECRET}\nValueError`) },
    { name: 'a web page', answer: failure(502, `<html><body>${SECRET}</body></html>`) },
    { name: 'a web page with status 200', answer: failure(200, `<!doctype html><body>${SECRET}</body>`) },
  ]
  for (const { name, answer } of quoting) {
    it(`repeats nothing of a document to a client or the log: ${name}`, async () => {
      await using setup = await start({ answer: () => answer })
      const error = await failureOf(setup.ask())
      assert.ok(error.cause instanceof Error, 'the log is told something')
      assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), /Jane|carcinoma|<(?!anonymous>)/)
    })
  }

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
      message: /\(502\).*a web page, so a server before the engine/,
    },
    {
      name: "a 413 in nginx's HTML",
      answer: failure(413, '<html>\r\n<head><title>413 Request Entity Too Large</title></head>'),
      code: 'engine_error',
      retry: false,
      message: /client_max_body_size/,
    },
    {
      name: 'a 503 in a line of text',
      answer: failure(503, 'upstream connect error or disconnect/reset before headers'),
      code: 'engine_unavailable',
      retry: true,
      message: /upstream connect error/,
    },
    {
      name: 'a 404 in a detail',
      answer: failure(404, { detail: 'Not Found' }),
      code: 'engine_unavailable',
      retry: true,
      message: /does not serve this model now\. Not Found$/,
    },
    {
      name: 'an error with status 200',
      answer: failure(200, vllmError(400, 'Bad boxes.')),
      code: 'engine_error',
      retry: false,
      message: /Bad boxes\.$/,
    },
    {
      name: 'an error with status 200 and no code',
      answer: failure(200, { error: 'It broke.' }),
      code: 'engine_error',
      retry: true,
      message: /It broke\.$/,
    },
    {
      name: 'a web page with status 200',
      answer: failure(200, '<!doctype html><title>Sign in</title>', { 'content-type': 'text/html' }),
      code: 'engine_error',
      retry: true,
      message: /A web page came instead of an answer/,
    },
    {
      name: 'a completion that breaks off',
      answer: failure(200, '{"choices":[{"message":{"content":"half'),
      code: 'engine_error',
      retry: true,
      message: /broke off/,
    },
    {
      name: 'a stream of nothing',
      answer: failure(200, '', { 'content-type': 'text/event-stream' }),
      code: 'engine_error',
      retry: true,
      message: /broke off/,
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
        const answered = firstText
          ? (await begun(setup.engine, await promptOf(), caller.signal)).answered
          : setup.engine(await promptOf(), caller.signal, () => {})
        await eventually(() => (setup.fake.requests[0]?.body ?? null) !== null, DEADLINE, 'the request arrives')
        const before = performance.now()
        caller.abort(reason)
        await assert.rejects(within(answered, DEADLINE, 'the abort'), reason)
        await eventually(() => setup.fake.requests[0]?.aborted === true, DEADLINE, 'the generation ends')
        assert.ok(performance.now() - before < 2000, 'long before the engine would have gone on')
        assert.equal(setup.upstreams.status()[0]?.inFlight, 0)
      })
    }

    it('gives a page back where the server has too many: its socket is closed, and it counts as asked of nobody', async () => {
      await using setup = await start({ answer: () => ({ deltas: ['x', 'y'], delayMs: 60_000 }) })
      const prompt = await promptOf()
      const excess = new AbortController()
      const upstreams: Pick<typeof setup.upstreams, 'acquire'> = {
        acquire: async (claim, signal) => ({
          ...(await setup.upstreams.acquire(claim, signal)),
          excess: excess.signal,
        }),
      }
      const silence = { firstTokenTimeoutSeconds: 5, idleTimeoutSeconds: 5 }
      const { answered } = await begun(createVllmEngine({ upstreams, ...silence }), prompt)
      assert.deepEqual(prompt.attempt.tried, new Set([setup.fake.url]))
      excess.abort()
      await assert.rejects(within(answered, DEADLINE, 'the page'), GivenBack)
      await eventually(() => setup.fake.requests[0]?.aborted === true, DEADLINE, 'the generation ends')
      assert.deepEqual([setup.upstreams.status()[0]?.inFlight, prompt.attempt.tried.size], [0, 0])
      assert.equal(setup.upstreams.status()[0]?.breaker, 'closed')
    })

    it('closes the socket when its text is not wanted any more', async () => {
      await using setup = await start({ answer: () => ({ deltas: ['x', 'y'], delayMs: 60_000 }) })
      const refuse = () => {
        throw reason
      }
      await assert.rejects(setup.engine(await promptOf(), AbortSignal.timeout(DEADLINE), refuse), reason)
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
