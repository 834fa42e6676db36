import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses'
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts'
import { startScriptedServer } from '../support/scripted-server.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const OCR = 'lightonai/LightOnOCR-2-1B'
const CHAT = 'maker/chat'
const ADDRESS = 'https://example.org/a.png'
const PIXEL = 'data:image/png;base64,iVBORw0KGgo='

describe('a response without a document', () => {
  let upstream: RecordingUpstream
  let gateway: TestGateway

  before(async () => {
    upstream = await startRecordingUpstream([OCR, CHAT])
    gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: upstream.url,
      GATEWAY_MODEL_PROFILES: `${CHAT}=none`,
      GATEWAY_TEXT_CHAT_MAX_TOKENS: '100',
    })
  })
  after(async () => {
    await gateway[Symbol.asyncDispose]()
    await upstream[Symbol.asyncDispose]()
  })

  const send = (body: object) => gateway.client.responses.create(body as ResponseCreateParamsNonStreaming)
  const passed = () => {
    const last = upstream.received.at(-1)
    return { path: last?.path, body: JSON.parse(String(last?.body)) as Record<string, unknown> }
  }

  it('goes to its own /v1/responses as it came, but for the bound of its tokens', async () => {
    const body = { model: OCR, input: 'What is OCR?', metadata: { site: ADDRESS }, max_output_tokens: 50 }
    await send(body)
    assert.deepEqual(passed(), { path: '/v1/responses', body })
    await send({ ...body, max_output_tokens: 5000 })
    assert.equal(passed().body['max_output_tokens'], 100)
    await send({ model: 'default', input: 'What?' })
    assert.deepEqual(passed().body, { model: OCR, input: 'What?', max_output_tokens: 100 })
  })

  it('may be a conversation: what was said passes in any words', async () => {
    const input = [
      { role: 'user', content: ADDRESS },
      {
        type: 'message',
        id: 'm',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: ADDRESS, annotations: [] }],
      },
      {
        type: 'reasoning',
        id: 'r',
        summary: [{ type: 'summary_text', text: ADDRESS }],
        content: [{ type: 'reasoning_text', text: 'Hm' }],
      },
      { type: 'function_call', call_id: 'a', name: 'f', arguments: `{"url":"${ADDRESS}"}` },
      { type: 'function_call_output', call_id: 'a', output: ADDRESS },
      { role: 'user', content: [{ type: 'input_text', text: 'And?' }] },
    ]
    const schema = { type: 'object', properties: { image_url: { type: 'string' } } }
    const tools = [{ type: 'function', name: 'f', parameters: schema }]
    const body = {
      model: CHAT,
      input,
      tools,
      text: { format: { type: 'json_schema', name: 'a', schema } },
      store: true,
    }
    await send(body)
    assert.deepEqual(passed().body, body)
  })

  it('may hold an image for a model that is no OCR model', async () => {
    const input = [{ role: 'user', content: [{ type: 'input_image', image_url: PIXEL, detail: 'auto' }] }]
    await send({ model: CHAT, input })
    assert.deepEqual(passed().body, { model: CHAT, input })
  })

  const message = (part: object) => ({ input: [{ role: 'user', content: [part] }] })
  for (const [body, code, param] of [
    [message({ type: 'input_image', image_url: ADDRESS }), 'url_not_allowed', 'input[0].content[0].image_url'],
    [
      message({ type: 'input_text', text: 'a', image_url: ADDRESS }),
      'url_not_allowed',
      'input[0].content[0].image_url',
    ],
    [message({ type: 'input_file', file_url: ADDRESS }), 'url_not_allowed', 'input[0].content[0].file_url'],
    [
      {
        input: [{ type: 'function_call_output', call_id: 'a', output: [{ type: 'input_image', image_url: ADDRESS }] }],
      },
      'url_not_allowed',
      'input[0].output[0].image_url',
    ],
    [{ input: [{ type: 'computer_call_output', output: {} }] }, 'invalid_value', 'input[0].type'],
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'invalid_value', 'input[0].type'],
    [{ input: [{ role: 'user', content: 'a', images: [ADDRESS] }] }, 'url_not_allowed', 'input[0].images'],
    [{ input: 'a', tools: [{ type: 'mcp', server_url: ADDRESS }] }, 'invalid_value', 'tools[0]'],
    [{ input: 'a', tools: [{ type: 'code_interpreter' }] }, 'invalid_value', 'tools[0]'],
    [{ input: 'a', previous_response_id: 'resp_1' }, 'invalid_value', 'previous_response_id'],
    [{ input: 'a', background: true }, 'invalid_value', 'background'],
    [{ input: 'a', kv_transfer_params: { a: 1 } }, 'invalid_value', 'kv_transfer_params'],
    [{ input: 'a', previous_input_messages: [{ role: 'user' }] }, 'invalid_value', 'previous_input_messages'],
    [{ input: 'a', previous_response: { output: [] } }, 'invalid_value', 'previous_response'],
    [{ input: 'a', extra: ADDRESS }, 'url_not_allowed', 'extra'],
    [{ input: { a: 1 } }, 'invalid_value', 'input'],
    [{}, 'invalid_value', 'input'],
  ] as const) {
    it(`does not reach the upstream: ${JSON.stringify(body)}`, async () => {
      const before = upstream.received.length
      await assert.rejects(send({ model: CHAT, ...body }), { code, param })
      assert.equal(upstream.received.length, before)
    })
  }

  it('is refused in its own words where an operator lets no chat pass', async () => {
    await using refusing = await startTestGateway({ GATEWAY_UPSTREAM_URLS: upstream.url, GATEWAY_TEXT_CHATS: 'refuse' })
    const { client } = refusing
    await assert.rejects(client.responses.create({ model: OCR, input: 'a' }), {
      code: 'invalid_value',
      param: 'input',
      message: /GATEWAY_TEXT_CHATS/,
    })
  })
})

describe('an upstream without responses', () => {
  it('is said to have none, and its 404 is no puzzle', async () => {
    await using upstream = await startScriptedServer({})
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: upstream.url })
    await assert.rejects(gateway.client.responses.create({ model: 'ocr', input: 'a' }), {
      status: 404,
      code: 'not_found',
      message: /no \/v1\/responses.*\/v1\/chat\/completions/,
    })
    assert.equal(gateway.services.upstreams.status()[0]?.inFlight, 0)
  })
})
