import assert from 'node:assert/strict'
import { request } from 'node:http'
import { describe, it } from 'node:test'
import { errorBody } from '../../gateway/wire/openai/errors.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { startTestGateway } from '../support/start-gateway.ts'

const TIMEOUT = 60_000
const APP = 'https://app.example.com'
const EVIL = 'https://evil.example'

type Headers = Readonly<Record<string, string>>

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** Sends a request as it stands: fetch would not let a Host or an Origin through. */
function ask(url: string, path: string, headers: Headers, more: { method?: string; body?: string } = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const asked = request(url + path, { method: more.method ?? 'GET', headers, agent: false }, (response) => {
    let body = ''
    response.on('data', (piece: Buffer) => (body += piece.toString()))
    response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers as Headers, body }))
  })
  asked.on('error', reject)
  asked.end(more.body)
  return promise
}

const preflight = (url: string, origin: string, path = '/v1/chat/completions') =>
  ask(
    url,
    path,
    {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-stainless-lang,x-request-id',
    },
    { method: 'OPTIONS' },
  )

const chat = (content: unknown, more: object = {}) =>
  JSON.stringify({ model: 'default', messages: [{ role: 'user', content }], ...more })
const document = [filePart(makePdf([{ number: 1 }]))]

/** What pages of other origins may read of an answer's head. */
const EXPOSED = [
  'retry-after',
  'x-cache',
  ...['limit', 'remaining', 'reset'].flatMap((what) => [`x-ratelimit-${what}-pages`, `x-ratelimit-${what}-requests`]),
  'x-request-id',
  'x-should-retry',
]

describe('a page that may call the gateway', { timeout: TIMEOUT }, () => {
  const keys = { GATEWAY_API_KEYS: 'a:key', GATEWAY_CORS_ORIGINS: `${APP}/, http://localhost:3000` }

  it('gets its preflight answered before a key is asked for, with every header that it wants to send', async () => {
    await using gateway = await startTestGateway(keys)
    for (const origin of [APP, 'http://localhost:3000']) {
      const { status, headers } = await preflight(gateway.url, origin)
      assert.equal(status, 204)
      assert.equal(headers['access-control-allow-origin'], origin)
      assert.match(headers['access-control-allow-methods'] ?? '', /POST/)
      assert.deepEqual(headers['access-control-allow-headers']?.split(',').toSorted(), [
        'authorization',
        'content-type',
        'x-request-id',
        'x-stainless-lang',
      ])
      assert.match(headers['vary'] ?? '', /Origin/i)
    }
  })

  it('may read every kind of answer: whole, streamed, passed through, failed', async () => {
    await using fake = await startFakeVllm({ answer: () => 'text' })
    await using gateway = await startTestGateway({ ...keys, GATEWAY_UPSTREAM_URLS: fake.url })
    const post = (body: string, headers: Headers = {}) =>
      ask(
        gateway.url,
        '/v1/chat/completions',
        { origin: APP, authorization: 'Bearer key', 'content-type': 'application/json', ...headers },
        { method: 'POST', body },
      )
    const answers = [
      { name: 'whole', answer: await post(chat(document)), status: 200 },
      { name: 'streamed', answer: await post(chat(document, { stream: true })), status: 200 },
      { name: 'passed through', answer: await post(chat('Hello?')), status: 200 },
      { name: 'passed through as a stream', answer: await post(chat('Hello?', { stream: true })), status: 200 },
      { name: 'refused', answer: await post('{'), status: 400 },
      { name: 'without its key', answer: await post(chat(document), { authorization: 'Bearer no' }), status: 401 },
      { name: 'elsewhere', answer: await ask(gateway.url, '/nowhere', { origin: APP }), status: 404 },
    ]
    for (const { name, answer, status } of answers) {
      assert.equal(answer.status, status, name)
      assert.equal(answer.headers['access-control-allow-origin'], APP, name)
      assert.match(answer.headers['vary'] ?? '', /Origin/i, name)
      const exposed = (answer.headers['access-control-expose-headers'] ?? '').split(',').toSorted()
      assert.deepEqual(exposed, EXPOSED, name)
    }
  })

  it('is any page with *', async () => {
    await using gateway = await startTestGateway({ GATEWAY_CORS_ORIGINS: '*' })
    const { status, headers } = await preflight(gateway.url, EVIL)
    assert.deepEqual([status, headers['access-control-allow-origin']], [204, '*'])
    const models = await ask(gateway.url, '/v1/models', { origin: 'null' })
    assert.deepEqual([models.status, models.headers['access-control-allow-origin']], [200, '*'])
  })

  it('may be the page of an app or an extension', async () => {
    const origins = ['app://obsidian.md', 'chrome-extension://abcdefgh']
    await using gateway = await startTestGateway({ GATEWAY_CORS_ORIGINS: origins.join() })
    for (const origin of origins) {
      const { status, headers } = await ask(gateway.url, '/v1/models', { origin })
      assert.deepEqual([status, headers['access-control-allow-origin']], [200, origin])
    }
  })
})

describe('a page that may not call the gateway', { timeout: TIMEOUT }, () => {
  for (const [setting, environment] of Object.entries({
    'no origin is listed': {},
    'others are listed': { GATEWAY_CORS_ORIGINS: APP },
    'there are keys': { GATEWAY_API_KEYS: 'a:key' },
  })) {
    it(`reads in the log of its preflight what an operator can do, when ${setting}`, async () => {
      await using gateway = await startTestGateway(environment)
      const { status, headers, body } = await preflight(gateway.url, EVIL)
      assert.equal(status, 403)
      assert.equal(headers['access-control-allow-origin'], undefined)
      const { error } = errorBody.parse(JSON.parse(body))
      assert.equal(error.code, 'forbidden')
      assert.match(error.message, /https:\/\/evil\.example .*GATEWAY_CORS_ORIGINS/)
    })
  }

  it('gets no header that lets it read an answer', async () => {
    await using gateway = await startTestGateway({ GATEWAY_API_KEYS: 'a:key', GATEWAY_CORS_ORIGINS: APP })
    const { status, headers } = await ask(gateway.url, '/v1/models', { origin: EVIL, authorization: 'Bearer key' })
    assert.deepEqual([status, headers['access-control-allow-origin']], [200, undefined])
  })

  it('cannot send JSON in a form that browsers send without asking', async () => {
    await using gateway = await startTestGateway()
    for (const [type, status] of Object.entries({
      'text/plain': 415,
      'text/plain; application/json': 415,
      'application/x-www-form-urlencoded': 415,
      'multipart/form-data; boundary=x': 415,
      'application/octet-stream': 415,
      'application/jsonp': 415,
      'application/json': 404,
      'Application/JSON; charset=utf-8': 404,
      'application/vnd.api+json': 404,
      'text/json': 404,
    })) {
      const headers = { 'content-type': type }
      for (const path of ['/v1/chat/completions', '/v1/completions']) {
        const body = JSON.stringify({ model: 'nobody', messages: [{ role: 'user', content: '' }], prompt: '' })
        const answer = await ask(gateway.url, path, headers, { method: 'POST', body })
        assert.equal(answer.status, status, `${type} ${answer.body}`)
        if (status === 415) assert.match(answer.body, /Content-Type: application\/json/)
      }
    }
  })
})

describe('a gateway without keys', { timeout: TIMEOUT }, () => {
  interface Row {
    readonly name: string
    readonly headers: Headers
    readonly path?: string
    readonly status: number
  }
  const onLoopback: readonly Row[] = [
    { name: 'a client that is no browser', headers: {}, status: 200 },
    { name: 'localhost', headers: { host: 'localhost:8080' }, status: 200 },
    { name: 'an address', headers: { host: '[::1]:8080' }, status: 200 },
    { name: 'the host of a container', headers: { host: 'host.docker.internal:8080' }, status: 200 },
    { name: 'a name without a dot', headers: { host: 'ocr' }, status: 200 },
    { name: 'a name that may be anybody’s', headers: { host: 'rebind.evil.example' }, status: 403 },
    { name: 'a name that begins like an address', headers: { host: '127.0.0.1.evil.example:8080' }, status: 403 },
    { name: 'a name that begins like localhost', headers: { host: 'localhost.evil.example' }, status: 403 },
    { name: 'metrics under a foreign name', path: '/metrics', headers: { host: 'evil.example' }, status: 403 },
    { name: 'a foreign page', headers: { origin: EVIL }, status: 403 },
    { name: 'a foreign page with a slash too many', path: '//v1//models', headers: { origin: EVIL }, status: 403 },
    { name: 'a sandboxed page', headers: { origin: 'null' }, status: 403 },
    { name: 'a page that looks like a local one', headers: { origin: 'http://localhost.evil.example' }, status: 403 },
    { name: 'a page by plain HTTP on a public name', headers: { origin: 'http://127.0.0.1.nip.io' }, status: 403 },
    { name: 'a page of this machine', headers: { origin: 'http://localhost:5173' }, status: 200 },
    { name: 'its own page', headers: { host: 'localhost:8080', origin: 'http://localhost:8080' }, status: 200 },
    {
      name: 'an image on a foreign page',
      headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      status: 403,
    },
    {
      name: 'a link on a foreign page',
      headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      status: 200,
    },
    { name: 'a listed page', headers: { origin: APP }, status: 200 },
  ]
  const onNetwork: readonly Row[] = [
    { name: 'any name', headers: { host: 'ocr.example.com' }, status: 200 },
    { name: 'its own page', headers: { host: 'ocr.example.com', origin: 'https://ocr.example.com' }, status: 200 },
    { name: 'a listed page', headers: { host: 'ocr.example.com', origin: APP }, status: 200 },
    { name: 'a foreign page', headers: { host: 'ocr.example.com', origin: EVIL }, status: 403 },
  ]
  const settings = [
    { name: 'on loopback', rows: onLoopback, environment: {} },
    {
      name: 'on a network',
      rows: onNetwork,
      environment: { GATEWAY_HOST: '0.0.0.0', GATEWAY_ALLOW_ANONYMOUS: 'true' },
    },
  ]
  for (const { name, rows, environment } of settings) {
    it(`${name} serves who can reach it, and no page of another site in their browser`, async () => {
      await using gateway = await startTestGateway({ GATEWAY_CORS_ORIGINS: APP, ...environment })
      const url = gateway.url.replace('0.0.0.0', '127.0.0.1')
      for (const { name, path = '/v1/models', headers, status } of rows) {
        const answer = await ask(url, path, headers)
        assert.equal(answer.status, status, `${name}: ${answer.body}`)
        if (status === 403) assert.match(answer.body, /"code":"forbidden"/, name)
      }
    })
  }

  it('with keys, the key decides alone', async () => {
    await using gateway = await startTestGateway({ GATEWAY_API_KEYS: 'a:key' })
    const headers = { host: 'ocr.example.com', origin: EVIL, authorization: 'Bearer key' }
    assert.equal((await ask(gateway.url, '/v1/models', headers)).status, 200)
  })
})
