import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { after, before, describe, it } from 'node:test'
import OpenAI, { APIError, AuthenticationError, BadRequestError } from 'openai'
import { errorBody, type ErrorBody } from '../../gateway/wire/openai/errors.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { truncatedPng } from '../fixtures/image-damage.ts'
import { dataUrl, filePart, imagePart, readFixture } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { within } from '../support/within.ts'

const MAX_DOCUMENT = 2_000_000
const truncated = await truncatedPng()
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const deep = (levels: number): unknown => JSON.parse(`{"a":`.repeat(levels) + '1' + '}'.repeat(levels))
const onePage = makePdf([{ number: 1, lines: ['One page'] }])
const fivePages = makePdf(Array.from({ length: 5 }, (_, index) => ({ number: index + 1 })))

describe('bad input', () => {
  let fake: FakeVllm
  let gateway: TestGateway

  before(async () => {
    fake = await startFakeVllm()
    gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_MAX_BODY_BYTES: '4000000',
      GATEWAY_MAX_DOCUMENT_BYTES: String(MAX_DOCUMENT),
      GATEWAY_MAX_PAGES: '4',
    })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  /** Posts a body as it stands and expects OpenAI's error envelope. */
  async function post(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    const said: unknown = await response.json()
    const { error } = errorBody.parse(said)
    assert.deepEqual(Object.keys((said as ErrorBody).error), ['message', 'type', 'param', 'code'])
    return { status: response.status, headers: response.headers, ...error }
  }

  const chatOf = (parts: unknown) => ({ model: 'default', messages: [{ role: 'user', content: parts }] })
  const chat = (parts: unknown, more: object = {}) => JSON.stringify({ ...chatOf(parts), ...more })
  const file = (file_data: string) => [{ type: 'file', file: { file_data } }]
  const fileData = 'messages[0].content[0].file.file_data'
  const encrypted = () => readFixture('encrypted-user-aes256.pdf')

  const bodies: {
    name: string
    body: () => string
    status: number
    code: string
    param: string | null
    says?: RegExp
  }[] = [
    { name: 'an empty body', body: () => '', status: 400, code: 'invalid_json', param: null, says: /empty/ },
    {
      name: 'broken JSON',
      body: () => '{"model": "default", "messages": [',
      status: 400,
      code: 'invalid_json',
      param: null,
    },
    {
      name: 'JSON that is 100,000 levels deep',
      body: () => `{"model": "default", "messages": [{"role": "user", "content": "Hello"}], "x": ${nested(100_000)}}`,
      status: 400,
      code: 'invalid_json',
      param: null,
      says: /200 levels/,
    },
    {
      name: 'JSON that is too deep by one level, in a body that is read by its outline',
      body: () => JSON.stringify({ ...chatOf(filePartOf(new Uint8Array(100_000))), ocr: { fields: deep(199) } }),
      status: 400,
      code: 'invalid_json',
      param: null,
      says: /200 levels/,
    },
    {
      name: 'an option that is as deep as JSON may be',
      body: () => JSON.stringify({ ...chatOf(filePartOf(onePage)), ocr: { fields: deep(198) } }),
      status: 400,
      code: 'invalid_value',
      param: 'ocr.fields',
    },
    { name: 'JSON that is no object', body: () => '[1, 2]', status: 400, code: 'invalid_value', param: null },
    {
      name: 'no model',
      body: () => JSON.stringify({ messages: [] }),
      status: 400,
      code: 'invalid_value',
      param: 'model',
    },
    {
      name: 'no messages',
      body: () => JSON.stringify({ model: 'default' }),
      status: 400,
      code: 'invalid_value',
      param: 'messages',
    },
    {
      name: 'messages of the wrong type',
      body: () => JSON.stringify({ model: 'default', messages: 'hello' }),
      status: 400,
      code: 'invalid_value',
      param: 'messages',
    },
    {
      name: 'a message without a role',
      body: () => JSON.stringify({ model: 'default', messages: [{ content: '' }] }),
      status: 400,
      code: 'invalid_value',
      param: 'messages[0].role',
    },
    {
      name: 'content of the wrong type',
      body: () => chat(7),
      status: 400,
      code: 'invalid_value',
      param: 'messages[0].content',
    },
    {
      name: 'a part of an unknown type',
      body: () => chat([{ type: 'video_url', video_url: { url: 'x' } }]),
      status: 400,
      code: 'invalid_value',
      param: 'messages[0].content[0].type',
      says: /text, image_url, file/,
    },
    {
      name: 'a part that is null',
      body: () => chat([null]),
      status: 400,
      code: 'invalid_value',
      param: 'messages[0].content[0]',
    },
    {
      name: 'a file part without data',
      body: () => chat([{ type: 'file', file: { filename: 'a.pdf' } }]),
      status: 400,
      code: 'invalid_value',
      param: fileData,
    },
    {
      name: 'a file id that nobody stored',
      body: () => chat([{ type: 'file', file: { file_id: 'file-1' } }]),
      status: 404,
      code: 'file_not_found',
      param: 'messages[0].content[0].file.file_id',
    },
    {
      name: 'stream of the wrong type',
      body: () => chat(file(''), { stream: 'yes' }),
      status: 400,
      code: 'invalid_value',
      param: 'stream',
    },
    {
      name: 'more than one choice',
      body: () => chat(file(''), { n: 2 }),
      status: 400,
      code: 'invalid_value',
      param: 'n',
    },
    {
      name: 'an unknown option',
      body: () => chat(file(''), { ocr: { page: '1' } }),
      status: 400,
      code: 'unknown_option',
      param: 'ocr.page',
      says: /pages, task/,
    },
    {
      name: 'an unknown preparation',
      body: () => chat(file(''), { ocr: { prepare: { sharpen: true } } }),
      status: 400,
      code: 'unknown_option',
      param: 'ocr.prepare.sharpen',
      says: /rotate, deskew/,
    },
    {
      name: 'an option of the wrong type',
      body: () => chat(file(''), { ocr: { pages: 1 } }),
      status: 400,
      code: 'invalid_value',
      param: 'ocr.pages',
    },
    {
      name: 'an option outside its values',
      body: () => chat(file(''), { ocr: { cache: 'yes' } }),
      status: 400,
      code: 'invalid_value',
      param: 'ocr.cache',
      says: /use.*refresh.*off/,
    },
    {
      name: 'a task that the model lacks',
      body: () => chat(filePartOf(onePage), { ocr: { task: 'table' } }),
      status: 400,
      code: 'invalid_value',
      param: 'ocr.task',
      says: /document/,
    },
    {
      name: 'a separator for JSON',
      body: () => chat(filePartOf(onePage), { ocr: { output: 'json', page_separator: '-' } }),
      status: 400,
      code: 'invalid_value',
      param: 'ocr.page_separator',
    },
    {
      name: 'a page range that is none',
      body: () => chat(filePartOf(onePage), { ocr: { pages: 'one' } }),
      status: 400,
      code: 'invalid_value',
      param: 'ocr.pages',
    },
    {
      name: 'a page outside the document',
      body: () => chat(filePartOf(onePage), { ocr: { pages: '2' } }),
      status: 400,
      code: 'page_out_of_range',
      param: 'ocr.pages',
      says: /1 page/,
    },
    {
      name: 'more pages than one request may ask',
      body: () => chat(filePartOf(fivePages)),
      status: 400,
      code: 'too_many_pages',
      param: fileData,
      says: /at most 4/,
    },
    {
      name: 'more documents than pages that one request may ask, whatever is in them',
      body: () => chat(Array.from({ length: 5 }, () => filePartOf(new Uint8Array([0x25, 1, 2]))).flat()),
      status: 400,
      code: 'too_many_pages',
      param: fileData,
      says: /holds 5 documents, and at most 4 pages/,
    },
    {
      name: 'more documents than pages, of which few are asked for',
      body: () => chat(Array.from({ length: 5 }, () => filePartOf(onePage)).flat(), { ocr: { pages: '1' } }),
      status: 400,
      code: 'too_many_pages',
      param: fileData,
      says: /Send fewer documents/,
    },
    {
      name: 'too many pages in the first documents: those after them are not opened',
      body: () => chat([...filePartOf(fivePages), ...filePartOf(new Uint8Array([0x25, 1, 2]))]),
      status: 400,
      code: 'too_many_pages',
      param: fileData,
      says: /asks for 5 pages or more/,
    },
    {
      name: 'bad base64',
      body: () => chat(file('data:application/pdf;base64,JVBERi0*')),
      status: 400,
      code: 'invalid_base64',
      param: fileData,
    },
    {
      name: 'an empty document',
      body: () => chat(file('data:application/pdf;base64,')),
      status: 400,
      code: 'document_empty',
      param: fileData,
    },
    {
      name: 'something that calls itself a PDF',
      body: () => chat(file(dataUrl(Buffer.from('Dear Sir or Madam'), 'application/pdf'))),
      status: 400,
      code: 'document_unreadable',
      param: fileData,
    },
    {
      name: 'a media type that nobody reads',
      body: () => chat(file(dataUrl(readFixture('page-12.jxl'), 'image/jxl'))),
      status: 415,
      code: 'unsupported_media_type',
      param: fileData,
    },
    {
      name: 'a truncated PDF without a page left',
      body: () => chat(file(dataUrl(onePage.slice(0, 200), 'application/pdf'))),
      status: 400,
      code: 'document_unreadable',
      param: fileData,
    },
    {
      name: 'a truncated image',
      body: () => chat([imagePart(truncated)]),
      status: 400,
      code: 'document_unreadable',
      param: 'messages[0].content[0].image_url.url',
    },
    {
      name: 'an encrypted PDF without its password',
      body: () => chat(filePartOf(encrypted())),
      status: 400,
      code: 'document_encrypted',
      param: fileData,
      says: /ocr\.password/,
    },
    {
      name: 'an encrypted PDF with a wrong password',
      body: () => chat(filePartOf(encrypted()), { ocr: { password: 'guess' } }),
      status: 400,
      code: 'wrong_password',
      param: 'ocr.password',
    },
    {
      name: 'an address',
      body: () => chat([{ type: 'image_url', image_url: { url: 'http://169.254.169.254/x' } }]),
      status: 400,
      code: 'url_not_allowed',
      param: 'messages[0].content[0].image_url.url',
    },
    {
      name: 'a document over the limit',
      body: () => chat(file(dataUrl(Buffer.alloc(MAX_DOCUMENT + 1), 'application/pdf'))),
      status: 413,
      code: 'document_too_large',
      param: fileData,
    },
    {
      name: 'an unknown model',
      body: () => chat(filePartOf(onePage), { model: 'gpt-4o' }),
      status: 404,
      code: 'model_not_found',
      param: 'model',
      says: /lightonai\/LightOnOCR-2-1B, tesseract, default/,
    },
  ]
  const filePartOf = (bytes: Uint8Array) => [filePart(bytes)]

  for (const { name, body, status, code, param, says } of bodies) {
    it(`refuses ${name} with ${status} ${code}, and answers the next request`, async () => {
      const error = await post(body())
      assert.deepEqual([error.status, error.code, error.param], [status, code, param], error.message)
      assert.match(error.message, says ?? /\w/)
      assert.equal(error.type, 'invalid_request_error')
      assert.equal(error.headers.get('x-should-retry'), 'false')
      assert.ok(error.headers.get('x-request-id'))
      const next = await askWhole(gateway.client, { parts: filePartOf(onePage) })
      assert.match(next.content, /This is page 1\./)
    })
  }

  it('opens an encrypted PDF with its password, and never repeats the password', async () => {
    const { content, ocr } = await askWhole(gateway.client, {
      parts: filePartOf(encrypted()),
      ocr: { password: 'open sesame', pages: '1-4' },
    })
    assert.deepEqual(
      ocr.pages.map(({ status }) => status),
      ['ok', 'ok', 'ok', 'ok'],
    )
    assert.ok(!JSON.stringify([content, ocr]).includes('open sesame'))
  })

  it('refuses a body over the limit by its length, before reading it', async () => {
    const error = await post('x'.repeat(4_000_001))
    assert.deepEqual([error.status, error.code], [413, 'body_too_large'])
  })

  it('refuses a body over the limit that does not say its length, long before its end', async () => {
    // As all official clients: with `Connection: close`, Node ends the connection under a body that is still sent.
    const agent = new Agent({ keepAlive: true })
    const request = httpRequest(`${gateway.url}/v1/chat/completions`, { method: 'POST', agent })
    // A gateway that has answered may close the connection on what still comes.
    request.on('error', () => {})
    const answered = once(request, 'response') as Promise<[IncomingMessage]>
    const pieces = 256
    let sent = 0
    while (sent < pieces && !request.destroyed && request.listenerCount('response') > 0) {
      sent += 1
      if (!request.write(Buffer.alloc(65_536, ' ')))
        await Promise.race([once(request, 'drain').catch(() => {}), answered])
    }
    const [response] = await within(answered, 5000, 'the refusal')
    request.destroy()
    assert.equal(response.statusCode, 413)
    assert.ok(sent < pieces, `${sent} pieces were taken`)
  })

  for (const { name, headers } of [
    { name: 'a compressed body', headers: { 'content-encoding': 'gzip' } },
    { name: 'a form', headers: { 'content-type': 'multipart/form-data; boundary=x' } },
  ]) {
    it(`refuses ${name} with 415`, async () => {
      const error = await post('x', headers)
      assert.deepEqual([error.status, error.code], [415, 'unsupported_media_type'])
    })
  }

  it('is an error of its class in the official client', async () => {
    const asked = askWhole(gateway.client, { parts: filePartOf(onePage), ocr: { pages: '9' } })
    await assert.rejects(asked, (error: unknown) => {
      assert.ok(error instanceof BadRequestError)
      assert.deepEqual(
        [error.code, error.param, error.type],
        ['page_out_of_range', 'ocr.pages', 'invalid_request_error'],
      )
      assert.ok(error.requestID)
      return true
    })
  })

  it('answers an unknown path with 404 in the same form', async () => {
    const response = await fetch(`${gateway.url}/v1/embeddings`, { method: 'POST', body: '{}' })
    assert.equal(response.status, 404)
    assert.match(errorBody.parse(await response.json()).error.message, /POST \/v1\/embeddings/)
  })

  const long = 'a'.repeat(100_000)
  for (const [name, body, param] of [
    [
      'the value of an option',
      { messages: [{ role: 'user', content: filePartOf(onePage) }], ocr: { task: long } },
      /^ocr\.task$/,
    ],
    ['the name of a field', { messages: [{ role: 'user', content: 'Hi' }], [long]: 'http://a/' }, /^a{499}…$/],
  ] as const)
    it(`does not repeat a whole request that stands in ${name}`, async () => {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'default', ...body }),
      })
      const { error } = errorBody.parse(await response.json())
      assert.match(error.param ?? '', param)
      assert.ok(error.message.length <= 2000, `the message has ${error.message.length} characters`)
    })

  it('fails the request with the first failed page when asked to', async () => {
    fake.setAnswer(({ image }) =>
      image?.pageNumber === 2
        ? {
            failure: {
              status: 500,
              body: { error: { message: 'boom', type: 'InternalServerError', param: null, code: 500 } },
            },
          }
        : `page ${image?.pageNumber}`,
    )
    const question = { parts: filePartOf(fivePages), ocr: { pages: '1-3', cache: 'off' } }
    const marked = await askWhole(gateway.client, question)
    assert.equal(marked.content, 'page 1\n\n---\n\n<!-- page 2 failed: engine_error -->\n\n---\n\npage 3')
    assert.deepEqual(
      marked.ocr.pages.map(({ status, error }) => [status, error?.code]),
      [
        ['ok', undefined],
        ['failed', 'engine_error'],
        ['ok', undefined],
      ],
    )
    const failing = { ...question, ocr: { ...question.ocr, on_page_error: 'fail' } }
    await assert.rejects(askWhole(gateway.client, failing), { status: 502, code: 'engine_error', message: / Page 2: / })
    await assert.rejects(
      askStream(gateway.client, failing),
      (error: unknown) => error instanceof APIError && error.code === 'engine_error',
    )
    const two = [...filePartOf(onePage), ...filePartOf(fivePages)]
    const inSecond = { ...failing, parts: two, ocr: { ...failing.ocr, pages: '1-3' } }
    await assert.rejects(askWhole(gateway.client, inSecond), { message: / Page 3 \(page 2 of document 2\): / })
  })

  it('is an honest status, and no stream, when every page failed', async () => {
    fake.setAnswer(() => ({ failure: { status: 500, body: { error: 'the engine is dead' } } }))
    const question = { parts: filePartOf(fivePages), ocr: { pages: '1-3', cache: 'off' } }
    await assert.rejects(askWhole(gateway.client, question), { status: 502, code: 'engine_error' })
    await assert.rejects(askStream(gateway.client, question), { status: 502, code: 'engine_error' })
  })

  it('says that a page was cut off, and does not cache it', async () => {
    fake.setAnswer(({ image }) => (image?.pageNumber === 2 ? { text: 'half a', finishReason: 'length' } : 'whole'))
    const question = { parts: filePartOf(fivePages), ocr: { pages: '1-2', page_separator: '|' } }
    const first = await askWhole(gateway.client, question)
    assert.match(first.content, /^whole\|half a\n\n<!-- page 2 failed: engine_error -->$/)
    assert.equal(first.finishReason, 'stop', "OpenAI's clients throw the whole document away for a 'length'")
    assert.deepEqual(
      first.ocr.pages.map(({ status, finish_reason }) => [status, finish_reason]),
      [
        ['ok', 'stop'],
        ['failed', 'length'],
      ],
    )
    fake.setAnswer(() => 'whole now')
    const second = await askWhole(gateway.client, question)
    assert.equal(second.content, 'whole|whole now')
    assert.deepEqual(
      second.ocr.pages.map(({ cache }) => cache),
      ['hit', 'miss'],
    )
    assert.equal(second.cacheHeader, 'PARTIAL')
  })

  it("keeps a document with a page that was cut off for the client's own parse and stream helpers", async () => {
    fake.setAnswer(({ image }) => (image?.pageNumber === 2 ? { text: 'half a', finishReason: 'length' } : '{"a": 1}'))
    const body = { model: 'default', messages: [{ role: 'user' as const, content: filePartOf(fivePages) }] }
    const options = { ...body, ocr: { pages: '1-3', cache: 'off', page_separator: '|' } }
    const parsed = await gateway.client.chat.completions.parse(options)
    const streamed = await gateway.client.chat.completions.stream(options).finalContent()
    const content = '{"a": 1}|half a\n\n<!-- page 2 failed: engine_error -->|{"a": 1}'
    assert.deepEqual([parsed.choices[0]?.message.content, streamed], [content, content])
  })

  it('is 503 when the upstream is down, and recovers without a restart', async () => {
    const { port } = fake
    fake.setAnswer(() => 'fine')
    await fake.kill()
    await assert.rejects(askWhole(gateway.client, { parts: filePartOf(onePage), ocr: { cache: 'off' } }), {
      status: 503,
      code: 'engine_unavailable',
    })
    fake = await startFakeVllm({ port, answer: () => 'back again' })
    const again = () => askWhole(gateway.client, { parts: filePartOf(onePage), ocr: { cache: 'off' } })
    // A busy machine may find the server later than within the second for which pages wait here.
    const { content } = await again().catch(again).catch(again)
    assert.equal(content, 'back again')
  })
})

describe('API keys', () => {
  let gateway: TestGateway
  before(async () => {
    gateway = await startTestGateway({ GATEWAY_API_KEYS: 'archive:first-secret,rag:second-secret' })
  })
  after(() => gateway.stop())

  const list = (headers: Record<string, string>) => fetch(`${gateway.url}/v1/models`, { headers })

  for (const { name, authorization, status } of [
    { name: 'the first key', authorization: 'Bearer first-secret', status: 200 },
    { name: 'the second key', authorization: 'bearer second-secret', status: 200 },
    { name: 'a wrong key', authorization: 'Bearer third-secret', status: 401 },
    { name: 'a piece of a key', authorization: 'Bearer first-secre', status: 401 },
    { name: 'another scheme', authorization: 'Basic first-secret', status: 401 },
  ]) {
    it(`answers ${name} with ${status}`, async () => assert.equal((await list({ authorization })).status, status))
  }

  it('refuses a request without a key, in the form that clients understand', async () => {
    const response = await list({})
    const body = errorBody.parse(await response.json())
    assert.equal(response.status, 401)
    assert.equal(body.error.code, 'invalid_api_key')
    assert.match(body.error.message, /Authorization: Bearer/)
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'wrong', maxRetries: 0 })
    await assert.rejects(client.models.list(), AuthenticationError)
  })

  it('leaves health, readiness and metrics open for probes', async () => {
    for (const path of ['/health', '/ready', '/metrics']) assert.equal((await fetch(gateway.url + path)).status, 200)
  })
})
