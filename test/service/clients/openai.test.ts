import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import OpenAI, { APIError, AuthenticationError, BadRequestError, NotFoundError } from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import type { ChatCompletionContentPart } from 'openai/resources'
import { z } from 'zod'
import { ocrObject } from '../../../gateway/wire/openai/ocr-object.ts'
import { startClientDesk, type ClientDesk } from '../../support/client-snippets.ts'
import { filePart, imagePart } from '../../support/documents.ts'
import { makePdf } from '../../support/make-pdf.ts'
import { runSnippets } from '../../support/run-snippets.ts'

const pages = (...numbers: readonly number[]) => makePdf(numbers.map((number) => ({ number })))
const asking = (...content: readonly ChatCompletionContentPart[]) => ({
  model: 'default',
  messages: [{ role: 'user' as const, content: [...content] }],
})

describe('openai for JavaScript', () => {
  let desk: ClientDesk
  let client: OpenAI

  before(async () => {
    desk = await startClientDesk()
    client = new OpenAI({ baseURL: `${desk.gateway.url}/v1`, apiKey: desk.apiKey, maxRetries: 0 })
  })
  after(() => desk[Symbol.asyncDispose]())

  for (const { name, run } of runSnippets('openai (JavaScript)')) it(name, () => run(desk))

  it('keeps the ledger in the last object of its stream helper', async () => {
    const stream = client.chat.completions.stream(asking(filePart(pages(1, 2)), imagePart(pages(3))))
    const deltas: string[] = []
    stream.on('content', (delta) => deltas.push(delta))
    const completion = await stream.finalChatCompletion()
    const content = completion.choices[0]?.message.content ?? ''
    assert.match(content, /page 1\.[^]*page 2\.[^]*page 3\./)
    assert.equal(deltas.join(''), content)
    const { pages: lines } = ocrObject.parse(Object(completion).ocr)
    assert.deepEqual(
      lines.map(({ page, status }) => [page, status]),
      [1, 2, 3].map((page) => [page, 'ok']),
    )
  })

  it('asks once for the list of models, whatever its base URL ends in', async () => {
    for (const end of ['/v1', '/v1/']) {
      const named = client.withOptions({ baseURL: desk.gateway.url + end })
      const ids = (await Array.fromAsync(named.models.list())).map(({ id }) => id)
      assert.deepEqual([ids.length, ids[0], ids.at(-1)], [5, 'lightonai/LightOnOCR-2-1B', 'default'])
      assert.equal((await named.models.retrieve('tencent/HunyuanOCR')).id, 'tencent/HunyuanOCR')
    }
  })

  const richText = { type: 'file' as const, file: { filename: 'a.rtf', file_data: 'e1xydGYxIEhpfQ==' } }
  const broken = filePart(Buffer.from('%PDF-1.4 and nothing else'))
  for (const [name, ask, error, code] of [
    ['a wrong key', () => client.withOptions({ apiKey: 'other' }).models.list(), AuthenticationError, 'invalid_api_key'], // prettier-ignore
    ['a model that is not served', () => client.chat.completions.create({ ...asking(broken), model: 'gpt' }), NotFoundError, 'model_not_found'], // prettier-ignore
    ['a broken document', () => client.chat.completions.create(asking(broken)), BadRequestError, 'document_unreadable'], // prettier-ignore
    ['a broken document in a stream', () => client.chat.completions.create({ ...asking(broken), stream: true }), BadRequestError, 'document_unreadable'], // prettier-ignore
    ['a rich-text file', () => client.chat.completions.create(asking(richText)), APIError, 'unsupported_media_type'], // prettier-ignore
  ] as const) {
    it(`throws its own error for ${name}, with the code`, async () => {
      const thrown: unknown = await Promise.resolve(ask()).then(() => null, (it: unknown) => it) // prettier-ignore
      assert.ok(thrown instanceof error, String(thrown))
      assert.equal(thrown.code, code)
      assert.ok(thrown.requestID)
    })
  }

  it('throws what goes wrong after the first page of a stream', async () => {
    await using broke = await startClientDesk()
    broke.fake.setAnswer(({ image }) => (image?.pageNumber === 2 ? { failure } : 'This is page 1.'))
    const there = client.withOptions({ baseURL: `${broke.gateway.url}/v1` })
    const asked = { ...asking(filePart(pages(1, 2))), ocr: { on_page_error: 'fail' } }
    const stream = await there.chat.completions.create({ ...asked, stream: true })
    let content = ''
    const read = async () => {
      for await (const { choices } of stream) content += choices[0]?.delta.content ?? ''
    }
    await assert.rejects(read, (thrown) => thrown instanceof APIError && thrown.code === 'engine_error')
    assert.match(content, /This is page 1\./)
  })

  const invoice = z.object({ date: z.string(), total: z.number() })
  it('parses an answer of a schema, streamed as well', async () => {
    const asked = {
      ...asking(filePart(pages(4, 5))),
      model: 'tencent/HunyuanOCR',
      response_format: zodResponseFormat(invoice, 'invoice'),
    }
    const { choices } = await client.chat.completions.parse(asked)
    assert.deepEqual(choices[0]!.message.parsed, { date: '2026-11-27', total: 7 })
    const streamed = await client.chat.completions.stream(asked).finalChatCompletion()
    assert.deepEqual(streamed.choices[0]!.message.parsed, { date: '2026-11-27', total: 7 })
  })
})

const failure = { status: 400, body: { error: { message: 'no', type: 'BadRequestError', param: null, code: 400 } } }
