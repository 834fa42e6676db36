import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { errorBody } from '../../gateway/wire/openai/errors.ts'
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const OCR = 'lightonai/LightOnOCR-2-1B'
const CHAT = 'maker/chat'
const MINERU = 'opendatalab/MinerU2.5-2509-1.2B'

const address = 'http://169.254.169.254/latest/meta-data'
const pixel = 'data:image/png;base64,iVBORw0KGgo='
const bigImage = `data:image/png;base64,${'iVBORw0KGgoA'.repeat(10_000)}`

const chat = (content: unknown, more: object = {}) => ({ messages: [{ role: 'user', content }], ...more })
const hi = { type: 'text', text: 'Hi' }

let upstream: RecordingUpstream
let gateway: TestGateway

before(async () => {
  upstream = await startRecordingUpstream([OCR, CHAT, MINERU])
  gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: upstream.url, GATEWAY_MODEL_PROFILES: `${CHAT}=none` })
})
after(async () => {
  await gateway.stop()
  await upstream[Symbol.asyncDispose]()
})

const post = (body: string, path = '/v1/chat/completions') =>
  fetch(gateway.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body })

async function refusal(body: string, path?: string) {
  const before = upstream.received.length
  const response = await post(body, path)
  assert.ok(response.status === 400 || response.status === 404, `it was answered with ${response.status}`)
  const { error } = errorBody.parse(await response.json())
  assert.equal(upstream.received.length, before, 'it reached the upstream')
  return error
}

/** Each is refused for every model, unless it says which. `body` is JSON, or text that JSON.stringify would not write. */
interface Trick {
  readonly name: string
  readonly body: object | ((model: string) => string)
  readonly code?: string
  readonly param?: string
  readonly models?: readonly string[]
}

const raw =
  (content: string, more = '') =>
  (model: string): string =>
    `{"model":${JSON.stringify(model)},"messages":[{"role":"user","content":${content}}]${more}}`

const partTricks: readonly Trick[] = [
  { name: 'a text with an address and an id', body: chat([{ ...hi, uuid: '1', image_url: address }]), code: 'url_not_allowed', param: 'messages[0].content[0].image_url' }, // prettier-ignore
  { name: 'a text with an address object and an id', body: chat([hi, { ...hi, uuid: '1', image_url: { url: address } }]) }, // prettier-ignore
  { name: 'a text with an id alone', body: chat([{ ...hi, uuid: '1' }]), param: 'messages[0].content[0].uuid' },
  { name: 'a text with an id, and an image that the upstream may have', body: chat([{ ...hi, uuid: '1', image_url: null }]) }, // prettier-ignore
  { name: 'a text with the address of a video', body: chat([{ ...hi, uuid: '1', video_url: address }]), code: 'url_not_allowed' }, // prettier-ignore
  { name: 'a text with the address of a sound', body: chat([{ ...hi, uuid: '1', audio_url: { url: address } }]), code: 'url_not_allowed' }, // prettier-ignore
  ...['image_embeds', 'audio_embeds', 'video_embeds', 'prompt_embeds', 'image_pil', 'input_audio'].map((name) => ({
    name: `a text with ${name}`,
    body: chat([{ ...hi, uuid: '1', [name]: 'gASVAAAA' }]),
    param: `messages[0].content[0].uuid`,
  })),
  ...['image_embeds', 'audio_embeds', 'video_embeds', 'prompt_embeds', 'image_pil'].map((type) => ({
    name: `a part of type ${type}`,
    body: chat([{ type, [type]: 'gASVAAAA', data: 'gASVAAAA' }]),
    param: 'messages[0].content[0].type',
  })),
  { name: 'an address in a field that is not known', body: chat([{ ...hi, picture: address }]), code: 'url_not_allowed' }, // prettier-ignore
  { name: 'an address deep in a field that is not known', body: chat([{ ...hi, extra: { a: [{ b: address }] } }]), code: 'url_not_allowed' }, // prettier-ignore
  { name: 'a field for the chat template', body: chat([{ ...hi, image: true }]), models: [CHAT] },
  { name: 'an address of an image', body: chat([{ type: 'image_url', image_url: { url: address } }]), code: 'url_not_allowed' }, // prettier-ignore
  { name: 'a bare address of an image', body: chat([{ type: 'image_url', image_url: address }]), code: 'url_not_allowed' }, // prettier-ignore
  { name: 'an address without a type', body: chat([{ image_url: address }]), models: [OCR], code: 'url_not_allowed' },
  { name: 'an address without a type, to a chat model', body: chat([{ image_url: address }]), models: [CHAT], code: 'url_not_allowed' }, // prettier-ignore
  { name: 'an address of a video', body: chat([{ type: 'video_url', video_url: { url: address } }]), models: [CHAT], code: 'url_not_allowed' }, // prettier-ignore
  { name: 'an address of a sound', body: chat([{ type: 'audio_url', audio_url: { url: address } }]), models: [CHAT], code: 'url_not_allowed' }, // prettier-ignore
  { name: 'an address in place of a sound', body: chat([{ type: 'input_audio', input_audio: { data: address, format: 'wav' } }]), models: [CHAT], code: 'url_not_allowed' }, // prettier-ignore
  { name: 'an address in place of a file', body: chat([{ type: 'file', file: { file_data: address } }]), code: 'url_not_allowed' }, // prettier-ignore
  { name: 'an address in place of a file id', body: chat([{ type: 'file', file: { file_id: address } }]), code: 'url_not_allowed' }, // prettier-ignore
  ...['file:///etc/passwd', 'FTP://a/b', 's3://a/b', 'gs://a/b', ' https://a/b', 'HTTPS://a/b'].map((url) => ({
    name: `an image at ${url}`,
    body: chat([{ type: 'image_url', image_url: { url } }]),
    code: 'url_not_allowed',
  })),
  { name: 'an image with an id', body: chat([{ type: 'image_url', image_url: { url: pixel }, uuid: '1' }]), models: [CHAT] }, // prettier-ignore
  { name: 'an image that the upstream may have', body: chat([{ type: 'image_url', image_url: null, uuid: '1' }]) },
  { name: 'a type that is a list', body: chat([{ type: ['image_url'], text: 'Hi', image_url: address }]) },
  { name: 'a type that is an object', body: chat([{ type: { type: 'image_url' }, image_url: address }]) },
  { name: 'parts within parts', body: chat([[{ type: 'image_url', image_url: { url: address } }]]) },
  { name: 'an object in place of parts', body: chat({ type: 'image_url', image_url: { url: address } }) },
  { name: 'a text that is an object', body: chat([{ type: 'text', text: { type: 'image_url', image_url: address } }]) },
  ...['system', 'developer', 'assistant', 'tool', 'function', 'critic'].map((role) => ({
    name: `the trick in a message of the role ${role}`,
    body: { messages: [{ role, content: [{ ...hi, uuid: '1', image_url: address }] }, ...chat('Hi').messages] },
  })),
  {
    name: 'the trick after many texts',
    body: chat([...Array.from({ length: 500 }, () => hi), { ...hi, uuid: '1', image_url: address }]),
  },
  { name: 'a name written with an escape', body: raw(`[{"type":"text","text":"Hi","u\\u0075id":"1","image\\u005furl":"${address}"}]`) }, // prettier-ignore
  { name: 'a type that is repeated', body: raw(`[{"type":"image_url","image_url":{"url":"${address}"},"type":"text","text":"Hi"}]`) }, // prettier-ignore
  { name: 'an image that is repeated, first as an address', body: raw(`[{"type":"image_url","image_url":{"url":"${address}"},"image_url":{"url":"${pixel}"}}]`), models: [CHAT] }, // prettier-ignore
  { name: 'content that is repeated', body: raw(`[{"type":"image_url","image_url":{"url":"${address}"}}],"content":"Hi"`) }, // prettier-ignore
  { name: 'content that is repeated, once with an escape', body: raw(`"Hi","c\\u006fntent":"Hi"`), param: 'content' },
  { name: 'messages that are repeated', body: raw(`[{"type":"image_url","image_url":{"url":"${address}"}}]`, ',"messages":[{"role":"user","content":"Hi"}]') }, // prettier-ignore
  { name: 'messages that are repeated in a long body', body: raw(`"${'long '.repeat(20_000)}"`, ',"messages":[{"role":"user","content":"Hi"}]') }, // prettier-ignore
  { name: 'a long address', body: chat([{ type: 'image_url', image_url: { url: `${address}?${'a'.repeat(100_000)}` } }]), code: 'url_not_allowed' }, // prettier-ignore
  { name: 'a long address with an escape', body: raw(`[{"type":"image_url","image_url":{"url":"h\\u0074tp://a/?${'a'.repeat(100_000)}"}}]`), models: [CHAT], code: 'url_not_allowed' }, // prettier-ignore
  { name: 'a long address with an escape, as a file', body: raw(`[{"type":"file","file":{"file_data":"http:\\/\\/a\\/${'a'.repeat(100_000)}"}}]`), models: [CHAT], code: 'url_not_allowed' }, // prettier-ignore
  { name: 'a trick in a long body', body: chat(['x'.repeat(100_000), { ...hi, uuid: '1', image_url: address }]) },
]

const fieldTricks: readonly Trick[] = [
  ...[
    { prompt_embeds: 'gASVAAAA' },
    { multi_modal_data: { image: pixel } },
    { mm_data: {} },
    { kv_transfer_params: { remote_host: '10.0.0.1', remote_port: 80 } },
    { ec_transfer_params: { a: 1 } },
    { logits_processors: [{ qualname: 'os.system', args: ['id'] }] },
    { chat_template: '{% for a in range(1000000000) %}a{% endfor %}' },
    { chat_template_kwargs: { chat_template: '{{ 1 }}' } },
    { chat_template_kwargs: { tokenize: true } },
    { chat_template_kwargs: { messages: [{ role: 'user' }] } },
    { vllm_xargs: { kv_transfer_params: 'a' } },
    { images: [pixel] },
    { image: 'iVBORw0KGgo=' },
    { image_url: pixel },
    { input_image: pixel },
    { files: [{ id: '1' }] },
    { unheard_of: { deep: [{ image_url: 'x' }] } },
  ].map((more) => ({ name: JSON.stringify(more), body: chat('Hi', more), param: Object.keys(more)[0] ?? '' })),
  { name: 'an address in a field that is not known', body: chat('Hi', { unheard_of: address }), code: 'url_not_allowed' }, // prettier-ignore
  { name: 'an address deep in a field that is not known', body: chat('Hi', { unheard_of: { a: [{ b: address }] } }), code: 'url_not_allowed' }, // prettier-ignore
  { name: 'an address for the image processor', body: chat('Hi', { mm_processor_kwargs: { a: address } }) },
  { name: 'images of a message, as Ollama has them', body: { messages: [{ role: 'user', content: 'Hi', images: ['iVBORw0KGgo='] }] }, param: 'messages[0].images' }, // prettier-ignore
  { name: 'parts of a message, as Gemini has them', body: { messages: [{ role: 'user', content: 'Hi', parts: [{ file_data: { file_uri: 'a' } }] }] }, param: 'messages[0].parts' }, // prettier-ignore
  { name: 'an address of a message', body: { messages: [{ role: 'user', content: 'Hi', picture: address }] }, code: 'url_not_allowed' }, // prettier-ignore
  { name: 'an address behind more spaces than an outline keeps', body: chat('x'.repeat(100_000), { unheard_of: `${' '.repeat(5000)}${address}` }), code: 'url_not_allowed' }, // prettier-ignore
  { name: 'an address of which an outline keeps no scheme', body: (model) => `{"model":"${model}","messages":[{"role":"user","content":"${'x'.repeat(100_000)}"}],"a":["${'\\u0020'.repeat(10)}${address}${'a'.repeat(5000)}"]}`, code: 'url_not_allowed' }, // prettier-ignore
  { name: 'an address 5000 levels deep', body: (model) => `{"model":"${model}","messages":[{"role":"user","content":"Hi"}],"a":${'['.repeat(5000)}"${address}"${']'.repeat(5000)}}` }, // prettier-ignore
  ...[
    { media_io_kwargs: { image: { a: 1 } } },
    { mm_processor_kwargs: { max_pixels: 1e12 } },
    { documents: [{ title: 'a', text: 'b' }] },
    { priority: -1 },
  ].map((more) => ({ name: `${JSON.stringify(more)}, for an OCR model`, body: chat('Hi', more), models: [OCR] })),
]

describe('what is not passed on', () => {
  for (const { name, body, code, param, models = [OCR, CHAT] } of [...partTricks, ...fieldTricks]) {
    for (const model of models) {
      it(`${name} (${model === OCR ? 'an OCR model' : 'a chat model'})`, async () => {
        const text = typeof body === 'function' ? body(model) : JSON.stringify({ model, ...body })
        const error = await refusal(text)
        if (code !== undefined) assert.equal(error.code, code, error.message)
        if (param !== undefined) assert.equal(error.param, param, error.message)
        assert.ok(error.message.length < 2000)
      })
    }
  }

  for (const [name, more] of Object.entries({
    'prompt_embeds beside a prompt': { prompt: 'Hi', prompt_embeds: 'gASVAAAA' },
    'prompt_embeds in place of a prompt': { prompt_embeds: ['gASVAAAA'] },
    'a prompt that is an object': { prompt: { prompt_embeds: 'gASVAAAA' } },
    'prompts that are objects': { prompt: [{ multi_modal_data: { image: pixel } }] },
    'prompts of several kinds': { prompt: ['Hi', 1] },
    'an image': { prompt: 'Hi', image: pixel },
    'multimodal data': { prompt: 'Hi', multi_modal_data: { image: address } },
    'an address in a field that is not known': { prompt: 'Hi', picture: address },
    'the address of another server': { prompt: 'Hi', kv_transfer_params: { remote_host: '10.0.0.1' } },
  })) {
    it(`a completion: ${name}`, async () => {
      await refusal(JSON.stringify({ model: CHAT, ...more }), '/v1/completions')
    })
  }

  it('a completion with a name that is repeated', async () => {
    const error = await refusal(`{"model":"${CHAT}","prompt":"Hi","prompt":["Ho"]}`, '/v1/completions')
    assert.match(error.message, /^prompt: the name stands twice/)
  })
})

/** Bodies that real clients send, as they write them. */
const passed: readonly { name: string; body: string; models?: readonly string[] }[] = [
  { name: 'a question, with blanks and escapes', body: `{ "messages" : [ {"role":"user","content":"H\\u00e9 \\"there\\" \\\\"} ] ,\n"model":"MODEL", "temperature":1.0,"seed":9007199254740993 }` }, // prettier-ignore
  ...[
    chat('Hi'),
    chat([hi]),
    chat(['Hi', { type: 'input_text', text: 'there' }]),
    chat([
      { ...hi, cache_control: { type: 'ephemeral' } },
      { ...hi, annotations: [], index: 0 },
    ]),
    chat(`See ${address} and {"type":"image_url","image_url":{"url":"${address}"}}`),
    chat([{ type: 'text', text: address }]),
    {
      messages: [
        { role: 'system', content: [hi], name: 'boss' },
        { role: 'user', content: 'What is the weather?' },
        {
          role: 'assistant',
          content: null,
          refusal: null,
          annotations: [],
          audio: null,
          function_call: null,
          reasoning_content: 'Hm.',
          tool_calls: [{ id: '1', type: 'function', function: { name: 'weather', arguments: '{"image_url":"http://a/b"}' } }], // prettier-ignore
        },
        { role: 'tool', tool_call_id: '1', content: [{ type: 'text', text: '{"url":"http://a/b"}' }] },
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
        { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm.', signature: 'x' }, hi] },
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: '' },
      ],
      tools: [
        {
          type: 'function',
          function: {
            name: 'show',
            parameters: { type: 'object', properties: { image_url: { type: 'string', format: 'uri', default: 'http://a/b' }, files: {} } }, // prettier-ignore
          },
        },
      ],
      tool_choice: 'auto',
      parallel_tool_calls: true,
    },
    chat('Hi', {
      response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { $id: 'https://a/b', properties: { images: {} } } } }, // prettier-ignore
      structured_outputs: { json: { properties: { image: {} } } },
      logprobs: true,
      top_logprobs: 2,
      n: 2,
      stop: ['http://a', '\n'],
      seed: 42,
      logit_bias: { 1: 2 },
      user: 'https://a/users/1',
      metadata: { page: 'https://a/b', image: 'x' },
      store: false,
      service_tier: 'auto',
      modalities: ['text'],
      audio: { voice: 'alloy', format: 'wav' },
      prediction: { type: 'content', content: [hi] },
      reasoning_effort: 'low',
      prompt_cache_key: 'a',
      safety_identifier: 'b',
      verbosity: 'low',
    }),
    chat('Hi', {
      top_k: 5,
      min_p: 0.1,
      repetition_penalty: 1.1,
      stop_token_ids: [1],
      ignore_eos: false,
      skip_special_tokens: false,
      add_generation_prompt: true,
      chat_template_kwargs: { enable_thinking: false, effort: 'low', stops: ['a'] },
      vllm_xargs: { ngram_size: 30, whitelist: [1, 2] },
      guided_json: { properties: { image_url: {} } },
      cache_salt: 'a',
      request_id: 'b',
      priority: 0,
      kv_transfer_params: null,
      images: [],
      files: null,
      think: false,
      options: { num_ctx: 4096 },
      unheard_of: { deep: [{ of: 'text' }] },
    }),
    chat('ping', { max_tokens: 5, stream_options: null }),
    chat('x'.repeat(100_000)),
  ].map((body) => ({ name: JSON.stringify(body).slice(0, 100), body: JSON.stringify({ model: 'MODEL', ...body }) })),
  ...[
    chat([hi, { type: 'image_url', image_url: { url: pixel, detail: 'high' } }]),
    chat([hi, { type: 'image_url', image_url: { url: bigImage } }]),
    chat([{ type: 'image_url', image_url: bigImage, min_pixels: 1000, max_pixels: 2000 }, hi]),
    chat([{ type: 'input_image', image_url: pixel, detail: 'auto' }]),
    chat([{ type: 'video_url', video_url: { url: 'data:video/mp4;base64,AAAA' } }]),
    chat([{ type: 'audio_url', audio_url: { url: 'data:audio/wav;base64,AAAA' } }]),
    chat([{ type: 'input_audio', input_audio: { data: bigImage.slice(22), format: 'wav' } }]),
    chat([{ type: 'file', file: { file_data: bigImage, filename: 'a.pdf' } }]),
    chat([hi], { mm_processor_kwargs: { min_pixels: 1 }, media_io_kwargs: { video: { num_frames: 8 } }, priority: 5 }),
    chat([hi], { documents: [{ title: 'a', text: 'https://a/b' }] }),
    // MinerU's client, for the layout of a page.
    {
      messages: [
        { role: 'system', content: 'You are a helpful assistant.' },
        { role: 'user', content: [{ type: 'image_url', image_url: { url: bigImage } }, { type: 'text', text: '\nLayout Detection:' }] }, // prettier-ignore
      ],
      temperature: 0,
      top_p: 0.01,
      top_k: 1,
      skip_special_tokens: false,
      vllm_xargs: { no_repeat_ngram_size: 100, debug: false },
    },
  ].map((body) => ({
    name: JSON.stringify(body).slice(0, 100),
    body: JSON.stringify({ model: 'MODEL', ...body }),
    models: [CHAT, MINERU],
  })),
  { name: "an image as PHP writes it", body: raw(`[{"type":"image_url","image_url":{"url":"data:image\\/png;base64,${'iVBO\\/w0K'.repeat(20_000)}"}}]`)('MODEL'), models: [CHAT] }, // prettier-ignore
  { name: "a sound as PHP writes it", body: raw(`[{"type":"input_audio","input_audio":{"data":"iV\\/BO${'iVBO\\/w0K'.repeat(20_000)}","format":"wav"}}]`)('MODEL'), models: [CHAT] }, // prettier-ignore
]

describe('what is passed on, byte for byte', () => {
  for (const { name, body, models = [OCR, CHAT] } of passed) {
    for (const model of models) {
      it(`${name} (${model})`, async () => {
        const sent = body.replace('MODEL', model)
        const response = await post(sent)
        assert.equal(response.status, 200, await response.text())
        assert.equal(upstream.received.at(-1)?.body.toString(), sent)
      })
    }
  }

  for (const prompt of ['Hi', ['Hi', 'Ho'], [1, 2, 3], [[1], [2, 3]], '', Array(200_000).fill(1)]) {
    it(`a completion: ${JSON.stringify(prompt).slice(0, 50)}`, async () => {
      const sent = JSON.stringify({ model: CHAT, prompt, suffix: null, echo: true, logprobs: 1, max_tokens: 16 })
      assert.equal((await post(sent, '/v1/completions')).status, 200)
      assert.equal(upstream.received.at(-1)?.body.toString(), sent)
    })
  }
})
