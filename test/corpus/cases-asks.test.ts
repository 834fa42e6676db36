import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ChatCompletionMessageParam } from 'openai/resources'
import { chatCompletion } from '../../gateway/wire/openai/chat-completion.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { dataUrl } from '../support/documents.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const readCase = (name: string) => readFileSync(join(import.meta.dirname, '../../../shared/cases', name))

describe('the cases of what clients send', () => {
  let fake: FakeVllm
  let gateway: TestGateway

  before(async () => {
    fake = await startFakeVllm({ answer: () => 'said' })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  async function ask(messages: readonly unknown[], more: object = {}) {
    const body = {
      model: 'default',
      messages: messages as ChatCompletionMessageParam[],
      stream: false as const,
      ...more,
    }
    return chatCompletion.parse(await gateway.client.chat.completions.create(body)).ocr
  }

  const url = dataUrl(readCase('four-pages.pdf'), 'application/pdf')
  const base64 = url.slice(url.indexOf(',') + 1)

  for (const part of [
    { type: 'file', filename: 'a.pdf', file_data: url },
    { type: 'input_file', file_data: url },
    { type: 'input_image', image_url: url },
    { image_url: { url } },
    { type: 'document_url', document_url: url },
    { type: 'document_url', document_url: { url } },
    { type: 'file_url', file_url: url },
    { type: 'file', file: { file_id: url } },
    { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: base64 } },
    { type: 'image', image: url },
    { type: 'file', file: { file_data: `data:application/pdf;name=${'a'.repeat(300)}.pdf;base64,${base64}` } },
  ]) {
    it(`are documents: ${JSON.stringify(part).replaceAll(base64, '…').slice(0, 100)}`, async () => {
      assert.equal((await ask([{ role: 'user', content: ['Read.', part] }])).pages.length, 4)
    })
  }

  it('are the documents of the last user message that has any, or of every message', async () => {
    const picture = { type: 'image_url', image_url: { url: dataUrl(readCase('strip-332x27.png'), 'image/png') } }
    const messages = [
      { role: 'user', content: [{ type: 'file', file: { file_data: url } }] },
      { role: 'assistant', content: 'said' },
      { role: 'user', content: [picture] },
    ]
    assert.equal((await ask(messages)).pages.length, 1)
    assert.equal((await ask(messages, { ocr: { documents: 'all' } })).pages.length, 5)
  })
})
