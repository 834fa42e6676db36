import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BadRequestError } from 'openai'
import type { FakeRequest } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { eventually, within } from '../support/within.ts'

const TIMEOUT = 30_000
const DEADLINE = 10_000

const OCR = 'lightonai/LightOnOCR-2-1B'
const CHAT = 'maker/chat'
/** As Open WebUI asks for a title. */
const title = (model: string, more: object = {}) => ({
  model,
  messages: [{ role: 'user' as const, content: '### Task:\nGenerate a concise, 3-5 word title' }],
  ...more,
})

async function start(settings: Record<string, string>) {
  const waiting: { readonly request: FakeRequest; readonly answer: () => void }[] = []
  const fake = await startFakeVllm({
    models: [OCR, CHAT],
    answer: (request) => new Promise((resolve) => waiting.push({ request, answer: () => resolve('said') })),
  })
  const gateway = await startTestGateway({
    GATEWAY_UPSTREAM_URLS: fake.url,
    GATEWAY_MODEL_PROFILES: `${CHAT}=none`,
    ...settings,
  })
  /** What the upstream is asked now, `page` or `chat`. */
  const asked = () => waiting.map(({ request }) => (request.image === null ? 'chat' : 'page'))
  const stop = async () => {
    for (const { answer } of waiting) answer()
    await gateway[Symbol.asyncDispose]()
    await fake.kill()
  }
  return { fake, gateway, waiting, asked, [Symbol.asyncDispose]: stop }
}

const pages = (count: number) => makePdf(Array.from({ length: count }, (_, index) => ({ number: index + 1 })))

describe('a text-only chat with an OCR model', { timeout: TIMEOUT }, () => {
  it('waits behind pages that wait, and takes the place of none', async () => {
    await using setup = await start({ GATEWAY_UPSTREAM_CONCURRENCY: '1' })
    const { gateway, waiting, asked } = setup
    const document = askWhole(gateway.client, { model: OCR, parts: [filePart(pages(3))] })
    await eventually(() => waiting.length === 1, DEADLINE, 'the first page is asked for')
    await eventually(() => gateway.services.upstreams.waiting() === 2, DEADLINE, 'the other pages wait')
    const chats = [1, 2].map(() => gateway.client.chat.completions.create(title(OCR)))
    await eventually(() => gateway.services.upstreams.waiting() === 4, DEADLINE, 'the chats wait')
    assert.deepEqual(asked(), ['page'])
    for (const read of [1, 2]) {
      waiting[read - 1]?.answer()
      await eventually(() => waiting.length > read, DEADLINE, 'the next is asked for')
      assert.deepEqual(asked(), Array(read + 1).fill('page'))
    }
    waiting[2]?.answer()
    // Both at once, where there is room for one page: they take no room.
    await eventually(() => waiting.length === 5, DEADLINE, 'the chats are asked for')
    assert.deepEqual(asked().slice(3), ['chat', 'chat'])
    const other = askWhole(gateway.client, { model: OCR, parts: [filePart(makePdf([{ number: 9 }]))] })
    await eventually(() => waiting.length === 6, DEADLINE, 'a page does not wait for chats')
    for (const { answer } of waiting) answer()
    await within(Promise.all([document, other, ...chats]), DEADLINE, 'all answers')
  })

  it('waits for nothing with a model that is no OCR model', async () => {
    await using setup = await start({ GATEWAY_UPSTREAM_CONCURRENCY: '1' })
    const { gateway, waiting, asked } = setup
    const document = askWhole(gateway.client, { model: OCR, parts: [filePart(pages(1))] })
    await eventually(() => waiting.length === 1, DEADLINE, 'the page is asked for')
    const chat = gateway.client.chat.completions.create(title(CHAT))
    await eventually(() => waiting.length === 2, DEADLINE, 'the chat is asked for')
    assert.deepEqual(asked(), ['page', 'chat'])
    for (const { answer } of waiting) answer()
    await within(Promise.all([document, chat]), DEADLINE, 'both answers')
  })

  it('leaves the line when its client leaves', async () => {
    await using setup = await start({ GATEWAY_UPSTREAM_CONCURRENCY: '1' })
    const { gateway, waiting, asked } = setup
    const document = askWhole(gateway.client, { model: OCR, parts: [filePart(pages(1))] })
    await eventually(() => waiting.length === 1, DEADLINE, 'the page is asked for')
    const leaving = new AbortController()
    const chat = gateway.client.chat.completions.create(title(OCR), { signal: leaving.signal })
    await eventually(() => gateway.services.upstreams.waiting() === 1, DEADLINE, 'the chat waits')
    leaving.abort()
    await assert.rejects(chat)
    await eventually(() => gateway.services.upstreams.waiting() === 0, DEADLINE, 'the chat has left')
    waiting[0]?.answer()
    await within(document, DEADLINE, 'the page')
    assert.deepEqual(asked(), ['page'])
  })

  it('is refused where the operator wants none, and told what to send', async () => {
    await using setup = await start({ GATEWAY_TEXT_CHATS: 'refuse' })
    const { gateway, waiting, fake } = setup
    for (const model of ['default', OCR]) {
      await assert.rejects(gateway.client.chat.completions.create(title(model)), (error: unknown) => {
        assert.ok(error instanceof BadRequestError)
        assert.deepEqual([error.code, error.param], ['invalid_value', 'messages'])
        assert.match(error.message, /"file" or "image_url" content part; .*GATEWAY_TEXT_CHATS/)
        return true
      })
    }
    assert.equal(fake.requests.length, 0)
    const chat = gateway.client.chat.completions.create(title(CHAT))
    await eventually(() => waiting.length === 1, DEADLINE, 'a chat with another model passes')
    waiting[0]?.answer()
    await within(chat, DEADLINE, 'its answer')
  })

  describe('has no more tokens than the operator allows', () => {
    for (const { given, sent } of [
      { given: {}, sent: { max_tokens: 50 } },
      { given: { max_tokens: 1000 }, sent: { max_tokens: 50 } },
      { given: { max_tokens: 20 }, sent: { max_tokens: 20 } },
      { given: { max_completion_tokens: 1000 }, sent: { max_completion_tokens: 50 } },
      { given: { max_completion_tokens: 20 }, sent: { max_completion_tokens: 20 } },
      {
        given: { max_completion_tokens: 1000, max_tokens: 20 },
        sent: { max_completion_tokens: 50, max_tokens: 20 },
      },
      { given: { max_tokens: null }, sent: { max_tokens: 50 } },
      { given: { max_completion_tokens: null }, sent: { max_completion_tokens: null, max_tokens: 50 } },
      { given: { max_tokens: '1000' }, sent: { max_tokens: 50 } },
    ]) {
      it(JSON.stringify(given), async () => {
        await using fake = await startFakeVllm({ models: [OCR, CHAT], answer: () => 'said' })
        await using gateway = await startTestGateway({
          GATEWAY_UPSTREAM_URLS: fake.url,
          GATEWAY_MODEL_PROFILES: `${CHAT}=none`,
          GATEWAY_TEXT_CHAT_MAX_TOKENS: '50',
        })
        const post = (body: object) =>
          fetch(`${gateway.url}/v1/chat/completions`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
          })
        await post(title('default', { temperature: 0.5, ...given }))
        assert.deepEqual(fake.requests[0]?.body, title(OCR, { temperature: 0.5, ...sent }))
        await post(title(CHAT, given))
        assert.deepEqual(fake.requests[1]?.body, title(CHAT, given))
      })
    }
  })
})
