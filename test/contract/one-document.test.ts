import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Mistral } from '@mistralai/mistralai'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { dataUrl, filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const numbers = [1, 2, 3]
const pdf = makePdf(numbers.map((number) => ({ number })))
const separator = '\n\n---\n\n'

describe('one document, whatever the protocol', () => {
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

  const wires: Readonly<Record<string, () => Promise<string>>> = {
    'a chat completion': async () => (await askWhole(gateway.client, { parts: [filePart(pdf)] })).content,
    'a streamed chat completion': async () => (await askStream(gateway.client, { parts: [filePart(pdf)] })).content,
    'Mistral’s OCR': async () => {
      const mistral = new Mistral({ serverURL: gateway.url, apiKey: 'unused' })
      const document = { type: 'document_url' as const, documentUrl: dataUrl(pdf, 'application/pdf') }
      const { pages } = await mistral.ocr.process({ model: 'mistral-ocr-latest', document })
      return pages.map(({ markdown }) => markdown).join(separator)
    },
    'Mistral’s OCR, as a form': async () => {
      const body = new FormData()
      body.append('file', new Blob([new Uint8Array(pdf)]), 'a.pdf')
      const response = await fetch(`${gateway.url}/v1/ocr`, { method: 'POST', body })
      const { pages } = (await response.json()) as { pages: { markdown: string }[] }
      return pages.map(({ markdown }) => markdown).join(separator)
    },
    'Open WebUI’s loader': async () => {
      const response = await fetch(`${gateway.url}/process`, { method: 'PUT', body: new Uint8Array(pdf) })
      return ((await response.json()) as { page_content: string }).page_content
    },
  }

  it('is read once, and its text is the same in each', async () => {
    const texts: string[] = []
    for (const ask of Object.values(wires)) texts.push(await ask())
    assert.match(texts[0] ?? '', /page 1\.[^]*page 2\.[^]*page 3\./)
    assert.deepEqual(Object.keys(wires).filter((_, index) => texts[index] !== texts[0]), []) // prettier-ignore
    assert.equal(fake.requests.length, numbers.length)
  })
})
