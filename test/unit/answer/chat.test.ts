import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chatWriter } from '../../../gateway/answer/chat.ts'
import type { StreamEvent } from '../../../gateway/answer/writer.ts'
import { collect } from '../../../gateway/answer/collect.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import { chatChunk, chatCompletion } from '../../../gateway/wire/openai/chat-completion.ts'
import { errorBody } from '../../../gateway/wire/openai/errors.ts'
import { makeRequest } from '../../support/make-request.ts'
import { opened, twoPages } from './told.ts'

const request = makeRequest()
const usage = {
  prompt_tokens: 200,
  completion_tokens: 20,
  total_tokens: 220,
  prompt_tokens_details: { cached_tokens: 100 },
}

const readChunk = (data: StreamEvent['data'] | undefined) =>
  chatChunk.parse(typeof data === 'string' ? JSON.parse(data) : data)

async function chunksOf(includeUsage: boolean) {
  const events = await Array.fromAsync(chatWriter(request, { stream: true, includeUsage }).events(twoPages()))
  return events.flat().map(({ name, data }) => {
    assert.equal(name, undefined, 'OpenAI does not name the events of a chat completion')
    return readChunk(data)
  })
}

describe('a chat completion', () => {
  it('is one object: the text, why it ended, the tokens and the ledger', async () => {
    const writer = chatWriter(request, { stream: false, includeUsage: false })
    const answer = chatCompletion.parse(writer.whole(await collect(opened())))
    assert.match(answer.id, /^chatcmpl-[0-9a-f]{32}$/)
    assert.deepEqual(
      answer.choices.map(({ message, finish_reason }) => [message.content, finish_reason]),
      [['one|two', 'stop']],
    )
    assert.deepEqual([answer.model, answer.usage], ['some-ocr', usage])
    assert.deepEqual(
      answer.ocr.pages.map(({ page, start, end }) => [page, start, end]),
      [
        [1, 0, 3],
        [2, 4, 7],
      ],
    )
  })

  it('is streamed in chunks of one id: the role, the text with the number of each page, the end with the ledger', async () => {
    const chunks = await chunksOf(false)
    assert.equal(new Set(chunks.map(({ id }) => id)).size, 1)
    assert.deepEqual(
      chunks.slice(0, -1).map(({ choices, ocr }) => [choices[0]?.delta, choices[0]?.finish_reason, ocr]),
      [
        [{ role: 'assistant', content: '' }, null, undefined],
        [{ content: 'one' }, null, { page: 1 }],
        [{ content: '|' }, null, undefined],
        [{ content: 'two' }, null, { page: 2 }],
      ],
    )
    const last = chunks.at(-1)
    assert.deepEqual([last?.choices[0]?.finish_reason, last?.usage], ['stop', undefined])
    assert.ok(last?.ocr !== undefined && 'pages' in last.ocr)
  })

  it('has the tokens, and then the ledger, on one more chunk for a client that wants them', async () => {
    const [end, last] = (await chunksOf(true)).slice(-2)
    assert.deepEqual([end?.choices[0]?.finish_reason, end?.ocr], ['stop', undefined])
    assert.deepEqual([last?.choices, last?.usage], [[], usage])
    assert.ok(last?.ocr !== undefined && 'pages' in last.ocr)
  })

  it('has empty chunks of the same id while nothing comes, which say nothing', async () => {
    const writer = chatWriter(request, { stream: true, includeUsage: false })
    const [first] = (await Array.fromAsync(writer.events(twoPages()))).flat()
    const { id, choices, ocr } = chatChunk.parse(writer.keepAlive().data)
    assert.equal(id, readChunk(first?.data).id)
    assert.deepEqual(
      [choices, ocr],
      [[{ index: 0, delta: { content: '' }, logprobs: null, finish_reason: null }], undefined],
    )
  })

  it('has an error envelope where its stream failed', () => {
    const error = new GatewayError('engine_timeout', 'Too late.', { param: 'ocr.pages' })
    const { data } = chatWriter(request, { stream: true, includeUsage: false }).errorEvent(error)
    assert.deepEqual(errorBody.parse(data).error, {
      message: 'Too late.',
      type: 'server_error',
      param: 'ocr.pages',
      code: 'engine_timeout',
    })
  })
})
