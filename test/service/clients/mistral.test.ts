import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Mistral } from '@mistralai/mistralai'
import { responseFormatFromZodObject } from '@mistralai/mistralai/extra/structChat.js'
import { z } from 'zod'
import { startClientDesk, type ClientDesk } from '../../support/client-snippets.ts'
import { dataUrl } from '../../support/documents.ts'
import { makePdf } from '../../support/make-pdf.ts'
import { runSnippets } from '../../support/run-snippets.ts'

const documentUrl = dataUrl(makePdf([{ number: 1 }, { number: 2 }]), 'application/pdf')
const document = { type: 'document_url' as const, documentUrl }
const invoice = z.object({ date: z.string(), total: z.number() })

describe('Mistral’s SDK for JavaScript', () => {
  let desk: ClientDesk
  let mistral: Mistral

  before(async () => {
    desk = await startClientDesk()
    mistral = new Mistral({ serverURL: desk.gateway.url, apiKey: desk.apiKey })
  })
  after(() => desk[Symbol.asyncDispose]())

  for (const { name, run } of runSnippets('Mistral SDK (JavaScript)')) it(name, () => run(desk))

  it('annotates a document with a schema', async () => {
    const { documentAnnotation } = await mistral.ocr.process({
      model: 'tencent/HunyuanOCR',
      document,
      documentAnnotationFormat: responseFormatFromZodObject(invoice),
    })
    assert.deepEqual(JSON.parse(documentAnnotation ?? ''), { date: '2026-11-27', total: 7 })
  })

  it('chats about a document, streamed as well', async () => {
    const asked = { model: 'default', messages: [{ role: 'user' as const, content: [document] }] }
    const { choices } = await mistral.chat.complete(asked)
    assert.match(JSON.stringify(choices[0]?.message?.content), /page 1\..*page 2\./)
    const events = await Array.fromAsync(await mistral.chat.stream(asked))
    const text = JSON.stringify(events.map(({ data }) => data.choices[0]?.delta.content))
    assert.match(text, /page 1\..*page 2\./)
  })

  it('parses a chat’s answer of a schema', async () => {
    const one = dataUrl(makePdf([{ number: 3 }]), 'application/pdf')
    const { choices } = await mistral.chat.parse({
      model: 'tencent/HunyuanOCR',
      messages: [{ role: 'user', content: [{ type: 'document_url', documentUrl: one }] }],
      responseFormat: invoice,
    })
    assert.deepEqual(choices?.[0]?.message?.parsed, { date: '2026-11-27', total: 7 })
  })

  it('throws what was wrong', async () => {
    const wrong = new Mistral({ serverURL: desk.gateway.url, apiKey: 'other' })
    await assert.rejects(wrong.ocr.process({ model: 'x', document }), /invalid_api_key/)
    await assert.rejects(mistral.ocr.process({ model: 'x', document, pages: [7] }), /page_out_of_range/)
  })
})
