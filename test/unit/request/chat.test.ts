import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readChat } from '../../../gateway/request/chat.ts'
import type { OcrRequest } from '../../../gateway/request/ocr-request.ts'
import { filePart, imagePart } from '../../support/documents.ts'
import { refuseDownload } from '../../../gateway/request/no-downloads.ts'
import { makeModel } from '../../support/make-request.ts'

const never = new AbortController().signal
const context = {
  requestId: 'req_1',
  key: null,
  patienceSeconds: 60,
  maxDocumentBytes: 1000,
  textChats: { areRefused: false, maxTokens: null },
  named: {
    stored: async (id: string) => {
      throw new Error(`${id} is not asked for here`)
    },
    at: refuseDownload,
  },
  findModel: async () => makeModel({ freePrompt: true }),
}

const pdf = Buffer.from('%PDF-1.7')
const png = Buffer.from('\x89PNG', 'latin1')

function read(content: unknown, more: object = {}) {
  const body = { model: 'default', messages: [{ role: 'user', content }], ...more }
  return readChat({ outline: body, longText: () => null, repeatedName: async () => null }, context)
}

async function readDocuments(content: unknown, more: object = {}): Promise<OcrRequest> {
  const chat = await read(content, more)
  assert.ok(chat.kind === 'ocr', 'the request has no documents')
  return chat.request
}

describe('a chat completion', () => {
  it('has its documents, in their order, and the text beside them', async () => {
    const text = (said: string) => ({ type: 'text', text: said })
    const { sources, prompt } = await readDocuments([text(' Read. '), filePart(pdf), text('All.'), imagePart(png)])
    assert.equal(prompt, 'Read. \n\nAll.')
    assert.deepEqual(
      sources.map(({ param, filename, declaredMediaType }) => [param, filename, declaredMediaType]),
      [
        ['messages[0].content[1].file.file_data', 'document.pdf', 'application/pdf'],
        ['messages[0].content[3].image_url.url', null, 'image/png'],
      ],
    )
    assert.deepEqual(await Promise.all(sources.map((source) => source.open(never))), [pdf, png])
  })

  it("has each option of its ocr object under the gateway's own name", async () => {
    const ocr = {
      pages: '1-2',
      output: 'text',
      page_separator: '|',
      on_page_error: 'fail',
      cache: 'refresh',
      confidence: true,
      dry_run: true,
      password: 'open sesame',
      prepare: { rotate: true },
    }
    const request = await readDocuments([filePart(pdf)], { ocr })
    assert.deepEqual(request.pages, [{ first: 1, last: 2 }])
    assert.deepEqual([request.output, request.pageSeparator, request.onPageError], ['text', '|', 'fail'])
    assert.deepEqual([request.cache, request.confidence, request.dryRun], ['refresh', true, true])
    assert.deepEqual([request.preparation, request.sources[0]?.password], [{ rotate: true }, 'open sesame'])
  })

  it('has a deadline unless it is streamed', async () => {
    assert.ok((await readDocuments([filePart(pdf)])).deadline !== null)
    assert.equal((await readDocuments([filePart(pdf)], { stream: true })).deadline, null)
  })

  it('is batch work where its service tier is flex', async () => {
    const laneOf = async (service_tier: unknown) => (await readDocuments([filePart(pdf)], { service_tier })).turn.lane
    assert.deepEqual(await Promise.all(['flex', 'auto', null].map(laneOf)), ['batch', 'interactive', 'interactive'])
  })

  it('goes to its upstream when it has only text', async () => {
    assert.equal((await read('Hello?')).kind, 'pass-through')
    await assert.rejects(read('Hello?', { ocr: {} }), { code: 'invalid_value', param: 'messages' })
  })

  for (const { name, content, ocr, code } of [
    { name: 'options that exclude each other', content: [filePart(Buffer.alloc(2000))], ocr: { output: 'json', page_separator: '|' }, code: 'invalid_value' }, // prettier-ignore
    { name: 'a document that is too large, before the pages asked of it', content: [filePart(Buffer.alloc(2000))], ocr: { pages: 'one' }, code: 'document_too_large' }, // prettier-ignore
    { name: 'pages that are no range, before the task', content: [filePart(pdf)], ocr: { pages: 'one', task: 'chart' }, code: 'invalid_value' }, // prettier-ignore
  ]) {
    it(`is refused for the first invalid field: ${name}`, async () => {
      await assert.rejects(readDocuments(content, { ocr }), { code })
    })
  }
})
