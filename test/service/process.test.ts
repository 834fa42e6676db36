import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { makePdf } from '../support/make-pdf.ts'
import { readMetrics, sumBy, valueOf } from '../support/read-metrics.ts'
import { eventually, within } from '../support/within.ts'

const TIMEOUT = 60_000

const question = (pages: number, more: object = {}) =>
  JSON.stringify({
    model: 'default',
    messages: [
      { role: 'user', content: [filePart(makePdf(Array.from({ length: pages }, (_, page) => ({ number: page }))))] },
    ],
    ...more,
  })

const post = (url: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  })

describe('the process', { timeout: TIMEOUT }, () => {
  it('says where it listens, on a port of its own choosing', async () => {
    await using gateway = await startGatewayProcess({})
    assert.match(gateway.output.stdout, /^ocr-gateway listens on http:\/\/127\.0\.0\.1:\d+\n$/)
    const response = await fetch(`${gateway.url}/health`)
    assert.equal(response.status, 200)
    assert.deepEqual(await response.json(), { status: 'ok' })
  })

  it('says everything that is wrong with its settings, a line each, and exits with 1', async () => {
    await using gateway = await startGatewayProcess({
      GATEWAY_PORT: 'x',
      GATEWAY_LOOKAHEAD: '-1',
      GATEWAY_MODEL_PROFILES: 'a=nonsense',
    })
    assert.deepEqual(await within(gateway.exited, 10_000, 'the exit'), [1, null])
    const lines = gateway.output.stderr.trim().split('\n')
    assert.match(lines[0] ?? '', /^GATEWAY_PORT must be/)
    assert.match(lines[1] ?? '', /^GATEWAY_LOOKAHEAD must be/)
    assert.equal(lines.length, 2)
  })

  it('refuses a pin to a profile that does not exist', async () => {
    await using gateway = await startGatewayProcess({ GATEWAY_MODEL_PROFILES: 'a=nonsense' })
    assert.deepEqual(await within(gateway.exited, 10_000, 'the exit'), [1, null])
    assert.match(gateway.output.stderr, /^GATEWAY_MODEL_PROFILES .*nonsense.*lightonocr-2/)
  })

  it('exits with 1 when its port is taken', async () => {
    await using first = await startGatewayProcess({})
    await using second = await startGatewayProcess({ GATEWAY_PORT: new URL(first.url).port })
    assert.deepEqual(await within(second.exited, 10_000, 'the exit'), [1, null])
    assert.match(second.output.stderr, /GATEWAY_PORT.*EADDRINUSE/)
  })

  it('finishes what runs on SIGTERM, takes nothing new, and exits with 0', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ text: 'finished', firstDelayMs: 800 }) })
    await using gateway = await startGatewayProcess({ GATEWAY_UPSTREAM_URLS: fake.url })
    const running = post(gateway.url, question(2))
    await eventually(() => fake.requests.length === 2, 10_000, 'the pages are in flight')
    gateway.child.kill('SIGTERM')
    await eventually(() => gateway.output.stderr.includes('draining'), 5000, 'it drains')
    await assert.rejects(fetch(`${gateway.url}/health`), 'a new connection is refused')
    const response = await within(running, 10_000, 'the running request')
    assert.equal(response.status, 200)
    assert.match(await response.text(), /finished/)
    assert.deepEqual(await within(gateway.exited, 10_000, 'the exit'), [0, null])
  })

  it('cuts what takes longer than the drain time', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ silent: true }) })
    await using gateway = await startGatewayProcess({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_DRAIN_SECONDS: '0.5' })
    const running = post(gateway.url, question(1)).then(
      (response) => response.status,
      () => 'cut',
    )
    await eventually(() => fake.requests.length === 1, 10_000, 'the page is in flight')
    gateway.child.kill('SIGTERM')
    assert.equal(await within(running, 10_000, 'the cut'), 'cut')
    assert.deepEqual(await within(gateway.exited, 10_000, 'the exit'), [0, null])
    await eventually(() => fake.requests[0]?.aborted === true, 2000, 'the engine stops')
  })

  it('writes one line per request, without text of the document, the password or a key', async () => {
    const secret = 'the text of the page'
    await using fake = await startFakeVllm({ answer: () => secret })
    await using gateway = await startGatewayProcess({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_API_KEYS: 'archive:s3cret-key',
    })
    const authorization = 'Bearer s3cret-key'
    const body = question(3, { ocr: { password: 'pass-word' } })
    const whole = await post(gateway.url, body, { authorization, 'x-request-id': 'scan-0042' })
    assert.equal(whole.headers.get('x-request-id'), 'scan-0042')
    assert.match(await whole.text(), new RegExp(secret))
    const stream = await post(gateway.url, question(3, { stream: true }), {
      authorization,
      'x-request-id': 'bad id\u00e9',
    })
    assert.match(stream.headers.get('x-request-id') ?? '', /^req_[0-9a-f]{32}$/)
    await stream.text()
    await post(gateway.url, body, { authorization: 'Bearer wrong-key' })
    const lines = () => gateway.output.stderr.split('\n').filter((line) => line.includes('"msg":"request"'))
    await eventually(() => lines().length === 3, 5000, 'three lines')
    const [first, second, third] = lines().map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(
      { ...first, seconds: 0, time: '', bytes: 0 },
      {
        level: 30,
        time: '',
        request_id: 'scan-0042',
        method: 'POST',
        path: '/v1/chat/completions',
        status: 200,
        seconds: 0,
        key: 'archive',
        model: 'lightonai/LightOnOCR-2-1B',
        documents: 1,
        pages: 3,
        cached_pages: 0,
        bytes: 0,
        msg: 'request',
      },
    )
    assert.deepEqual([second?.['stream'], second?.['pages'], second?.['cached_pages']], [true, 3, 3])
    assert.deepEqual([third?.['status'], third?.['code']], [401, 'invalid_api_key'])
    for (const word of [secret, 'pass-word', 's3cret-key', 'wrong-key'])
      assert.ok(!gateway.output.stderr.includes(word))
  })

  it('logs nothing of what an upstream has said of a page, at any level', async () => {
    const secret = 'Jane Doe, carcinoma'
    const event = (text: string) => `data: ${text}\n\n`
    const chunk = event(JSON.stringify({ choices: [{ index: 0, delta: { content: 'x' } }] }))
    const bodies = [
      { status: 200, body: `${chunk}${event(`{"content":"${secret}`)}` },
      {
        status: 200,
        body: `${chunk}${event(JSON.stringify({ error: { message: secret, type: secret, code: 500 } }))}`,
      },
      { status: 200, body: `{"choices":[{"message":{"content":"${secret}` },
      { status: 200, body: event(JSON.stringify({ choices: [{ delta: { content: { secret } } }] })) },
      { status: 500, body: `<html><body>${secret}</body></html>` },
      { status: 400, body: JSON.stringify({ detail: [{ msg: 'Bad', input: secret }] }) },
    ]
    await using fake = await startFakeVllm({
      answer: ({ image }) => ({ failure: bodies[image?.pageNumber ?? 0] ?? { status: 500, body: '' } }),
    })
    await using gateway = await startGatewayProcess({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_UPSTREAM_CONCURRENCY: '8',
      GATEWAY_LOG_LEVEL: 'trace',
    })
    const answer = await (await post(gateway.url, question(bodies.length))).text()
    await eventually(() => gateway.output.stderr.includes('"msg":"request"'), 5000, 'its line')
    assert.ok(gateway.output.stderr.split('"msg":"page failed"').length > bodies.length)
    for (const text of [answer, gateway.output.stderr]) assert.doesNotMatch(text, /Jane|carcinoma/)
  })

  for (const stream of [true, false]) {
    it(`notes a client that left before its answer began (stream: ${stream})`, async () => {
      await using fake = await startFakeVllm({ answer: () => ({ silent: true }) })
      await using gateway = await startGatewayProcess({ GATEWAY_UPSTREAM_URLS: fake.url })
      const leave = new AbortController()
      const asked = fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: question(2, { stream }),
        signal: leave.signal,
      })
      await eventually(() => fake.requests.length === 2, 10_000, 'the pages are in flight')
      leave.abort()
      await assert.rejects(asked)
      await eventually(() => gateway.output.stderr.includes('"msg":"request"'), 5000, 'its line')
      assert.match(gateway.output.stderr, /"status":499.*"code":"client_gone"/)
      const metrics = await readMetrics(gateway.url)
      assert.deepEqual(sumBy(metrics, 'ocr_gateway_requests_total', 'status'), { 499: 1 })
      // The one that asks for the metrics is in flight itself.
      assert.equal(valueOf(metrics, 'ocr_gateway_requests_in_flight'), 1)
    })
  }

  it('counts requests, pages and the cache on /metrics', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startGatewayProcess({ GATEWAY_UPSTREAM_URLS: fake.url })
    await (await post(gateway.url, question(3))).text()
    await (await post(gateway.url, question(3))).text()
    await (await post(gateway.url, '{')).text()
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
    const model = 'lightonai/LightOnOCR-2-1B'
    for (const line of [
      'ocr_gateway_requests_total{route="/v1/chat/completions",status="200"} 2',
      'ocr_gateway_requests_total{route="/v1/chat/completions",status="400"} 1',
      `ocr_gateway_pages_total{status="ok",model="${model}",key="none",format="application/pdf"} 6`,
      'ocr_gateway_cache_lookups_total{result="miss"} 3',
      'ocr_gateway_cache_lookups_total{result="hit"} 3',
      'ocr_gateway_errors_total{code="invalid_json"} 1',
      'ocr_gateway_stage_duration_seconds_count{stage="rasterize"} 3',
      'ocr_gateway_stage_duration_seconds_count{stage="engine"} 3',
    ]) {
      assert.ok(
        metrics.includes(`${line}\n`),
        `${line}\n${metrics
          .split('\n')
          .filter((it) => it.startsWith('ocr_'))
          .join('\n')}`,
      )
    }
  })
})
