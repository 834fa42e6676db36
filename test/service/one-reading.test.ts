import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Mistral } from '@mistralai/mistralai'
import OpenAI, { toFile } from 'openai'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { makePdf } from '../support/make-pdf.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const MODEL = 'lightonai/LightOnOCR-2-1B'
const PAGES = 3
const PAGE_BREAK = '\n\n---\n\n'
const pdf = makePdf(Array.from({ length: PAGES }, (_, index) => ({ number: index + 1 })))
const base64 = Buffer.from(pdf).toString('base64')
const dataUrl = `data:application/pdf;base64,${base64}`

/** How a document's text comes back: as one text, or as that of each page. */
type Way = (gateway: TestGateway, fileId: string) => Promise<string | readonly string[]>

const openaiAt = ({ url }: TestGateway) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
const mistralAt = ({ url }: TestGateway) => new Mistral({ serverURL: url, apiKey: 'none' })

const fileMessage = (file: OpenAI.ChatCompletionContentPart.File['file']) => ({
  model: MODEL,
  messages: [{ role: 'user' as const, content: [{ type: 'file' as const, file }] }],
})
const fileInput = (file: object) => ({
  model: MODEL,
  input: [{ role: 'user' as const, content: [{ type: 'input_file' as const, ...file }] }],
})

const ways: Readonly<Record<string, Way>> = {
  'chat completions': async (gateway) => {
    const answer = await openaiAt(gateway).chat.completions.create(fileMessage({ file_data: dataUrl }))
    return answer.choices[0]?.message.content ?? ''
  },
  'chat completions, streamed, of a stored file': async (gateway, fileId) => {
    const stream = await openaiAt(gateway).chat.completions.create({
      ...fileMessage({ file_id: fileId }),
      stream: true,
    })
    const chunks = await Array.fromAsync(stream)
    return chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
  },
  responses: async (gateway) => {
    const { output_text: text } = await openaiAt(gateway).responses.create(fileInput({ file_data: dataUrl }))
    return text
  },
  'responses, streamed, of a stored file': async (gateway, fileId) => {
    const events = await Array.fromAsync(
      await openaiAt(gateway).responses.create({ ...fileInput({ file_id: fileId }), stream: true }),
    )
    return events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('')
  },
  'responses, in the background': async (gateway) => {
    const client = openaiAt(gateway)
    const { id } = await client.responses.create({ ...fileInput({ file_data: dataUrl }), background: true })
    const events = await Array.fromAsync(await client.responses.retrieve(id, { stream: true }))
    assert.equal(events.at(-1)?.type, 'response.completed')
    return (await client.responses.retrieve(id)).output_text
  },
  'OCR as Mistral has it': async (gateway) => {
    const { pages } = await mistralAt(gateway).ocr.process({
      model: 'mistral-ocr-latest',
      document: { type: 'document_url', documentUrl: dataUrl },
    })
    return pages.map(({ markdown }) => markdown)
  },
  'OCR as Mistral has it, of a signed address': async (gateway, fileId) => {
    const mistral = mistralAt(gateway)
    const { url } = await mistral.files.getSignedUrl({ fileId })
    const { pages } = await mistral.ocr.process({
      model: 'mistral-ocr-latest',
      document: { type: 'document_url', documentUrl: url },
    })
    return pages.map(({ markdown }) => markdown)
  },
  'OCR as a form': async ({ url }) => {
    const body = new FormData()
    body.set('model', 'mistral-ocr-latest')
    body.set('file', new Blob([Buffer.from(pdf)]), 'three.pdf')
    const answer = await fetch(`${url}/v1/ocr`, { method: 'POST', body })
    const { pages } = (await answer.json()) as { pages: { markdown: string }[] }
    return pages.map(({ markdown }) => markdown)
  },
  'PUT /process': async ({ url }) => {
    const headers = { 'content-type': 'application/pdf', 'x-filename': 'three.pdf' }
    const answer = await fetch(`${url}/process`, { method: 'PUT', headers, body: Buffer.from(pdf) })
    const { page_content: text } = (await answer.json()) as { page_content: string }
    return text
  },
}

describe('one document through every door', { timeout: 120_000 }, () => {
  let fake: FakeVllm
  let gateway: TestGateway
  let fileId: string
  /** The text of each page, from the engine's own answers. */
  let texts: readonly string[]

  before(async () => {
    fake = await startFakeVllm({ models: [MODEL] })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const file = await toFile(Buffer.from(pdf), 'three.pdf')
    ;({ id: fileId } = await openaiAt(gateway).files.create({ file, purpose: 'user_data' }))
    const answer = await openaiAt(gateway).chat.completions.create(fileMessage({ file_data: dataUrl }))
    const { ocr } = answer as unknown as { ocr: { pages: { start: number; end: number }[] } }
    const content = answer.choices[0]?.message.content ?? ''
    texts = ocr.pages.map(({ start, end }) => content.slice(start, end))
    assert.equal(texts.length, PAGES)
    for (const [index, text] of texts.entries()) assert.match(text, new RegExp(`page ${index + 1}`, 'i'))
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  for (const [name, way] of Object.entries(ways)) {
    it(`has the same text from ${name}`, async () => {
      const read = await way(gateway, fileId)
      assert.deepEqual(read, typeof read === 'string' ? texts.join(PAGE_BREAK) : texts)
    })
  }

  it('is read once by the engine', () => {
    assert.equal(fake.requests.length, PAGES)
  })
})
