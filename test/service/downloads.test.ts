import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { after, before, describe, it } from 'node:test'
import { Mistral } from '@mistralai/mistralai'
import { MistralError } from '@mistralai/mistralai/models/errors'
import OpenAI, { APIError } from 'openai'
import type { ChatCompletionContentPart } from 'openai/resources'
import { unitedErrorBody } from '../../gateway/wire/mistral/errors.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { encodePng } from '../fixtures/images.ts'
import { drawNumbered } from '../fixtures/printed-page.ts'
import { filePart } from '../support/documents.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { readMetrics, sumBy } from '../support/read-metrics.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { eventually } from '../support/within.ts'

const pdf = makePdf([{ number: 1 }, { number: 2 }])
const png = await encodePng(drawNumbered(3))

/** A part with any fields, as clients send them that OpenAI's types do not know. */
const part = (fields: object) => fields as ChatCompletionContentPart

describe('documents that are sent as addresses', () => {
  let fake: FakeVllm
  let gateway: TestGateway
  let server: Server
  let host: string
  let mistral: Mistral
  const asked: IncomingMessage[] = []

  before(async () => {
    server = createServer((request, response) => {
      asked.push(request)
      const { pathname } = new URL(request.url ?? '', 'http://host')
      if (pathname === '/a.pdf') response.setHeader('content-type', 'application/pdf').end(pdf)
      else if (pathname === '/image') response.setHeader('content-type', 'text/plain').end(png)
      else if (pathname === '/moved') response.writeHead(302, { location: '/a.pdf?moved#here' }).end()
      else response.writeHead(404).end('<html>nothing here</html>')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    fake = await startFakeVllm({ models: ['lightonai/LightOnOCR-2-1B'] })
    gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_ALLOW_URLS: 'true',
      GATEWAY_ALLOWED_URL_HOSTS: host,
    })
    mistral = new Mistral({ serverURL: gateway.url, apiKey: 'unused' })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
    server.close()
  })

  const askFor = (path: string) =>
    askWhole(gateway.client, { parts: [{ type: 'image_url', image_url: { url: `http://${host}${path}` } }] })

  it('are read as if they had been sent, and share their pages with what was', async () => {
    const sent = await askWhole(gateway.client, { parts: [filePart(pdf)] })
    const before = fake.requests.length
    const answer = await askFor('/a.pdf')
    assert.equal(answer.content, sent.content)
    assert.match(answer.content, /This is page 1\.[^]*This is page 2\./)
    assert.equal(answer.cacheHeader, 'HIT')
    assert.equal(fake.requests.length, before)
    assert.deepEqual(answer.ocr.documents, sent.ocr.documents)
  })

  it('are streamed', async () => {
    const url = `http://${host}/a.pdf`
    const answer = await askStream(gateway.client, { parts: [{ type: 'image_url', image_url: { url } }] })
    assert.match(answer.content, /This is page 1\.[^]*This is page 2\./)
  })

  for (const [name, fields] of Object.entries<(url: string) => object>({
    'image_url as a string': (url) => ({ type: 'image_url', image_url: url }),
    input_image: (url) => ({ type: 'input_image', image_url: url }),
    file_url: (url) => ({ type: 'file_url', file_url: url }),
    'file_url as an object': (url) => ({ type: 'file_url', file_url: { url } }),
    'input_file with a file_url': (url) => ({ type: 'input_file', file_url: url }),
    document_url: (url) => ({ type: 'document_url', document_url: url }),
    'document_url as an object': (url) => ({ type: 'document_url', document_url: { url } }),
    file_data: (url) => ({ type: 'file', file: { filename: 'a.bin', file_data: url } }),
    file_id: (url) => ({ type: 'file', file: { file_id: url } }),
    'a source': (url) => ({ type: 'document', source: { type: 'url', url } }),
  }))
    it(`may stand in ${name}`, async () => {
      const answer = await askWhole(gateway.client, { parts: [part(fields(`http://${host}/image`))] })
      assert.match(answer.content, /This is page 3\./)
    })

  it('are asked for with nothing of the request of the client', async () => {
    asked.length = 0
    const client = new OpenAI({
      baseURL: `${gateway.url}/v1`,
      apiKey: 'secret',
      defaultHeaders: { cookie: 'a=b', 'x-secret': 'c' },
    })
    await askWhole(client, { parts: [{ type: 'image_url', image_url: { url: `http://${host}/moved?signature=s#x` } }] })
    assert.deepEqual(
      asked.map(({ method, url, headers }) => ({ method, url, names: Object.keys(headers).toSorted() })),
      ['/moved?signature=s', '/a.pdf?moved'].map((url) => ({
        method: 'GET',
        url,
        names: ['accept', 'accept-encoding', 'connection', 'host', 'user-agent'],
      })),
    )
  })

  it('are read for clients of Mistral', async () => {
    for (const document of [
      { type: 'document_url' as const, documentUrl: `http://${host}/a.pdf` },
      { type: 'image_url' as const, imageUrl: `http://${host}/image` },
      { type: 'image_url' as const, imageUrl: { url: `http://${host}/image` } },
    ]) {
      const { pages, usageInfo } = await mistral.ocr.process({ model: 'mistral-ocr-latest', document })
      assert.match(pages[0]?.markdown ?? '', /This is page [13]\./)
      assert.equal(usageInfo.docSizeBytes, document.type === 'document_url' ? pdf.length : png.length)
    }
  })

  it('are read for clients of Mistral that send a bare address', async () => {
    const response = await fetch(`${gateway.url}/v1/ocr`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', document: `http://${host}/image` }),
    })
    assert.match(await response.text(), /This is page 3\./)
  })

  it('fail for clients of Mistral in their words', async () => {
    const document = { type: 'document_url' as const, documentUrl: `http://${host}/none?secret` }
    await assert.rejects(mistral.ocr.process({ model: 'mistral-ocr-latest', document }), (error: unknown) => {
      assert.ok(error instanceof MistralError)
      const { code, param, message } = unitedErrorBody.parse(JSON.parse(error.body))
      assert.deepEqual([error.statusCode, code, param], [400, 'download_failed', 'document.document_url'])
      assert.doesNotMatch(message, /secret/)
      return true
    })
  })

  it('fail in the words of the protocol, naming the field and the host alone', async () => {
    const failed = askFor('/none?signature=secret')
    await assert.rejects(failed, (error: unknown) => {
      assert.ok(error instanceof APIError)
      const { status, code, param, message } = error
      assert.deepEqual({ status, code, param }, { status: 400, code: 'download_failed', param: 'messages[0].content[0].image_url.url' }) // prettier-ignore
      assert.match(message, /127\.0\.0\.1 answered with status 404/)
      assert.doesNotMatch(message, /secret|none/)
      assert.equal(error.headers?.get('x-should-retry'), 'false')
      return true
    })
  })

  it('are refused where the host is private and not listed, before the queue', async () => {
    await assert.rejects(
      askWhole(gateway.client, { parts: [{ type: 'image_url', image_url: { url: 'http://127.0.0.1:1/a' } }] }),
      { status: 400, code: 'url_not_allowed', param: 'messages[0].content[0].image_url.url' },
    )
  })

  it('are refused in other words where no address is fetched at all', async () => {
    await using closed = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    await assert.rejects(
      askWhole(closed.client, { parts: [{ type: 'image_url', image_url: { url: `http://${host}/a.pdf` } }] }),
      { status: 400, code: 'url_not_allowed', message: /fetches no addresses \(GATEWAY_ALLOW_URLS is not set\)/ },
    )
  })

  it('may be many, beside documents that are sent', async () => {
    const address = { type: 'image_url' as const, image_url: { url: `http://${host}/image` } }
    const { ocr, content } = await askWhole(gateway.client, { parts: [address, filePart(pdf), address] })
    assert.deepEqual(ocr.pages.map(({ document, document_page }) => [document, document_page]), [[1, 1], [2, 1], [2, 2], [3, 1]]) // prettier-ignore
    assert.deepEqual([...content.matchAll(/This is page (\d)\./g)].map(([, number]) => number), ['3', '1', '2', '3']) // prettier-ignore
  })

  it('are passed on to no upstream, for models that are no OCR models', async () => {
    fake.setModels(['lightonai/LightOnOCR-2-1B', 'Qwen/Qwen3-0.6B'])
    await using other = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_MODEL_PROFILES: 'Qwen/Qwen3-0.6B=none',
      GATEWAY_ALLOW_URLS: 'true',
      GATEWAY_ALLOWED_URL_HOSTS: host,
    })
    asked.length = 0
    const parts = [{ type: 'image_url' as const, image_url: { url: `http://${host}/image` } }]
    await assert.rejects(askWhole(other.client, { model: 'Qwen/Qwen3-0.6B', parts }), { code: 'url_not_allowed' })
    assert.equal(asked.length, 0)
  })

  it('leave their host alone in the log, and heed no proxy of the environment', async () => {
    const proxy = 'http://127.0.0.1:1'
    await using own = await startGatewayProcess({
      GATEWAY_ALLOW_URLS: 'true',
      GATEWAY_ALLOWED_URL_HOSTS: host,
      GATEWAY_LOG_LEVEL: 'trace',
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_DATA_DIR: tmpdir(),
      HTTP_PROXY: proxy,
      http_proxy: proxy,
      ALL_PROXY: proxy,
      NODE_USE_ENV_PROXY: '1',
    })
    const client = new OpenAI({ baseURL: `${own.url}/v1`, apiKey: 'unused', maxRetries: 0 })
    const ask = (path: string) =>
      askWhole(client, { parts: [{ type: 'image_url', image_url: { url: `http://${host}/${path}` } }] })
    await ask('image?token=secret')
    await assert.rejects(ask('secret?token=secret'), { code: 'download_failed' })
    await assert.rejects(
      askWhole(client, { parts: [{ type: 'image_url', image_url: { url: 'http://secret:secret@a.example/secret' } }] }),
      { code: 'url_not_allowed' },
    )
    const lines = () => own.output.stderr.split('\n').filter((line) => line.includes('"download ended"'))
    await eventually(() => lines().length === 3, 5000, 'the lines of the log')
    assert.doesNotMatch(own.output.stderr, /secret/)
    const logged = lines().map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(
      logged.map(({ level, host, outcome, bytes }) => ({ level, host, outcome, bytes })),
      [
        { level: 20, host: '127.0.0.1', outcome: 'ok', bytes: png.length },
        { level: 30, host: '127.0.0.1', outcome: 'failed', bytes: 0 },
        { level: 30, host: 'a.example', outcome: 'refused', bytes: 0 },
      ],
    )
  })

  it('are counted', async () => {
    const counts = sumBy(await readMetrics(gateway.url), 'ocr_gateway_downloads_total', 'outcome')
    assert.ok((counts['ok'] ?? 0) > 10, JSON.stringify(counts))
    assert.equal(counts['failed'], 2)
    assert.equal(counts['refused'], 1)
  })
})
