import assert from 'node:assert/strict'
import { Hono } from 'hono'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import type { GatewayEnv } from '../../gateway/http/context.ts'
import { createListener } from '../../gateway/http/listener.ts'
import { createLog } from '../../gateway/telemetry/log.ts'
import { createMetrics } from '../../gateway/telemetry/metrics.ts'
import { unitedErrorBody } from '../../gateway/wire/mistral/errors.ts'
import { errorBody } from '../../gateway/wire/openai/errors.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { makePdf } from '../support/make-pdf.ts'
import { readMetrics, sumBy } from '../support/read-metrics.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { eventually, within } from '../support/within.ts'

const DEADLINE = 10_000
const TIMEOUT = 60_000

/** Opens a connection to a gateway; what the gateway says on it is gathered. */
function open(url: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const said = { text: '', endedAt: null as number | null }
  socket.on('data', (piece: Buffer) => (said.text += piece.toString('latin1')))
  socket.on('error', () => {})
  socket.on('close', () => (said.endedAt = performance.now()))
  return { socket, said, [Symbol.dispose]: () => void socket.destroy() }
}

/** Sends these bytes and returns what the gateway has said when it closes the connection. */
async function say(url: string, bytes: string | Buffer): Promise<{ status: number; head: string; body: string }> {
  using connection = open(url)
  connection.socket.write(bytes)
  await eventually(() => connection.said.endedAt !== null, DEADLINE, 'the end of the connection')
  const [head = '', body = ''] = connection.said.text.split('\r\n\r\n')
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, body }
}

/** Starts the HTTP server alone, with an app that knows no path. */
async function startListener(maxConnections = 100) {
  const listener = createListener(new Hono<GatewayEnv>(), {
    log: createLog({ level: 'silent', format: 'json' }),
    metrics: createMetrics(),
    lifecycle: { draining: false },
    hostname: 'localhost',
    keepAliveSeconds: 75,
    maxConnections,
  })
  listener.server.listen(0, '127.0.0.1')
  await once(listener.server, 'listening')
  const { port } = listener.server.address() as AddressInfo
  return { listener, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => listener.stop(0) }
}

const request = (head: string, ...headers: string[]) => `${[head, 'host: localhost', ...headers].join('\r\n')}\r\n\r\n`

describe('a connection', { timeout: TIMEOUT }, () => {
  it('is kept for as long as the setting says, and then closed', async () => {
    await using gateway = await startTestGateway({ GATEWAY_KEEP_ALIVE_SECONDS: '3' })
    using connection = open(gateway.url)
    connection.socket.write(request('GET /health HTTP/1.1'))
    await eventually(() => connection.said.text.includes('"ok"'), DEADLINE, 'the answer')
    assert.match(connection.said.text, /keep-alive: timeout=3/i)
    const idleSince = performance.now()
    await eventually(() => connection.said.endedAt !== null, DEADLINE, 'the end of the connection')
    const seconds = ((connection.said.endedAt ?? 0) - idleSince) / 1000
    // Node adds a second for a request that is under way.
    assert.ok(seconds > 2.5 && seconds < 6, `closed after ${seconds} s`)
  })

  it('makes room for another where there are too many, the longest idle first', async () => {
    const max = 20
    await using fake = await startFakeVllm({ answer: () => ({ silent: true }) })
    await using gateway = await startTestGateway({
      GATEWAY_MAX_CONNECTIONS: `${max}`,
      GATEWAY_UPSTREAM_URLS: fake.url,
    })
    const connections: ReturnType<typeof open>[] = []
    try {
      for (let index = 0; index < max + 5; index += 1) {
        const connection = open(gateway.url)
        connections.push(connection)
        await eventually(() => !connection.socket.connecting, DEADLINE, 'the connection')
      }
      const ended = () => connections.map(({ said }) => said.endedAt !== null)
      await eventually(() => ended().filter(Boolean).length === 5, DEADLINE, 'the end of five')
      assert.deepEqual(ended().slice(0, 5), Array(5).fill(true))
      const body = JSON.stringify({
        model: 'default',
        messages: [{ role: 'user', content: [filePart(makePdf([{}]))] }],
      })
      const asking = request('POST /v1/chat/completions HTTP/1.1', `content-length: ${body.length}`) + body
      for (const { socket } of connections.slice(5)) socket.write(asking)
      const inFlight = () => gateway.services.metrics.requestsInFlight.get()
      await eventually(async () => (await inFlight()).values[0]?.value === max, DEADLINE, 'requests on all')
      const refused = await say(gateway.url, '')
      assert.deepEqual([refused.status, errorBody.parse(JSON.parse(refused.body)).error.code], [429, 'queue_full'])
      assert.match(refused.head, /retry-after: 1/i)
      assert.equal(ended().filter(Boolean).length, 5)
    } finally {
      for (const connection of connections) connection.socket.destroy()
    }
  })

  it('is kept for 75 s by default, longer than load balancers keep theirs', async () => {
    await using gateway = await startTestGateway()
    const response = await fetch(`${gateway.url}/health`)
    await response.text()
    assert.equal(response.headers.get('keep-alive'), 'timeout=75')
  })

  it('ends at once when the gateway drains and nothing is asked on it, and with its answer when something is', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ text: 'finished', firstDelayMs: 1000 }) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_DRAIN_SECONDS: '8' })
    using idle = open(gateway.url)
    idle.socket.write(request('GET /health HTTP/1.1'))
    await eventually(() => idle.said.text.includes('"ok"'), DEADLINE, 'the answer')
    using busy = open(gateway.url)
    const body = JSON.stringify({
      model: 'default',
      messages: [{ role: 'user', content: [filePart(makePdf([{ number: 1 }]))] }],
    })
    const headers = ['content-type: application/json', `content-length: ${body.length}`]
    busy.socket.write(request('POST /v1/chat/completions HTTP/1.1', ...headers) + body)
    await eventually(() => fake.requests.length === 1, DEADLINE, 'the page is in flight')
    const stopped = gateway.stop()
    const drainedAt = performance.now()
    await eventually(() => idle.said.endedAt !== null, 1000, 'the idle connection ends')
    await within(stopped, DEADLINE, 'the stop')
    assert.ok(performance.now() - drainedAt < 5000)
    assert.match(busy.said.text, /^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*finished/i)
  })

  it('on which nothing was ever sent does not hold up the end, while one whose request has begun is answered', async () => {
    await using started = await startListener()
    using silent = open(started.url)
    using begun = open(started.url)
    begun.socket.write('GET /nowhere HTTP/1.1\r\n')
    const count = () =>
      new Promise<number>((resolve) => started.listener.server.getConnections((_, open) => resolve(open)))
    await eventually(async () => (await count()) === 2, DEADLINE, 'both connections')
    const stopped = started.listener.stop(8)
    const stoppedAt = performance.now()
    await eventually(() => silent.said.endedAt !== null, 2000, 'the end of the silent connection')
    begun.socket.write('host: localhost\r\n\r\n')
    await within(stopped, DEADLINE, 'the stop')
    assert.ok(performance.now() - stoppedAt < 5000)
    assert.match(begun.said.text, /^HTTP\/1\.1 404 /)
  })
})

describe('a path', { timeout: TIMEOUT }, () => {
  const authorization = 'Bearer key'

  it('may have slashes too many, which change neither its route nor that it needs a key', async () => {
    await using gateway = await startTestGateway({ GATEWAY_API_KEYS: 'a:key' })
    for (const path of ['//v1/models', '/v1//models', '/v1/models/', '///v1///models//', '/./v1/models']) {
      const statuses = await Promise.all(
        [{}, { authorization }].map(async (headers) => (await fetch(gateway.url + path, { headers })).status),
      )
      assert.deepEqual(statuses, [401, 200], path)
    }
    const chat = await say(
      gateway.url,
      request('POST //v1//chat/completions/ HTTP/1.1', 'content-length: 0', 'connection: close'),
    )
    assert.equal(chat.status, 401)
    const metrics = await readMetrics(gateway.url)
    assert.deepEqual(sumBy(metrics, 'ocr_gateway_requests_total', 'route'), {
      '/v1/models': 10,
      '/v1/chat/completions': 1,
    })
  })

  for (const { path, says } of [
    { path: '/chat/completions', says: /Send it to \/v1\/chat\/completions/ },
    { path: '//chat/completions/', says: /Send it to \/v1\/chat\/completions/ },
    { path: '/v1/v1/chat/completions', says: /Send it to \/v1\/chat\/completions: .* must not end in \/v1\./ },
    { path: '/v1/v1/files', says: /Send it to \/v1\/files: .* must not end in \/v1\./ },
    { path: '/process', says: /There is no POST \/process here\. It takes PUT\./ },
    { path: '/v1/models/a/b', says: /It takes GET\./ },
    { path: '/v1/files/file-1', says: /It takes GET and DELETE\./ },
    { path: '/models/lightonai/LightOnOCR-2-1B', says: /Send it to \/v1\/models\/lightonai\/LightOnOCR-2-1B/ },
    { path: '/v1%2Fchat/completions', says: /There is no POST \/v1%2Fchat\/completions here\. docs\/api\.md/ },
    { path: '/v1/embeddings', says: /There is no POST \/v1\/embeddings here\. docs\/api\.md/ },
    { path: '/nonsense', says: /There is no POST \/nonsense here\. docs\/api\.md/ },
  ]) {
    it(`that is none is a 404 that says where to go: ${path}`, async () => {
      await using gateway = await startTestGateway()
      const response = await fetch(gateway.url + path, { method: 'POST' })
      const { error } = errorBody.or(unitedErrorBody).parse(await response.json())
      assert.deepEqual([response.status, error.code], [404, 'not_found'])
      assert.match(error.message, says)
    })
  }
})

describe('a client that waits for "100 Continue"', { timeout: TIMEOUT }, () => {
  const expecting = (path: string, ...headers: string[]) =>
    request(`POST ${path} HTTP/1.1`, 'expect: 100-continue', 'content-type: application/json', ...headers)
  const keys = { GATEWAY_API_KEYS: 'a:key', GATEWAY_MAX_BODY_BYTES: '1000' }
  const authorized = 'authorization: Bearer key'

  for (const { name, head, status } of [
    { name: 'has no key', head: expecting('/v1/chat/completions', 'content-length: 500'), status: 401 },
    { name: 'asks elsewhere', head: expecting('/v1/nowhere', 'content-length: 500', authorized), status: 404 },
    {
      name: 'announces too much',
      head: expecting('/v1/chat/completions', 'content-length: 1001', authorized),
      status: 413,
    },
    {
      name: 'announces another type',
      head: expecting('/v1/chat/completions', 'content-length: 500', authorized).replace(
        'application/json',
        'text/csv',
      ),
      status: 415,
    },
  ]) {
    it(`is not asked for its body when it ${name}, and reads why`, async () => {
      await using gateway = await startTestGateway(keys)
      const answer = await say(gateway.url, head)
      assert.equal(answer.status, status)
      assert.match(answer.head, /connection: close/i)
    })
  }

  it('is asked for a body that will be read', async () => {
    await using gateway = await startTestGateway(keys)
    using connection = open(gateway.url)
    const body = '{"model": "nobody", "messages": [{"role": "user", "content": "Hello"}]}'
    connection.socket.write(expecting('/v1/chat/completions', `content-length: ${body.length}`, authorized))
    await eventually(() => connection.said.text.includes('100 Continue'), DEADLINE, 'the invitation')
    connection.socket.write(body)
    await eventually(() => connection.said.text.includes('model_not_found'), DEADLINE, 'the answer')
    assert.match(connection.said.text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 404 /)
  })
})

describe('what is no request', { timeout: TIMEOUT }, () => {
  const rows = [
    { name: 'no HTTP at all', bytes: 'Dear Sir or Madam,\r\n\r\n', status: 400, code: 'malformed_request' },
    {
      name: 'the beginning of TLS',
      bytes: Buffer.from('16030100c8010000c40303', 'hex'),
      status: 400,
      code: 'malformed_request',
    },
    {
      name: 'a header without a name',
      bytes: request('GET /health HTTP/1.1', ': x'),
      status: 400,
      code: 'malformed_request',
    },
    { name: 'no Host', bytes: 'GET /health HTTP/1.1\r\n\r\n', status: 400, code: 'malformed_request' },
    {
      name: 'a Host that is none',
      bytes: 'GET /health HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n',
      status: 400,
      code: 'malformed_request',
    },
    {
      name: 'two lengths',
      bytes: request('POST /v1/chat/completions HTTP/1.1', 'content-length: 2', 'content-length: 3'),
      status: 400,
      code: 'malformed_request',
    },
    {
      name: 'chunks that are none',
      bytes: `${request('POST /v1/chat/completions HTTP/1.1', 'content-type: application/json', 'transfer-encoding: chunked')}Z\r\n`,
      status: 400,
      code: 'malformed_request',
    },
    {
      name: 'headers without end',
      bytes: request('GET /health HTTP/1.1', `x-large: ${'x'.repeat(20_000)}`),
      status: 431,
      code: 'headers_too_large',
    },
    {
      name: 'another expectation',
      bytes: request('GET /health HTTP/1.1', 'expect: wonders'),
      status: 417,
      code: 'expectation_failed',
    },
    {
      name: 'a proxy request',
      bytes: 'CONNECT other:443 HTTP/1.1\r\nhost: other:443\r\n\r\n',
      status: 404,
      code: 'not_found',
    },
  ]

  it('is answered in the form of every error, counted, and logged without its text', async () => {
    await using gateway = await startGatewayProcess({})
    for (const { name, bytes, status, code } of rows) {
      const answer = await say(gateway.url, bytes)
      assert.equal(answer.status, status, name)
      assert.equal(errorBody.parse(JSON.parse(answer.body)).error.code, code, name)
      assert.match(answer.head, /connection: close/i, name)
      assert.match(answer.head, /x-request-id: req_/i, name)
      assert.match(answer.head, /x-should-retry: false/i, name)
    }
    const lines = () => gateway.output.stderr.split('\n').filter((line) => line.includes('"msg":"request"'))
    const logged = () => lines().map((line) => JSON.parse(line) as { code: string })
    await eventually(() => rows.every(({ code }) => logged().some((line) => line.code === code)), DEADLINE, 'the lines')
    const own = logged().filter(({ code }) => code !== 'client_gone')
    assert.deepEqual(
      own.map(({ code }) => code),
      rows.map(({ code }) => code),
    )
    assert.doesNotMatch(gateway.output.stderr, /Madam|wonders|xxxx|"level":50/)
    const metrics = await readMetrics(gateway.url)
    assert.equal(sumBy(metrics, 'ocr_gateway_errors_total', 'code')['malformed_request'], 7)
    assert.equal(sumBy(metrics, 'ocr_gateway_requests_total', 'status')['431'], 1)
  })

  it('is a head that does not arrive whole in time, though bytes of it do: 408, which may be sent again', async () => {
    await using listening = await startListener()
    const { listener, url } = listening
    assert.deepEqual([listener.server.headersTimeout, listener.server.requestTimeout], [10_000, 0])
    listener.server.headersTimeout = 500
    using silent = open(url)
    await eventually(() => !silent.socket.connecting, DEADLINE, 'the connection')
    using connection = open(url)
    connection.socket.write('GET /health HTTP/1.1\r\n')
    const dripping = setInterval(() => connection.socket.writable && connection.socket.write('x: y\r\n'), 100)
    await eventually(() => connection.said.endedAt !== null, DEADLINE, 'the end of the connection')
    clearInterval(dripping)
    const [head = '', body = ''] = connection.said.text.split('\r\n\r\n')
    assert.match(head, /^HTTP\/1\.1 408/)
    assert.equal(errorBody.parse(JSON.parse(body)).error.code, 'request_timeout')
    assert.match(head, /x-should-retry: true/i)
    // One that a balancer has opened in advance is not late: it has asked nothing yet.
    assert.equal(silent.said.endedAt, null)
    silent.socket.write(request('GET / HTTP/1.1'))
    await eventually(() => silent.said.text.startsWith('HTTP/1.1 404'), DEADLINE, 'the answer')
  })

  it('leaves no line when a connection is opened and closed, as probes do', async () => {
    await using gateway = await startGatewayProcess({})
    using connection = open(gateway.url)
    await eventually(() => !connection.socket.connecting, DEADLINE, 'the connection')
    connection.socket.end()
    await eventually(() => connection.said.endedAt !== null, DEADLINE, 'its end')
    assert.equal((await fetch(`${gateway.url}/health`)).status, 200)
    await eventually(() => gateway.output.stderr.includes('"path":"/health"'), DEADLINE, 'the line of the other')
    assert.equal(gateway.output.stderr.match(/"msg":"request"/g)?.length, 1)
  })
})
