import assert from 'node:assert/strict'
import { json, text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { createUpstreams } from '../../gateway/upstream/upstreams.ts'
import type { UpstreamsOptions } from '../../gateway/upstream/upstreams.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import type { FakeVllm } from '../fakes/fake-vllm.ts'
import { imageOnlyProfile } from '../support/page-prompt.ts'
import { someone } from '../support/turn.ts'
import { eventually, within } from '../support/within.ts'

const DEADLINE = 5000

function signal(): AbortSignal {
  return AbortSignal.timeout(DEADLINE)
}

function upstreamsOf(fakes: readonly (FakeVllm | string)[], options: Partial<UpstreamsOptions> = {}) {
  const upstreams = createUpstreams({
    urls: fakes.map((fake) => (typeof fake === 'string' ? fake : fake.url)),
    apiKey: null,
    refreshSeconds: 3600,
    connectTimeoutSeconds: 1,
    concurrency: null,
    patienceSeconds: 0,
    chooseProfile: ({ root }) => (root.includes('chat') ? null : imageOnlyProfile),
    ...options,
  })
  return Object.assign(upstreams, { [Symbol.asyncDispose]: () => upstreams.close() })
}

const claim = (modelId: string, tried: readonly string[] = []) => ({ modelId, turn: someone, tried: new Set(tried) })

describe('upstreams', () => {
  it('discover what each address serves, and choose each model a profile', async () => {
    await using ocr = await startFakeVllm({
      models: [{ id: 'ocr', root: 'lightonai/LightOnOCR-2-1B', maxModelLen: 8192 }],
    })
    await using chat = await startFakeVllm({ models: ['some/chat'] })
    await using upstreams = upstreamsOf([`${ocr.url}/`, chat])
    await upstreams.refresh(signal())
    assert.deepEqual(upstreams.find('ocr'), {
      id: 'ocr',
      root: 'lightonai/LightOnOCR-2-1B',
      parent: null,
      maxModelLen: 8192,
      created: 1_760_000_000,
      ownedBy: 'vllm',
      engine: 'vllm',
      profile: imageOnlyProfile,
    })
    assert.equal(upstreams.find('some/chat')?.profile, null)
    assert.equal(upstreams.find('other'), null)
    assert.deepEqual(
      upstreams.status().map(({ url, problem, models }) => ({ url, problem, models })),
      [
        { url: ocr.url, problem: null, models: ['ocr'] },
        { url: chat.url, problem: null, models: ['some/chat'] },
      ],
    )
  })

  it('give a LoRA adapter the context length of its base model', async () => {
    await using fake = await startFakeVllm({
      models: [
        { id: 'base', root: 'org/base', maxModelLen: 9000 },
        { id: 'adapter', root: '/adapters/a', parent: 'base' },
      ],
    })
    await using upstreams = upstreamsOf([fake])
    await upstreams.refresh(signal())
    const { maxModelLen, parent } = upstreams.find('adapter') ?? {}
    assert.deepEqual({ maxModelLen, parent }, { maxModelLen: 9000, parent: 'base' })
  })

  it('join servers of one model into a pool, with the shortest of their context lengths', async () => {
    await using one = await startFakeVllm({ models: [{ id: 'ocr', maxModelLen: 16_384 }] })
    await using other = await startFakeVllm({ models: [{ id: 'ocr', maxModelLen: 8192 }] })
    await using upstreams = upstreamsOf([one, other])
    await upstreams.refresh(signal())
    assert.deepEqual(
      upstreams.models().map(({ id, maxModelLen }) => ({ id, maxModelLen })),
      [{ id: 'ocr', maxModelLen: 8192 }],
    )
    const leases = await Promise.all(Array.from({ length: 6 }, () => upstreams.acquire(claim('ocr'), signal())))
    assert.deepEqual(
      upstreams.status().map(({ inFlight }) => inFlight),
      [3, 3],
    )
    leases.filter(({ url }) => url === one.url).forEach((lease) => lease.release())
    assert.deepEqual(
      upstreams.status().map(({ inFlight }) => inFlight),
      [0, 3],
    )
    assert.equal((await upstreams.acquire(claim('ocr'), signal())).url, one.url, 'the one with the least in flight')
    leases[0]?.release()
    leases.forEach((lease) => lease.release())
    assert.deepEqual(
      upstreams.status().map(({ inFlight }) => inFlight),
      [1, 0],
      'a second release counts nothing',
    )
  })

  it('go on with the servers that are well, and keep what a server that is down used to serve', async () => {
    await using one = await startFakeVllm()
    await using other = await startFakeVllm()
    const logged: string[] = []
    await using upstreams = upstreamsOf([one, other], { onLog: (level, message) => logged.push(`${level} ${message}`) })
    await upstreams.refresh(signal())
    const [model] = upstreams.models()
    assert.ok(model)
    await one.kill()
    // The first request to meet the dead server is enough: nobody waits for the next round, an hour away.
    await assert.rejects(
      async () => {
        for (let attempt = 0; attempt < 2; attempt += 1) {
          using lease = await upstreams.acquire(claim(model.id), signal())
          const { body } = await lease.send({ method: 'GET', path: '/models' }, signal())
          await body.dump()
        }
      },
      { code: 'engine_unavailable' },
    )
    await eventually(() => upstreams.status()[0]?.problem !== null, DEADLINE, 'the loss is noticed')
    const leases = await Promise.all(Array.from({ length: 4 }, () => upstreams.acquire(claim(model.id), signal())))
    assert.deepEqual(new Set(leases.map(({ url }) => url)), new Set([other.url]))
    assert.match(upstreams.status()[0]?.problem ?? '', /refused the connection|closed the connection/)
    assert.deepEqual(upstreams.models(), [model])
    await other.kill()
    const isNoticed = async () => {
      await upstreams.refresh(signal())
      return upstreams.status()[1]?.problem !== null
    }
    await eventually(isNoticed, DEADLINE, 'the second loss is noticed')
    assert.deepEqual(upstreams.models(), [model])
    await assert.rejects(upstreams.acquire(claim(model.id), signal()), { code: 'engine_unavailable' })
    assert.ok(
      logged.some((line) => line.startsWith('warn upstream has a problem')),
      logged.join('\n'),
    )
  })

  it('find a server again that comes back, with what it serves then', async () => {
    const first = await startFakeVllm({ models: ['old'] })
    await using upstreams = upstreamsOf([first], { refreshSeconds: 0.05 })
    await upstreams.refresh(signal())
    await first.kill()
    await eventually(() => upstreams.status()[0]?.problem !== null, DEADLINE, 'the loss is noticed')
    assert.notEqual(upstreams.find('old'), null)
    await using second = await startFakeVllm({ models: ['new'], port: first.port })
    await eventually(() => upstreams.find('new') !== null, DEADLINE, 'the new model is found')
    assert.equal(second.url, first.url)
    assert.equal(upstreams.find('old'), null)
    assert.equal(upstreams.status()[0]?.problem, null)
  })

  it('learn from a 404 that another model is served now', async () => {
    await using fake = await startFakeVllm({ models: ['old'] })
    await using upstreams = upstreamsOf([fake])
    await upstreams.refresh(signal())
    fake.setModels(['new'])
    using lease = await upstreams.acquire(claim('old'), signal())
    const { status, body } = await lease.send(
      {
        method: 'POST',
        path: '/chat/completions',
        headers: { 'content-type': 'application/json' },
        body: '{"model":"old","messages":[]}',
      },
      signal(),
    )
    await body.dump()
    assert.equal(status, 404)
    await eventually(() => upstreams.find('new') !== null, DEADLINE, 'the new model is found')
  })

  it('ask once, however many want to know', async () => {
    await using fake = await startFakeVllm()
    await using upstreams = upstreamsOf([fake])
    await Promise.all(Array.from({ length: 20 }, () => upstreams.refresh(signal())))
    await upstreams.refresh(signal())
    assert.equal(fake.calls.get('GET /v1/models'), 1)
  })

  const problems: readonly { name: string; start: () => Promise<FakeVllm>; problem: RegExp }[] = [
    { name: 'refuses the key', start: () => startFakeVllm({ apiKey: 'secret' }), problem: /GATEWAY_UPSTREAM_API_KEY/ },
    { name: 'serves nothing', start: () => startFakeVllm({ models: [] }), problem: /serves no model/ },
    {
      name: 'has a dead engine but still lists its models',
      start: async () => {
        const fake = await startFakeVllm()
        fake.setHealthy(false)
        return fake
      },
      problem: /503 from \/health/,
    },
  ]
  for (const { name, start, problem } of problems) {
    it(`say what is wrong with a server that ${name}`, async () => {
      await using fake = await start()
      await using upstreams = upstreamsOf([fake])
      await upstreams.refresh(signal())
      assert.match(upstreams.status()[0]?.problem ?? '', problem)
    })
  }

  it('say what is wrong with an address that is not a base URL', async () => {
    await using fake = await startFakeVllm()
    await using upstreams = upstreamsOf([fake.url.replace('/v1', '')])
    await upstreams.refresh(signal())
    assert.match(upstreams.status()[0]?.problem ?? '', /404 to GET \/models/)
  })

  it('refuse a model that nobody serves', async () => {
    const upstreams = upstreamsOf([])
    await assert.rejects(upstreams.acquire(claim('x'), signal()), { code: 'engine_unavailable', message: /`x`/ })
  })

  it('do not keep a caller waiting who has left', async () => {
    await using fake = await startFakeVllm()
    await using upstreams = upstreamsOf([fake])
    await within(upstreams.refresh(AbortSignal.abort()), 100, 'an aborted refresh')
  })
})

const chat = (stream: boolean) =>
  JSON.stringify({ model: 'some/chat', stream, messages: [{ role: 'user', content: 'Hi' }] })

async function start(options: Parameters<typeof startFakeVllm>[0] & { gatewayKey?: string } = {}) {
  const fake = await startFakeVllm({ models: ['some/chat'], ...options })
  const upstreams = upstreamsOf([fake], { apiKey: options.apiKey ?? null })
  await upstreams.refresh(signal())
  const forward = (body: string, abort: AbortSignal = signal()) =>
    upstreams.forward(
      {
        method: 'POST',
        path: '/chat/completions',
        headers: {
          'Content-Type': 'application/json',
          authorization: 'Bearer of-the-client',
          cookie: 'a=b',
          host: 'gateway',
        },
        body,
        model: 'some/chat',
        turn: null,
      },
      abort,
    )
  return { fake, upstreams, forward, [Symbol.asyncDispose]: async () => (await upstreams.close(), fake.kill()) }
}

describe('forwarding', () => {
  it('passes a text-only chat through untouched', async () => {
    await using setup = await start()
    const { status, headers, body } = await setup.forward(chat(false))
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'application/json')
    const answer = (await json(body)) as { choices: { message: { content: string } }[] }
    assert.equal(answer.choices[0]?.message.content, 'You said: Hi')
    assert.equal(setup.upstreams.status()[0]?.inFlight, 0)
  })

  it("keeps the client's credentials from the upstream, and brings its own", async () => {
    await using setup = await start({ apiKey: 'secret' })
    await text((await setup.forward(chat(false))).body)
    const { authorization, cookie, host } = setup.fake.requests[0]?.headers ?? {}
    assert.deepEqual([authorization, cookie, host], ['Bearer secret', undefined, new URL(setup.fake.url).host])
  })

  it('streams', async () => {
    await using setup = await start({ answer: () => ({ deltas: ['one', ' two'], delayMs: 60_000 }) })
    const { body } = await setup.forward(chat(true))
    let seen = ''
    body.on('data', (piece: Buffer) => (seen += piece.toString()))
    await eventually(() => seen.includes('one'), DEADLINE, 'the first text')
    assert.equal(setup.upstreams.status()[0]?.inFlight, 1)
    body.destroy()
    await eventually(() => setup.fake.requests[0]?.aborted === true, DEADLINE, 'the generation ends')
    assert.equal(setup.upstreams.status()[0]?.inFlight, 0)
  })

  it('closes the socket when the caller leaves', async () => {
    await using setup = await start({ answer: () => ({ deltas: ['one', ' two'], delayMs: 60_000 }) })
    const caller = new AbortController()
    const { body } = await setup.forward(chat(true), caller.signal)
    const read = text(body)
    caller.abort(new Error('the client left'))
    await assert.rejects(within(read, DEADLINE, 'the abort'), /the client left/)
    await eventually(() => setup.fake.requests[0]?.aborted === true, DEADLINE, 'the generation ends')
    assert.equal(setup.upstreams.status()[0]?.inFlight, 0)
  })

  it("passes on the upstream's errors as they are", async () => {
    await using setup = await start({
      answer: () => ({ failure: { status: 400, body: { error: { message: 'no' } } } }),
    })
    const { status, body } = await setup.forward(chat(false))
    assert.equal(status, 400)
    assert.deepEqual(await json(body), { error: { message: 'no' } })
  })

  it('does not blame the client for a key that the upstream refuses', async () => {
    await using setup = await start({ answer: () => ({ failure: { status: 401, body: { error: 'Unauthorized' } } }) })
    await assert.rejects(setup.forward(chat(false)), {
      code: 'engine_error',
      retry: false,
      message: /GATEWAY_UPSTREAM_API_KEY/,
    })
    assert.equal(setup.upstreams.status()[0]?.inFlight, 0)
  })

  it('reports a server that is not there as engine_unavailable', async () => {
    await using setup = await start()
    await setup.fake.kill()
    await assert.rejects(setup.forward(chat(false)), { code: 'engine_unavailable' })
    assert.equal(setup.upstreams.status()[0]?.inFlight, 0)
  })

  it('reports an answer that breaks off', async () => {
    await using setup = await start({ answer: () => ({ text: 'half', ending: 'break' }) })
    const { body } = await setup.forward(chat(true))
    await assert.rejects(within(text(body), DEADLINE, 'the break'), { code: 'UND_ERR_SOCKET' })
    assert.equal(setup.upstreams.status()[0]?.inFlight, 0)
  })
})
