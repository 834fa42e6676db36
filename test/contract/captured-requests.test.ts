import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { chatCompletion } from '../../gateway/wire/openai/chat-completion.ts'
import { mistralOcrResponse } from '../../gateway/wire/mistral/ocr-response.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { encodePng } from '../fixtures/images.ts'
import { drawNumbered } from '../fixtures/printed-page.ts'
import { dataUrl } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

// What programs send that cannot be run here, or not whole: captured from them with a proxy between, or taken from their
// source. The documents are ours.
const image = dataUrl(await encodePng(drawNumbered(1)), 'image/png')
const pdf = dataUrl(makePdf([{ number: 1 }, { number: 2 }]), 'application/pdf')
const picture = { type: 'image_url', image_url: { url: image } }
const mineru = 'opendatalab/MinerU2.5-2509-1.2B'

describe('a request as it was captured', () => {
  let fake: FakeVllm
  let gateway: TestGateway

  before(async () => {
    fake = await startFakeVllm({ models: ['lightonai/LightOnOCR-2-1B', mineru] })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const post = async (path: string, body: object, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(gateway.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk-any', ...headers },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    assert.equal(response.status, 200, text)
    return text
  }

  for (const [name, body, headers] of [
    ['docling', { messages: [{ role: 'user', content: [picture, { type: 'text', text: 'Convert this page to docling.' }] }], model: 'default', temperature: 0, max_tokens: 4096 }, {}], // prettier-ignore
    ['docling for LightOnOCR', { messages: [{ role: 'user', content: [picture, { type: 'text', text: '' }] }], model: 'default', temperature: 0, max_tokens: 4096, skip_special_tokens: false }, {}], // prettier-ignore
    ['RAGFlow', { model: 'default', messages: [{ role: 'user', content: [picture, { type: 'text', text: '## INSTRUCTION\nTranscribe the content from the provided PDF page image into clean Markdown format.' }] }] }, { 'x-stainless-read-timeout': '600', 'x-stainless-retry-count': '0' }], // prettier-ignore
    ['LibreChat', { model: 'default', user: '68a1', temperature: 1, messages: [{ role: 'user', content: [{ type: 'text', text: 'Read this.' }, { type: 'image_url', image_url: { url: image, detail: 'auto' } }] }] }, {}], // prettier-ignore
    ['Open WebUI', { stream: false, model: 'default', messages: [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, picture] }], chat_id: 'c', features: {}, variables: {} }, { 'x-openwebui-user-name': 'A%20B' }], // prettier-ignore
    ['n8n', { model: 'default', messages: [{ role: 'user', content: [{ type: 'text', text: "What's in this image?" }, { type: 'image_url', image_url: { url: image, detail: 'auto' } }] }], max_tokens: 300 }, {}], // prettier-ignore
    ['zerox', { model: 'default', messages: [{ role: 'system', content: 'Convert the following document to markdown.' }, { role: 'user', content: [picture] }], temperature: 0.0 }, {}], // prettier-ignore
    ['markitdown', { model: 'default', messages: [{ role: 'user', content: [{ type: 'text', text: 'Write a detailed caption for this image.' }, picture] }] }, {}], // prettier-ignore
    ['LangChain’s parser of pictures', { model: 'default', messages: [{ role: 'user', content: [{ type: 'text', text: 'Extract.' }, { type: 'image_url', image_url: { url: image.replace('image/png', 'image/jpeg') } }] }] }, {}], // prettier-ignore
  ] as const) {
    it(`is answered with the text of the page: ${name}`, async () => {
      const { choices, usage } = chatCompletion.parse(JSON.parse(await post('/v1/chat/completions', body, headers)))
      assert.match(choices[0]?.message.content ?? '', /This is page 1\./)
      assert.equal(choices[0]?.finish_reason, 'stop')
      for (const tokens of [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens]) assert.ok(Number.isInteger(tokens)) // prettier-ignore
    })
  }

  for (const [name, body] of [
    ['docling’s streams', { messages: [{ role: 'user', content: [picture, { type: 'text', text: 'Convert.' }] }], model: 'default', stream: true, stream_options: { include_usage: true } }], // prettier-ignore
    ['Dify', { model: 'default', stream: true, stream_options: { include_usage: true }, messages: [{ role: 'user', content: [{ type: 'text', text: 'Read.' }, { type: 'image_url', image_url: { url: image, detail: 'high' } }] }] }], // prettier-ignore
  ] as const) {
    it(`is answered with events that its client can cut apart: ${name}`, async () => {
      const text = await post('/v1/chat/completions', body, { accept: 'text/event-stream' })
      const events = text.split('\n\n').filter((event) => event !== '')
      assert.ok(events.every((event) => /^(?:data: |:)/.test(event)))
      assert.equal(events.at(-1), 'data: [DONE]')
      const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)) as { usage?: object })
      assert.ok(chunks.at(-1)?.usage !== undefined)
      assert.match(text, /This is page 1\./)
    })
  }

  for (const [name, path, body, pages] of [
    ['LibreChat’s azure_mistral_ocr', '/v1/ocr', { model: 'default', image_limit: 0, include_image_base64: false, document: { type: 'document_url', document_url: pdf } }, 2], // prettier-ignore
    ['LibreChat’s azure_mistral_ocr, with a picture', '/v1/ocr', { model: 'mistral-ocr-latest', image_limit: 0, include_image_base64: false, document: { type: 'image_url', image_url: image } }, 1], // prettier-ignore
    ['Open WebUI’s MistralLoader', '/v1/ocr', { model: 'mistral-ocr-latest', document: { type: 'document_url', document_url: pdf }, include_image_base64: false }, 2], // prettier-ignore
    ['n8n’s node for Mistral', '/v1/ocr', { model: 'mistral-ocr-latest', document: { type: 'document_url', document_name: 'a.pdf', document_url: pdf } }, 2], // prettier-ignore
  ] as const) {
    it(`is answered with pages: ${name}`, async () => {
      const answer = mistralOcrResponse.parse(JSON.parse(await post(path, body)))
      assert.deepEqual(
        answer.pages.map(({ index, markdown }) => [index, /This is page (\d)\./.exec(markdown)?.[1]]),
        Array.from({ length: pages }, (_, index) => [index, String(index + 1)]),
      )
    })
  }

  it('is passed through as it came, where its client alone understands the model: MinerU', async () => {
    const body = {
      model: mineru,
      messages: [
        { role: 'system', content: 'You are a helpful assistant.' },
        { role: 'user', content: [picture, { type: 'text', text: '\nLayout Detection:' }] },
      ],
      temperature: 0,
      top_p: 0.01,
      top_k: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      repetition_penalty: 1,
      vllm_xargs: { no_repeat_ngram_size: 100, debug: false },
      skip_special_tokens: false,
    }
    await post('/v1/chat/completions', body)
    assert.deepEqual(fake.requests.at(-1)?.body, body)
  })

  for (const [name, body] of [
    ['Dify', { model: 'default', messages: [{ role: 'user', content: 'ping' }], max_tokens: 5, stream: false }],
    ['zerox', { model: 'default', messages: [{ role: 'user', content: "Hey, how's it going?" }] }],
  ] as const) {
    it(`is passed to the model, where it only tries the connection: ${name}`, async () => {
      const said = JSON.parse(await post('/v1/chat/completions', body)) as { choices: { message: object }[] }
      assert.match(JSON.stringify(said.choices[0]?.message), /"content":"You said: (?:ping|Hey)/)
    })
  }

  it('is answered so that a reader of its own understands it: olmocr', async () => {
    const content = [{ type: 'text', text: 'Attached is one page of a document.' }, picture]
    const body = JSON.stringify({ model: 'default', messages: [{ role: 'user', content }], max_tokens: 8000, temperature: 0.1 }) // prettier-ignore
    const { hostname, port } = new URL(gateway.url)
    const socket = connect(Number(port), hostname)
    const head = ['POST /v1/chat/completions HTTP/1.1', `Host: ${hostname}`, 'Content-Type: application/json', `Content-Length: ${body.length}`, 'Connection: close'] // prettier-ignore
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
    const answer = await read(socket)
    const [headers = '', ...rest] = answer.split('\r\n\r\n')
    assert.match(headers, /^HTTP\/1\.1 200 /)
    assert.match(headers, /^content-length: \d+$/im)
    assert.doesNotMatch(headers, /^content-encoding:/im)
    assert.match(chatCompletion.parse(JSON.parse(rest.join('\r\n\r\n'))).choices[0]?.message.content ?? '', /page 1\./)
  })
})

async function read(socket: ReturnType<typeof connect>): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'end')
  socket.destroy()
  return Buffer.concat(chunks).toString()
}
