import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BadRequestError, NotFoundError } from 'openai'
import { modelEntry } from '../../gateway/wire/openai/models.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { eventually } from '../support/within.ts'

const onePage = makePdf([{ number: 1 }])

describe('models', () => {
  it('lists what the upstreams serve, the embedded engine, and the alias for the first OCR model', async () => {
    await using fake = await startFakeVllm({ models: ['Qwen/Qwen3-VL-8B-Instruct', 'lightonai/LightOnOCR-2-1B'] })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const data = (await gateway.client.models.list()).data.map((model) => modelEntry.parse(model))
    assert.deepEqual(
      data.map(({ id, object }) => [id, object]),
      [
        ['Qwen/Qwen3-VL-8B-Instruct', 'model'],
        ['lightonai/LightOnOCR-2-1B', 'model'],
        ['tesseract', 'model'],
        ['default', 'model'],
      ],
    )
    assert.equal(data.at(-1)?.root, 'lightonai/LightOnOCR-2-1B')
  })

  it('retrieves one, its slash escaped or not, and says which there are for another', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    assert.equal((await gateway.client.models.retrieve('lightonai/LightOnOCR-2-1B')).id, 'lightonai/LightOnOCR-2-1B')
    const unescaped = await fetch(`${gateway.url}/v1/models/lightonai/LightOnOCR-2-1B`)
    assert.equal(modelEntry.parse(await unescaped.json()).id, 'lightonai/LightOnOCR-2-1B')
    assert.equal((await gateway.client.models.retrieve('default')).id, 'default')
    await assert.rejects(gateway.client.models.retrieve('gpt-4o'), NotFoundError)
  })

  it('is the embedded engine alone without upstreams, and says so on /ready', async () => {
    await using gateway = await startTestGateway()
    assert.deepEqual(
      (await gateway.client.models.list()).data.map(({ id }) => id),
      ['tesseract', 'default'],
    )
    const ready = await fetch(`${gateway.url}/ready`)
    assert.equal(ready.status, 200)
    assert.equal(((await ready.json()) as { engine: string }).engine, 'tesseract')
  })

  it('does not let a lesser engine stand in for an upstream that is down', async () => {
    const fake = await startFakeVllm()
    const { port, url } = fake
    await fake.kill()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: url })
    const ready = await fetch(`${gateway.url}/ready`)
    assert.equal(ready.status, 503)
    assert.ok(JSON.stringify(await ready.json()).includes(url))
    const question = { parts: [filePart(onePage)] }
    await assert.rejects(askWhole(gateway.client, question), { status: 503, code: 'engine_unavailable' })
    await using later = await startFakeVllm({ port })
    await eventually(
      async () => (await fetch(`${gateway.url}/ready`)).status === 200,
      10_000,
      'the upstream that came up is noticed',
    )
    assert.match((await askWhole(gateway.client, question)).content, /page 1/)
    assert.equal(later.requests.length, 1)
  })

  it('notices a model that an upstream has begun to serve', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    fake.setModels(['tencent/HunyuanOCR'])
    await eventually(
      () =>
        askWhole(gateway.client, { model: 'tencent/HunyuanOCR', parts: [filePart(onePage)] }).then(
          () => true,
          () => false,
        ),
      10_000,
      'the new model is found',
    )
    assert.deepEqual(fake.layoutProblems, [])
  })

  it('asks HunyuanOCR in its own way: an empty system message, the image before the fixed prompt', async () => {
    await using fake = await startFakeVllm({ models: ['tencent/HunyuanOCR'] })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const { content } = await askWhole(gateway.client, { parts: [filePart(onePage)], ocr: { task: 'table' } })
    assert.match(content, /page 1/)
    assert.deepEqual(fake.layoutProblems, [])
    const [system, user] = fake.requests[0]?.body?.messages ?? []
    assert.deepEqual(system, { role: 'system', content: '' })
    const parts = user?.content as { type: string; text?: string }[]
    assert.deepEqual(
      parts.map(({ type }) => type),
      ['image_url', 'text'],
    )
    assert.equal(parts[1]?.text, '把图中的表格解析为HTML。')
    const { width = 0, height = 0 } = fake.requests[0]?.image ?? {}
    assert.deepEqual([width, height], [1653, 2339])
  })

  it('uses the profile that an operator pinned a served name to', async () => {
    await using fake = await startFakeVllm({ models: ['tencent/HunyuanOCR'] })
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_MODEL_PROFILES: 'tencent/HunyuanOCR=hunyuanocr-1.0',
    })
    await askWhole(gateway.client, { model: 'tencent/HunyuanOCR', parts: [filePart(onePage)] })
    assert.match(JSON.stringify(fake.requests[0]?.body?.messages), /ignoring headers and footers/)
  })
})

describe('what is not for the gateway to read', () => {
  it('passes text-only chats through untouched, streams included', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ deltas: ['Hel', 'lo', ' you'] }) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const request = {
      model: 'lightonai/LightOnOCR-2-1B',
      messages: [{ role: 'user' as const, content: 'Hello?' }],
      temperature: 0.7,
      top_k: 5,
    }
    const whole = await gateway.client.chat.completions.create(request)
    assert.equal(whole.choices[0]?.message.content, 'Hello you')
    assert.deepEqual(fake.requests[0]?.body, request)
    const stream = await gateway.client.chat.completions.create({ ...request, stream: true })
    const deltas = (await Array.fromAsync(stream)).map((chunk) => chunk.choices[0]?.delta.content ?? '')
    assert.deepEqual(deltas.filter(Boolean), ['Hel', 'lo', ' you'])
    assert.deepEqual(fake.requests[1]?.body, { ...request, stream: true })
  })

  it("passes an upstream's refusal through as it is", async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const request = { model: 'default', messages: [{ role: 'user' as const, content: 'Hello?' }], max_tokens: 99_999 }
    await assert.rejects(gateway.client.chat.completions.create(request), (error: unknown) => {
      assert.ok(error instanceof BadRequestError)
      assert.match(error.message, /max_tokens/)
      return true
    })
  })

  it('passes everything through for a model that an operator marked as no OCR model', async () => {
    await using fake = await startFakeVllm({ models: ['Qwen/Qwen3-VL-8B-Instruct'], answer: () => 'a cat' })
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_MODEL_PROFILES: 'Qwen/Qwen3-VL-8B-Instruct=none',
    })
    const content = [
      { type: 'text' as const, text: 'What is this?' },
      { type: 'image_url' as const, image_url: { url: tinyPng } },
    ]
    const request = { model: 'Qwen/Qwen3-VL-8B-Instruct', messages: [{ role: 'user' as const, content }] }
    const { choices } = await gateway.client.chat.completions.create(request)
    assert.equal(choices[0]?.message.content, 'a cat')
    assert.deepEqual(fake.requests[0]?.body, request)
  })

  it('says that the embedded engine cannot chat', async () => {
    await using gateway = await startTestGateway()
    await assert.rejects(
      gateway.client.chat.completions.create({ model: 'tesseract', messages: [{ role: 'user', content: 'Hi' }] }),
      { status: 400, code: 'invalid_value' },
    )
  })

  it('refuses a completion that carries an image, which vLLM would not look at', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const request = { model: 'default', prompt: 'Read this page', image: 'iVBORw0KGgo=' }
    await assert.rejects(gateway.client.completions.create(request), {
      status: 400,
      code: 'image_not_seen',
      param: 'image',
    })
    assert.equal(fake.requests.length, 0)
  })

  it('refuses a prompt alone for every model that reads documents, and says where to send it', async () => {
    await using fake = await startFakeVllm({ models: ['lightonai/LightOnOCR-2-1B', 'maker/vision', 'maker/chat'] })
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_MODEL_PROFILES: 'maker/chat=none',
    })
    const complete = (model: string) => gateway.client.completions.create({ model, prompt: 'user: Read.\nassistant: ' })
    for (const model of ['default', 'lightonai/LightOnOCR-2-1B', 'maker/vision', 'tesseract']) {
      await assert.rejects(complete(model), (error: unknown) => {
        assert.ok(error instanceof BadRequestError)
        assert.deepEqual([error.code, error.param], ['invalid_value', 'model'])
        assert.match(error.message, /\/v1\/chat\/completions .*is_chat_model=True/)
        // Only an unknown model may be no OCR model at all.
        assert.equal(error.message.includes('maker/vision=none'), model === 'maker/vision')
        return true
      })
    }
    assert.equal(fake.requests.length, 0)
    assert.match((await complete('maker/chat')).choices[0]?.text ?? '', /\w/)
    assert.equal(fake.requests[0]?.body?.model, 'maker/chat')
  })
})

const tinyPng =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
