import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createVllmEngine } from '../../gateway/engine/vllm/engine.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { createUpstreams } from '../../gateway/upstream/upstreams.ts'
import { collect } from '../../gateway/read/collect.ts'
import { imageOnlyProfile, promptOf, servedModel } from '../support/page-prompt.ts'
import { startScriptedServer, type Script } from '../support/scripted-server.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { eventually, within } from '../support/within.ts'

const DEADLINE = 20_000
const MEGABYTE = 2 ** 20
/** What the sockets of both sides may hold besides what was read. */
const SOCKETS_MEGABYTES = 12

async function start(paths: Readonly<Record<string, Script>>) {
  const server = await startScriptedServer(paths)
  const logged: unknown[] = []
  const upstreams = createUpstreams({
    urls: [server.url],
    apiKey: null,
    refreshSeconds: 3600,
    connectTimeoutSeconds: 1,
    concurrency: 64,
    patienceSeconds: 0,
    chooseProfile: () => imageOnlyProfile,
    onLog: (...line) => logged.push(line),
  })
  await within(upstreams.refresh(AbortSignal.timeout(DEADLINE)), DEADLINE, 'the round')
  return {
    server,
    upstreams,
    logged,
    problem: upstreams.status()[0]?.problem ?? null,
    async [Symbol.asyncDispose]() {
      await upstreams.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

const says =
  (body: unknown, headers: Record<string, string> = {}): Script =>
  (_, response) =>
    response.writeHead(200, headers).end(body instanceof Uint8Array ? body : JSON.stringify(body))
const repeats =
  (text: string, status = 200): Script =>
  (_, response, endless) => {
    response.writeHead(status)
    endless(response, text)
  }

describe('a server that says what it serves without end', () => {
  const endless: readonly { name: string; paths: Readonly<Record<string, Script>>; problem: RegExp | null }[] = [
    { name: 'models', paths: { '/v1/models': repeats(`{"data":[${'{"id":"a"},'.repeat(5000)}`) }, problem: /more than \d+ bytes/ }, // prettier-ignore
    { name: 'blanks', paths: { '/v1/models': repeats(' '.repeat(65_536)) }, problem: /more than \d+ bytes/ },
    { name: 'a refusal', paths: { '/v1/models': repeats('no '.repeat(20_000), 500) }, problem: /answered 500/ },
    { name: 'its version', paths: { '/version': repeats('{"version":"1'.repeat(5000)) }, problem: null },
    { name: 'whether it sleeps', paths: { '/is_sleeping': repeats('true'.repeat(20_000)) }, problem: null },
    { name: 'how it is', paths: { '/health': repeats('well '.repeat(20_000)) }, problem: null },
  ]
  for (const { name, paths, problem } of endless) {
    it(`is read no further than an honest answer could go: ${name}`, async () => {
      await using setup = await start(paths)
      if (problem === null) assert.equal(setup.problem, null)
      else assert.match(setup.problem ?? '', problem)
      await eventually(() => setup.server.sending() === 0, DEADLINE, 'the connection is closed')
      assert.ok(setup.server.sent() < (8 + SOCKETS_MEGABYTES) * MEGABYTE, `${setup.server.sent()} bytes`)
    })
  }

  it('is late when it only trickles', async () => {
    const timers: NodeJS.Timeout[] = []
    await using setup = await start({
      '/v1/models': (_, response) => timers.push(setInterval(() => response.write(' '), 100)),
    })
    timers.forEach(clearInterval)
    assert.match(setup.problem ?? '', /in time/)
  })

  it('has a problem when its headers do not end', async () => {
    await using setup = await start({
      '/v1/models': ({ socket }) => {
        socket.write('HTTP/1.1 200 OK\r\n')
        socket.write('x-more: and more\r\n'.repeat(100_000))
      },
    })
    assert.match(setup.problem ?? '', /closed the connection/)
  })

  it('has a problem when it sends the gateway elsewhere', async () => {
    await using setup = await start({
      '/v1/models': (_, response) => response.writeHead(302, { location: '/x' }).end(),
    })
    assert.match(setup.problem ?? '', /answered 302/)
  })

  it('is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * MEGABYTE, ' '))
    await using setup = await start({ '/v1/models': says(bomb, { 'content-encoding': 'gzip' }) })
    assert.match(setup.problem ?? '', /no list of models/)
  })
})

describe('a list of models', () => {
  const card = { id: 'ocr', max_model_len: 4096 }
  const lists: readonly { name: string; data: unknown; ids?: readonly string[]; problem?: RegExp }[] = [
    { name: 'with more than there are anywhere', data: Array.from({ length: 10_001 }, (_, at) => ({ id: `m${at}` })), problem: /more than 10000 models/ }, // prettier-ignore
    { name: 'of nothing that has a name', data: [{}, null, 7, { id: '' }, { id: 5 }], problem: /no list of models/ },
    { name: 'of a million nothings', data: Array.from({ length: 1_000_000 }, () => 0), problem: /more than 10000/ },
    { name: 'that is none', data: { ocr: card }, problem: /no list of models/ },
    { name: 'of none', data: [], problem: /serves no model/ },
    { name: 'with a name of a megabyte', data: [{ id: 'x'.repeat(MEGABYTE) }, card], ids: ['ocr'] },
    { name: 'with entries that are none', data: [null, [], 'x', { name: 'y' }, card], ids: ['ocr'] },
    { name: 'with a model twice', data: [card, { ...card, max_model_len: 8192 }], ids: ['ocr'] },
  ]
  for (const { name, data, ids = [], problem } of lists) {
    it(`${name} ${problem === undefined ? 'costs no other model' : 'is a problem that is named'}`, async () => {
      await using setup = await start({ '/v1/models': says({ data }) })
      if (problem === undefined) assert.equal(setup.problem, null)
      else assert.match(setup.problem ?? '', problem)
      assert.deepEqual(
        setup.upstreams.models().map(({ id }) => id),
        ids,
      )
      assert.ok(JSON.stringify(setup.logged).length < 10_000, 'the log is short')
    })
  }

  for (const nonsense of [-1, 0, 1.5, 1e300, '8192', null, [], { tokens: 1 }]) {
    it(`says nothing of a context that is ${JSON.stringify(nonsense)}, or of what else is none`, async () => {
      const odd = { created: nonsense, owned_by: nonsense, root: nonsense, parent: nonsense, max_model_len: nonsense }
      await using setup = await start({ '/v1/models': says({ data: [{ id: 'ocr', ...odd }] }) })
      const { maxModelLen, created, parent } = setup.upstreams.find('ocr') ?? {}
      assert.equal(maxModelLen, imageOnlyProfile.defaultMaxModelLen)
      assert.ok(created !== undefined && created >= 0 && created < 1e300, String(created))
      assert.ok(parent === null || typeof parent === 'string')
    })
  }

  it('of many adapters costs no more than one look at each', async () => {
    const adapters = Array.from({ length: 9999 }, (_, at) => ({ id: `adapter-${at}`, parent: `base-${at}` }))
    await using setup = await start({ '/v1/models': says({ data: [...adapters, card] }) })
    assert.equal(setup.problem, null)
    assert.equal(setup.upstreams.models().length, 10_000)
  })
})

/** Sixty-four pages are asked at once of a server that answers so; returns how the first one failed. */
async function failureOf(answer: Script, pages = 1): Promise<{ error: GatewayError; sentEach: number }> {
  await using setup = await start({ '/v1/chat/completions': answer })
  const limits = { firstTokenTimeoutSeconds: 10, idleTimeoutSeconds: 10 }
  const engine = createVllmEngine({ upstreams: setup.upstreams, ...limits })
  const prompt = await promptOf({ model: servedModel(imageOnlyProfile, { id: 'ocr' }), confidence: true })
  const asked = Array.from({ length: pages }, async () => {
    try {
      const own = { ...prompt, attempt: { ...prompt.attempt, tried: new Set<string>() } }
      await collect(engine, own, AbortSignal.timeout(DEADLINE))
    } catch (error) {
      return error
    }
    return null
  })
  const [error] = await within(Promise.all(asked), DEADLINE, 'the answers')
  assert.ok(error instanceof GatewayError, String(error))
  await eventually(() => setup.server.sending() === 0, DEADLINE, 'the answers are left')
  return { error, sentEach: setup.server.sent() / pages }
}

const eventOf = (data: unknown): string => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
const choiceOf = (delta: object, more: object = {}) => ({ choices: [{ index: 0, delta, ...more }] })
/** A list in a field of an event, of 900 KB. */
const long = (entry: string) => `[${Array.from({ length: 900_000 / (entry.length + 1) }, () => entry).join()}]`
const logprobs = (entry: string) =>
  eventOf(`{"choices":[{"index":0,"delta":{"content":""},"logprobs":{"content":${long(entry)}}}]}`)

describe('an answer without end', () => {
  const kinds: readonly { name: string; text: string; message: RegExp }[] = [
    { name: 'of lists', text: eventOf(`{"choices":[],"junk":${long('[]')}}`), message: /far too many parts/ },
    { name: 'of objects', text: eventOf(`{"choices":[],"junk":${long('{}')}}`), message: /far too many parts/ },
    { name: 'of names', text: eventOf(`{"choices":[],"junk":{${long('"a":1').slice(1, -1)}}}`), message: /far too many/ }, // prettier-ignore
    { name: 'of depth', text: eventOf(`{"choices":[],"junk":${'['.repeat(4e5)}${']'.repeat(4e5)}}`), message: /far too many parts/ }, // prettier-ignore
    { name: 'of choices', text: eventOf(`{"choices":${long('{}')}}`), message: /far too many parts/ },
    { name: 'of probabilities that are none', text: logprobs('0'), message: /far more than one page/ },
    { name: 'of probabilities', text: logprobs('{"token":"","logprob":-1}'), message: /far more than one page/ },
    { name: 'of alternatives', text: logprobs('{"token":"a","logprob":-1,"top_logprobs":[{"token":"aaaaaaa","logprob":-1}]}'), message: /far more than one page/ }, // prettier-ignore
    { name: 'of token ids', text: eventOf({ ...choiceOf({}), token_ids: Array.from({ length: 1e5 }, (_, at) => at) }), message: /far more than one page/ }, // prettier-ignore
    { name: 'of events that bring nothing', text: eventOf({}).repeat(1000), message: /far more than one page/ },
    { name: 'of events without text', text: eventOf(choiceOf({ content: '' })).repeat(100), message: /far more than one/ }, // prettier-ignore
    { name: 'of wrong counts', text: eventOf({ usage: { prompt_tokens: -1 } }).repeat(100), message: /far more than one/ }, // prettier-ignore
    { name: 'of comments', text: ': still here\n\n'.repeat(1000), message: /far more than one page/ },
    { name: 'of one event', text: `data: ${'x'.repeat(65_536)}`, message: /more than a megabyte/ },
    { name: 'of lines of one event', text: 'data:\n'.repeat(10_000), message: /far more than one page/ },
    { name: 'of line ends', text: '\r\n'.repeat(10_000), message: /far more than one page/ },
    { name: 'of one whole completion', text: `{"choices":[],"junk":"${'x'.repeat(65_536)}`, message: /far more than/ },
    { name: 'of thoughts', text: eventOf(choiceOf({ reasoning: 'x'.repeat(5000) })), message: /far more than/ },
  ]
  for (const { name, text, message } of kinds) {
    it(`${name} is left before it takes much`, async () => {
      const { error, sentEach } = await failureOf(repeats(text))
      assert.deepEqual([error.code, error.retry], ['engine_error', true])
      assert.match(error.message, message)
      assert.ok(sentEach < (5 + SOCKETS_MEGABYTES) * MEGABYTE, `${sentEach} bytes`)
    })
  }

  it('takes no memory to speak of, with sixty-four pages asked at once', async () => {
    // Read as they came, each page had taken more than a hundred megabytes.
    let highest = 0
    const timer = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 5)
    const before = process.memoryUsage.rss()
    const { error } = await failureOf(repeats(eventOf(`{"choices":[],"junk":${long('[]')}}`)), 64)
    clearInterval(timer)
    assert.match(error.message, /far too many parts/)
    assert.ok(highest - before < 600 * MEGABYTE, `${(highest - before) / MEGABYTE} MB`)
  })
})

describe('a whole completion', () => {
  it('of far too many parts is not parsed', async () => {
    const { error } = await failureOf(says({ choices: [], junk: Array.from({ length: 100_000 }, () => []) }))
    assert.match(error.message, /far too many parts/)
  })
})

describe('what a server says of its tokens', () => {
  it('is not believed when no answer has so many', async () => {
    const usage = { prompt_tokens: 1e15, completion_tokens: 1e8 }
    const end = eventOf({ choices: [{ index: 0, delta: { content: 'x' }, finish_reason: 'stop' }] })
    const text = `${end}${eventOf({ choices: [], usage })}data: [DONE]\n\n`
    await using server = await startScriptedServer({ '/v1/chat/completions': (_, response) => response.end(text) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: server.url })
    const image = `data:image/png;base64,${Buffer.from((await promptOf()).image.data).toString('base64')}`
    const content = [{ type: 'image_url' as const, image_url: { url: image } }]
    const answer = await gateway.client.chat.completions.create({ model: 'ocr', messages: [{ role: 'user', content }] })
    assert.deepEqual([answer.usage?.prompt_tokens, answer.usage?.completion_tokens], [0, 0])
    assert.doesNotMatch(await (await fetch(`${gateway.url}/metrics`)).text(), /NaN|Infinity|e\+/)
  })
})

describe('a chat that is passed through', () => {
  const chat = JSON.stringify({ model: 'ocr', stream: true, messages: [{ role: 'user', content: 'Hi' }] })
  const post = (url: string, signal: AbortSignal) =>
    fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: chat, signal }) // prettier-ignore

  it('is read no faster than its client reads', async () => {
    await using server = await startScriptedServer({ '/v1/chat/completions': repeats('data: {}\n\n'.repeat(6000)) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: server.url })
    const leaving = new AbortController()
    await post(gateway.url, leaving.signal)
    // What comes is left in the client's socket: all on the way there fills, and then nothing moves.
    let last = -1
    const isStill = async () => {
      const before = last
      last = server.sent()
      await new Promise((resolve) => setTimeout(resolve, 300))
      return last > 0 && before === last
    }
    await eventually(isStill, DEADLINE, 'the answer stands still')
    assert.ok(server.sent() < 3 * SOCKETS_MEGABYTES * MEGABYTE, `${server.sent()} bytes`)
    leaving.abort()
    await eventually(() => server.sending() === 0, DEADLINE, 'the answer is left')
  })

  it('is not held by a refusal of the key that does not end', async () => {
    await using server = await startScriptedServer({ '/v1/chat/completions': (_, response) => void response.writeHead(401).write('no') }) // prettier-ignore
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: server.url })
    const response = await within(post(gateway.url, AbortSignal.timeout(DEADLINE)), 5000, 'the error')
    assert.equal(response.status, 502)
    assert.match(await response.text(), /GATEWAY_UPSTREAM_API_KEY/)
  })
})
