import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import OpenAI from 'openai'
import { createRecorder } from '../../gateway/telemetry/recorder.ts'
import { smallPages } from '../bench/small-pages.ts'
import { startFakeCollector, type FakeCollector, type ReceivedSpan } from '../fakes/fake-collector.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { askWhole } from '../support/read-answer.ts'
import { createBatch, linesOf, untilEnded } from '../support/run-batch.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { useFolder } from '../support/use-folder.ts'
import { eventually, within } from '../support/within.ts'

const DEADLINE = 10_000
const MODEL = 'lightonai/LightOnOCR-2-1B'
const CLIENT_TRACE = 'aaaabbbbccccddddeeeeffff00001111'
const CLIENT_SPAN = '1234567890abcdef'
/** Of three documents of as many pages as one may have. */
const PAGES_AT_ONCE = 6000
const MARK = 'Zanzibar quotient'

const traceOf = (header: unknown): string => String(header).split('-')[1] ?? ''
const spanOf = (header: unknown): string => String(header).split('-')[2] ?? ''

describe('a request that is traced', { timeout: 60_000 }, () => {
  let collector: FakeCollector
  let fake: FakeVllm
  let gateway: TestGateway

  before(async () => {
    // OpenTelemetry's own name; spans are sent soon.
    process.env['OTEL_BSP_SCHEDULE_DELAY'] = '20'
    process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'deployment.environment.name=test'
    collector = await startFakeCollector()
    fake = await startFakeVllm()
    gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_API_KEYS: 'archive:unused',
      // Else the attempts that are left are made side by side.
      GATEWAY_UPSTREAM_CONCURRENCY: '1',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
    await collector[Symbol.asyncDispose]()
  })

  const spansIn = (traceId: string, name: string): ReceivedSpan[] =>
    collector.spans.filter((span) => span.traceId === traceId && span.name.startsWith(name))
  const untilTraced = (traceId: string, name = 'POST '): Promise<void> =>
    eventually(() => spansIn(traceId, name).length > 0, DEADLINE, `the trace ${traceId}`)

  it('is a tree of request, document, page and attempts, in the trace of its client, which goes on at vLLM', async () => {
    let asked = 0
    fake.setAnswer(() => (asked++ === 0 ? { text: '' } : `${MARK} on a page.`))
    await gateway.client.chat.completions.create(
      { model: MODEL, messages: [{ role: 'user', content: [filePart(smallPages(1))] }] },
      { headers: { traceparent: `00-${CLIENT_TRACE}-${CLIENT_SPAN}-01`, tracestate: 'vendor=1' } },
    )
    await untilTraced(CLIENT_TRACE)
    const only = (name: string): ReceivedSpan => {
      const found = spansIn(CLIENT_TRACE, name)
      assert.equal(found.length, 1, name)
      return found[0]!
    }
    const request = only('POST /v1/chat/completions')
    assert.deepEqual([request.parentId, request.kind, request.status], [CLIENT_SPAN, 2, 0])
    assert.equal(request.attributes['http.response.status_code'], 200)
    assert.equal(request.attributes['ocr.request.key_name'], 'archive')
    const document = only('ocr.document')
    assert.equal(document.parentId, request.spanId)
    assert.deepEqual(document.attributes, { 'ocr.document.type': 'application/pdf', 'ocr.document.pages': 1 })
    const page = only('ocr.page')
    assert.equal(page.parentId, request.spanId)
    assert.equal(page.attributes['ocr.page.status'], 'repaired')
    assert.equal(page.attributes['ocr.page.attempts'], 2)
    for (const part of ['draw', 'queue']) assert.equal(only(`${part} page`).parentId, page.spanId)
    const attempts = spansIn(CLIENT_TRACE, `chat ${MODEL}`)
    assert.deepEqual(
      attempts.map(({ attributes, parentId, kind, status }) => [
        attributes['ocr.attempt.number'],
        attributes['ocr.attempt.outcome'],
        parentId === page.spanId,
        kind,
        status,
      ]),
      [
        [1, 'empty', true, 3, 2],
        [2, 'accepted', true, 3, 0],
      ],
    )
    const { attributes } = attempts[1]!
    assert.equal(attributes['gen_ai.request.model'], MODEL)
    assert.equal(attributes['server.port'], fake.port)
    assert.ok(Number(attributes['gen_ai.usage.output_tokens']) > 0)
    assert.ok(Number(attributes['gen_ai.usage.input_tokens']) > 0)
    assert.deepEqual(attributes['gen_ai.response.finish_reasons'], ['stop'])
    const headers = fake.requests.slice(-2).map((seen) => seen.headers)
    assert.deepEqual(
      headers.map(({ traceparent, tracestate }) => [traceOf(traceparent), spanOf(traceparent), tracestate]),
      attempts.map(({ spanId }) => [CLIENT_TRACE, spanId, 'vendor=1']),
    )
    assert.deepEqual(collector.resource, { 'service.name': 'ocr-gateway', 'deployment.environment.name': 'test' })
  })

  it('has a trace of its own where its client names none that is valid', async () => {
    fake.setAnswer(() => 'text')
    const before = fake.requests.length
    for (const traceparent of [
      '00-0-0-01',
      `00-${'0'.repeat(32)}-${CLIENT_SPAN}-01`,
      `ff-${CLIENT_TRACE}-${CLIENT_SPAN}-01`,
    ])
      await gateway.client.chat.completions.create(
        { model: MODEL, messages: [{ role: 'user', content: 'What is a page?' }] },
        { headers: { traceparent } },
      )
    const traces = fake.requests.slice(before).map(({ headers }) => traceOf(headers['traceparent']))
    assert.equal(new Set(traces).size, 3)
    for (const trace of traces) {
      assert.match(trace, /^(?!0{32})[\da-f]{32}$/)
      assert.notEqual(trace, CLIENT_TRACE)
      await untilTraced(trace)
      const [request] = spansIn(trace, 'POST ')
      assert.equal(request?.parentId, '')
      assert.deepEqual(
        spansIn(trace, 'chat ').map(({ parentId }) => parentId),
        [request.spanId],
      )
    }
  })

  it('says nothing where its client has decided that the trace is not sampled', async () => {
    const before = fake.requests.length
    const trace = 'ffffbbbbccccddddeeeeffff00001111'
    await gateway.client.chat.completions.create(
      { model: MODEL, messages: [{ role: 'user', content: [filePart(smallPages(1, 7))] }] },
      { headers: { traceparent: `00-${trace}-${CLIENT_SPAN}-00` } },
    )
    const { traceparent } = fake.requests[before]!.headers
    assert.match(String(traceparent), new RegExp(`^00-${trace}-[\\da-f]{16}-00$`))
    assert.equal(spansIn(trace, '').length, 0)
  })

  it('ends without an error when its client leaves', async () => {
    fake.setAnswer(() => ({ text: 'text', firstDelayMs: 30_000 }))
    const before = fake.requests.length
    const leave = new AbortController()
    const trace = 'eeeebbbbccccddddeeeeffff00001111'
    const asked = gateway.client.chat.completions.create(
      { model: MODEL, messages: [{ role: 'user', content: [filePart(smallPages(2, 21))] }] },
      { headers: { traceparent: `00-${trace}-${CLIENT_SPAN}-01` }, signal: leave.signal },
    )
    await eventually(() => fake.requests.length > before, DEADLINE, 'the first page')
    leave.abort()
    await assert.rejects(asked)
    await untilTraced(trace)
    await eventually(() => spansIn(trace, 'ocr.page').length === 2, DEADLINE, 'the pages')
    assert.equal(spansIn(trace, 'POST ')[0]?.attributes['http.response.status_code'], 499)
    for (const page of spansIn(trace, 'ocr.page')) assert.equal(page.attributes['ocr.page.status'], 'pending')
    assert.equal(spansIn(trace, 'chat ')[0]?.attributes['ocr.attempt.outcome'], 'left')
    assert.deepEqual(
      spansIn(trace, '').filter(({ status }) => status === 2),
      [],
    )
  })

  it('may be a line of a batch', async () => {
    fake.setAnswer(() => 'text')
    const body = { model: MODEL, messages: [{ role: 'user', content: [filePart(smallPages(1, 9))] }] }
    const input = linesOf('/v1/chat/completions', [{ custom_id: 'a', body }])
    const before = fake.requests.length
    const { id } = await createBatch(gateway.client, '/v1/chat/completions', input)
    assert.equal((await untilEnded(gateway.client, id)).status, 'completed')
    const trace = traceOf(fake.requests[before]?.headers['traceparent'])
    await untilTraced(trace, 'batch line')
    const [line] = spansIn(trace, 'batch line')
    assert.equal(line?.attributes['ocr.batch.id'], id)
    assert.equal(spansIn(trace, 'ocr.page')[0]?.parentId, line?.spanId)
  })

  it('leaves no text of a document, no file name and no key in its spans', () => {
    assert.ok(collector.text.includes('repaired'))
    for (const secret of [MARK, 'document.pdf', 'What is a page', 'Strip 1', 'unused'])
      assert.ok(!collector.text.includes(secret), secret)
  })
})

describe('a gateway that ends', { timeout: 60_000 }, () => {
  it('sends what is left of its traces, and that of a request that failed', async () => {
    process.env['OTEL_BSP_SCHEDULE_DELAY'] = '60000'
    await using collector = await startFakeCollector()
    const gateway = await startTestGateway({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'pages' })
    const parts = [filePart(new TextEncoder().encode('%PDF-1.7 and no more'))]
    await assert.rejects(askWhole(gateway.client, { parts }))
    assert.equal(collector.spans.length, 0)
    await gateway.stop()
    const ends = collector.spans.map(({ name, status, attributes }) => [name, status, attributes['error.type']])
    assert.deepEqual(ends, [
      ['ocr.document', 2, 'document_unreadable'],
      // The client's own fault is no error of the server.
      ['POST /v1/chat/completions', 0, undefined],
    ])
    assert.equal(collector.resource['service.name'], 'pages')
  })
})

describe('spans that end all at once, as those of cached documents do', { timeout: 60_000 }, () => {
  it('are all sent, the last one with them: without it a trace has no beginning', async () => {
    await using collector = await startFakeCollector()
    const problems: unknown[] = []
    const onProblem = (problem: unknown) => void problems.push(problem)
    const recorder = createRecorder({ url: `${collector.url}/v1/traces`, serviceName: null, onProblem })
    const request = recorder.begin('request', 'server', {}, null)
    for (let page = 1; page <= PAGES_AT_ONCE; page++) request.child('ocr.page', { 'ocr.page.number': page }).end()
    request.end()
    await recorder.close()
    assert.deepEqual(problems, [])
    assert.equal(collector.spans.length, PAGES_AT_ONCE + 1)
    assert.equal(collector.spans.at(-1)?.name, 'request')
  })
})

describe('a collector that does not take traces', { timeout: 60_000 }, () => {
  const folder = useFolder()

  it('holds up no request, and the end of the process for some seconds at most', async () => {
    await using collector = await startFakeCollector()
    collector.setHanging(true)
    await using fake = await startFakeVllm()
    await using gateway = await startGatewayProcess({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_DATA_DIR: folder.path,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
      // It would be waited for for so long.
      OTEL_EXPORTER_OTLP_TIMEOUT: '60000',
    })
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'unused', maxRetries: 0 })
    const { ocr } = await askWhole(client, { model: MODEL, parts: [filePart(smallPages(3))] })
    assert.equal(ocr.pages.length, 3)
    gateway.child.kill('SIGTERM')
    assert.deepEqual(await within(gateway.exited, 20_000, 'the end'), [0, null])
    assert.match(gateway.output.stderr, /"stopped"/)
  })
})

describe('a gateway that sends traces nowhere', { timeout: 60_000 }, () => {
  it('passes the trace of a client on as it is, and begins none', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const traceparent = `00-${CLIENT_TRACE}-${CLIENT_SPAN}-01`
    const body = { model: MODEL, messages: [{ role: 'user' as const, content: [filePart(smallPages(1))] }] }
    await gateway.client.chat.completions.create(body, { headers: { traceparent } })
    await gateway.client.chat.completions.create({ ...body, messages: [{ role: 'user', content: 'Hello' }] })
    assert.deepEqual(
      fake.requests.map(({ headers }) => headers['traceparent']),
      [traceparent, undefined],
    )
  })
})
