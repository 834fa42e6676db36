import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ChatCompletionMessageParam } from 'openai/resources'
import { chatCompletion } from '../../gateway/wire/openai/chat-completion.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { dataUrl, filePart, imagePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const pages = (...numbers: readonly number[]) => makePdf(numbers.map((number) => ({ number })))
const pdf = pages(7)
const url = dataUrl(pdf, 'application/pdf')
const base64 = Buffer.from(pdf).toString('base64')

const numbersIn = (content: string) =>
  [...content.matchAll(/This is page (\d+)\./g)].map(([, number]) => Number(number))

/** Asks with the official client, which sends what it is given. */
async function ask({ client }: TestGateway, messages: readonly unknown[], more: object = {}) {
  const body = { model: 'default', messages: messages as ChatCompletionMessageParam[], stream: false as const, ...more }
  const { choices, ocr } = chatCompletion.parse(await client.chat.completions.create(body))
  const content = choices[0]?.message.content ?? ''
  return { content, ocr, numbers: numbersIn(content), warnings: ocr.warnings?.map(({ code }) => code) ?? [] }
}

const askParts = (gateway: TestGateway, content: unknown, more: object = {}) =>
  ask(gateway, [{ role: 'user', content }], more)

describe('a document, as clients send it', () => {
  let fake: FakeVllm
  let gateway: TestGateway

  before(async () => {
    fake = await startFakeVllm()
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const longName = `data:application/pdf;name=${'a'.repeat(300)}.pdf;base64,${base64}`
  for (const part of [
    { type: 'file', filename: 'a.pdf', file_data: url },
    { type: 'input_file', filename: 'a.pdf', file_data: url },
    { type: 'input_image', image_url: url },
    { type: 'document_url', document_url: url },
    { type: 'document_url', document_url: { url } },
    { type: 'file_url', file_url: { url } },
    { type: 'file', file: { file_id: url } },
    { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: base64 } },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: base64 } },
    { type: 'image', image: url },
    { type: 'file', data: base64, mimeType: 'application/pdf' },
    { type: 'file', source_type: 'base64', data: base64, mime_type: 'application/pdf' },
    { file: { file_data: url } },
    { image_url: url },
    { type: 'file', file: { file_data: longName } },
    { type: 'image_url', image_url: { url: `data:None;base64,${base64}` } },
  ]) {
    it(`is read: ${JSON.stringify(part).replaceAll(base64, '…').slice(0, 120)}`, async () => {
      const { numbers, warnings } = await askParts(gateway, [part])
      assert.deepEqual([numbers, warnings], [[7], []])
    })
  }

  it('is read beside texts in any spelling', async () => {
    const texts = ['Read.', { type: 'input_text', text: 'All of it.' }, { text: 'Please.' }]
    const { numbers, warnings } = await askParts(gateway, [...texts, filePart(pdf)])
    assert.deepEqual([numbers, warnings], [[7], ['prompt_not_used']])
  })

  for (const { part, code, param } of [
    { part: { type: 'file', file: { file_data: 'file:///etc/passwd' } }, code: 'url_not_allowed', param: 'file.file_data' }, // prettier-ignore
    { part: { type: 'file_url', file_url: 'https://a/b.pdf' }, code: 'url_not_allowed', param: 'file_url' },
    { part: { type: 'input_file', file_url: 'https://a/b.pdf' }, code: 'url_not_allowed', param: 'file_url' },
    { part: { type: 'document_url', document_url: { url: 'ftp://a/b.pdf' } }, code: 'url_not_allowed', param: 'document_url.url' }, // prettier-ignore
    { part: { type: 'document', source: { type: 'url', url: 's3://a/b.pdf' } }, code: 'url_not_allowed', param: 'source.url' }, // prettier-ignore
    { part: { type: 'file', file: { file_id: 'gs://a/b.pdf' } }, code: 'url_not_allowed', param: 'file.file_id' },
    { part: { type: 'image', url: 'https://a/b.png' }, code: 'url_not_allowed', param: 'url' },
    { part: { type: 'input_file', file_id: 'file-1' }, code: 'file_not_found', param: 'file_id' },
    { part: { type: 'document', source: { type: 'file', file_id: 'file-1' } }, code: 'file_not_found', param: 'source.file_id' }, // prettier-ignore
    { part: { type: 'document_url', document_url: 'data:application/pdf,%25PDF' }, code: 'invalid_base64', param: 'document_url' }, // prettier-ignore
    { part: { type: 'image', source: { type: 'base64', data: '*' } }, code: 'invalid_base64', param: 'source.data' },
    { part: { type: 'text', text: 'Read.', image_url: url }, code: 'invalid_value', param: 'image_url' },
  ]) {
    it(`is refused where it is at fault: ${JSON.stringify(part).replaceAll(base64, '…')}`, async () => {
      const before = fake.requests.length
      const refused = { code, param: `messages[0].content[1].${param}` }
      await assert.rejects(askParts(gateway, [{ type: 'text', text: 'Read.' }, part]), refused)
      assert.equal(fake.requests.length, before)
    })
  }
})

describe('a conversation', () => {
  let fake: FakeVllm
  let gateway: TestGateway

  before(async () => {
    fake = await startFakeVllm({ models: ['maker/vision'] })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const first = { role: 'user', content: [{ type: 'text', text: 'Read this.' }, filePart(pages(1, 2, 3, 4))] }
  const answer = { role: 'assistant', content: 'This is page 1. And so on.' }
  const second = {
    role: 'user',
    content: [{ type: 'text', text: 'And that.' }, imagePart(pages(5), 'application/pdf')],
  }
  const said = () => JSON.stringify(fake.requests.at(-1)?.body?.messages)

  it('has the documents of its last question read, and says what was left out', async () => {
    const { numbers, ocr, warnings } = await ask(gateway, [first, answer, second])
    assert.deepEqual([numbers, warnings], [[5], ['documents_not_read']])
    assert.deepEqual([ocr.document.pages, ocr.documents], [1, undefined])
    assert.match(ocr.warnings?.[0]?.message ?? '', /^A document of another message .*ocr\.documents "all"/)
    assert.match(said(), /And that\./)
    assert.doesNotMatch(said(), /Read this|And so on/)
  })

  it('has all documents read where they are asked for', async () => {
    const { numbers, ocr, warnings } = await ask(gateway, [first, answer, second], { ocr: { documents: 'all' } })
    assert.deepEqual([numbers, warnings, ocr.documents?.length], [[1, 2, 3, 4, 5], [], 2])
    assert.match(said(), /Read this\.\\n\\nAnd that\./)
  })

  it('has its document read again for another question about it', async () => {
    const { numbers, warnings } = await ask(gateway, [first, answer, { role: 'user', content: 'Only the tables.' }])
    assert.deepEqual([numbers, warnings], [[1, 2, 3, 4], []])
    assert.match(said(), /Read this\.\\n\\nOnly the tables\./)
  })

  it('may hold what is not read, however broken', async () => {
    const gone = { role: 'user', content: [{ type: 'file', file: { file_id: 'file-gone' } }] }
    assert.deepEqual((await ask(gateway, [gone, answer, second])).numbers, [5])
    await assert.rejects(ask(gateway, [gone, answer, second], { ocr: { documents: 'all' } }), {
      code: 'file_not_found',
    })
  })

  it('is told which values ocr.documents has', async () => {
    await assert.rejects(ask(gateway, [second], { ocr: { documents: 'first' } }), {
      code: 'invalid_value',
      param: 'ocr.documents',
    })
  })
})

describe('an answer that its client parses', () => {
  const schema = {
    type: 'object',
    properties: { date: { type: 'string' }, total: { type: 'number' } },
    required: ['date', 'total'],
    additionalProperties: false,
  }
  const ofSchema = { response_format: { type: 'json_schema', json_schema: { name: 'invoice', strict: true, schema } } }
  const json = '{"date": "2026-11-27", "total": 7}'

  it('is JSON of the fields of its schema, where the model can', async () => {
    await using fake = await startFakeVllm({ models: ['tencent/HunyuanOCR'], answer: () => json })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const { content, ocr, warnings } = await askParts(gateway, [filePart(pdf)], ofSchema)
    assert.deepEqual(JSON.parse(content), { date: '2026-11-27', total: 7 })
    assert.deepEqual([ocr.task, warnings], ['extract', []])
    assert.match(JSON.stringify(fake.requests[0]?.body?.messages), /\['date', 'total'\]/)
  })

  it('is one object of all pages: their first values, and all items of their lists', async () => {
    const answers = [
      '{"date": "", "items": [1], "total": null}',
      '```json\n{"date": "2026-11-28", "items": [2, 3], "total": 7}\n```',
      'None.',
      '{"date": "2026-11-29", "items": []}',
    ]
    await using fake = await startFakeVllm({
      models: ['tencent/HunyuanOCR'],
      answer: ({ image }) => answers[(image?.pageNumber ?? 1) - 1],
    })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const { content, ocr, warnings } = await askParts(gateway, [filePart(pages(1, 2, 3, 4))], ofSchema)
    assert.deepEqual(JSON.parse(content), { date: '2026-11-28', items: [1, 2, 3], total: 7 })
    assert.deepEqual(warnings, ['response_format_ignored'])
    assert.match(ocr.warnings?.[0]?.message ?? '', /lacks page 3: /)
    assert.deepEqual(
      ocr.pages.map(({ start, end }) => content.slice(start, end)),
      [content, content, '', content],
    )
    const whole = await askParts(gateway, [filePart(pages(1, 2, 4))], ofSchema)
    assert.deepEqual([JSON.parse(whole.content), whole.warnings], [JSON.parse(content), []])
    const streamed = await askStream(gateway.client, {
      parts: [filePart(pages(1, 2, 4))],
      more: ofSchema,
    })
    assert.deepEqual(JSON.parse(streamed.content), JSON.parse(content))
    // Each page has an answer of its own where nobody parses the whole.
    const apart = await askParts(gateway, [filePart(pages(1, 2))], { ocr: { task: 'extract', fields: ['date'] } })
    assert.match(apart.content, /\n\n---\n\n/)
  })

  it('is what the model wrote for each page, with a warning, where no page’s answer is an object', async () => {
    await using fake = await startFakeVllm({ models: ['tencent/HunyuanOCR'], answer: () => '[7]' })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const { content, ocr, warnings } = await askParts(gateway, [filePart(pages(1, 2))], ofSchema)
    assert.deepEqual([content, warnings], ['[7]\n\n---\n\n[7]', ['response_format_ignored']])
    assert.match(ocr.warnings?.[0]?.message ?? '', /none of the 2 pages/)
    const one = await askParts(gateway, [filePart(pages(1))], ofSchema)
    assert.match(one.ocr.warnings?.[0]?.message ?? '', /JSON, but no object/)
  })

  it('is what the model wrote, with a warning, where that is no JSON', async () => {
    await using fake = await startFakeVllm({ models: ['tencent/HunyuanOCR'], answer: () => 'Total: 7' })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const { content, ocr, warnings } = await askParts(gateway, [filePart(pdf)], ofSchema)
    assert.deepEqual([content, ocr.task, warnings], ['Total: 7', 'extract', ['response_format_ignored']])
    assert.match(ocr.warnings?.[0]?.message ?? '', /not JSON/)
  })

  it('is what it always was, with a warning, where the model cannot', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    for (const format of [ofSchema, { response_format: { type: 'json_object' } }]) {
      const { numbers, ocr, warnings } = await askParts(gateway, [filePart(pdf)], format)
      assert.deepEqual([numbers, ocr.task, warnings], [[7], 'document', ['response_format_ignored']])
    }
    for (const response_format of [{ type: 'text' }, null, { type: 'grammar' }, 'json', { type: 'json_schema' }]) {
      assert.deepEqual((await askParts(gateway, [filePart(pdf)], { response_format })).warnings, [])
    }
  })
})
