import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { startFakeCollector, type FakeCollector } from '../fakes/fake-collector.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { dataUrl, readFixture } from '../support/documents.ts'
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts'
import { makePdf } from '../support/make-pdf.ts'
import { createBatch, linesOf, untilEnded } from '../support/run-batch.ts'
import { useFolder } from '../support/use-folder.ts'
import { eventually } from '../support/within.ts'

const MODEL = 'lightonai/LightOnOCR-2-1B'
const TRACE = 'aaaabbbbccccddddeeeeffff00002222'
/** In the document, in what the engine answers, in names of files, in a password, in a prompt, in a key. */
const marks = {
  layer: 'Quillfeather mortgage',
  answer: 'Brackwater arrears',
  name: 'Ottoline-Verity.pdf',
  password: 'hunter2-marmalade',
  prompt: 'Tell Peregrine about pages',
  key: 'sk-unmistakable-key',
}

describe('the whole log of a gateway, at its most talkative', { timeout: 90_000 }, () => {
  let collector: FakeCollector
  let fake: FakeVllm
  let gateway: GatewayProcess
  let client: OpenAI
  const folder = useFolder()

  before(async () => {
    collector = await startFakeCollector()
    fake = await startFakeVllm()
    gateway = await startGatewayProcess({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_API_KEYS: `archive:${marks.key}`,
      GATEWAY_LOG_LEVEL: 'trace',
      GATEWAY_DATA_DIR: folder.path,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '50',
    })
    client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: marks.key, maxRetries: 0 })
  })
  after(async () => {
    await gateway[Symbol.asyncDispose]()
    await fake.close()
    await collector[Symbol.asyncDispose]()
  })

  const pdf = (number: number) => makePdf([{ number, lines: [`${marks.layer} and more of it`] }])
  const part = (bytes: Uint8Array) =>
    ({ type: 'file', file: { filename: marks.name, file_data: dataUrl(bytes, 'application/pdf') } }) as const
  const chat = (bytes: Uint8Array, more: object = {}) =>
    client.chat.completions
      .create(
        { model: MODEL, messages: [{ role: 'user', content: [part(bytes)] }], ...more },
        { headers: { traceparent: `00-${TRACE}-1234567890abcdef-01` } },
      )
      .catch((error: unknown) => error)
  /** Of the lines that are there by now. */
  const lines = () =>
    gateway.output.stderr
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  it('holds no text of a document, no name of a file, no password and no key', async () => {
    fake.setAnswer(() => `${marks.answer} of a page`)
    await chat(pdf(1))
    await chat(readFixture('encrypted-user-aes256.pdf'), { ocr: { password: marks.password } })
    await chat(new TextEncoder().encode(`%PDF-1.7 ${marks.layer}`))
    await client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: marks.prompt }] })
    const file = await client.files.create({ file: await toFile(pdf(2), marks.name), purpose: 'user_data' })
    const named = {
      model: MODEL,
      messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: file.id } }] }],
    }
    const input = linesOf('/v1/chat/completions', [{ custom_id: marks.name, body: named }])
    const { id } = await createBatch(client, '/v1/chat/completions', input)
    await untilEnded(client, id)
    await fetch(`${gateway.url}/process?name=x`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${marks.key}x`, 'x-filename': encodeURIComponent(marks.name) },
      body: pdf(3),
    })
    fake.setAnswer(() => ({ failure: { status: 500, body: { error: 'no' } } }))
    await chat(pdf(4))
    const isLogged = (): boolean => lines().some(({ msg, status }) => msg === 'request' && status === 502)
    await eventually(isLogged, 10_000, 'the failed request')
    await eventually(() => collector.spans.some(({ name }) => name === 'batch line'), 10_000, 'the traces')
    const { stdout, stderr } = gateway.output
    for (const [what, mark] of Object.entries(marks))
      for (const [where, text] of Object.entries({ stdout, stderr, traces: collector.text }))
        assert.ok(!text.includes(mark), `${what} is in ${where}`)
  })

  it('is lines of JSON, of which those of a request have its id and its trace', () => {
    const ofRequests = lines().filter(({ msg }) => msg === 'request')
    assert.ok(ofRequests.length > 5)
    for (const { request_id: id, trace_id: trace } of ofRequests) {
      assert.match(String(id), /^req_[\da-f]{32}$/)
      assert.match(String(trace), /^[\da-f]{32}$/)
    }
    const [failed] = lines().filter(({ msg }) => msg === 'page failed')
    assert.equal(failed?.['trace_id'], TRACE)
    assert.ok(ofRequests.some(({ request_id: id }) => id === failed['request_id']))
  })
})
