import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { encodePalettePng } from '../fixtures/images.ts'
import { drawLetter } from '../fixtures/printed-page.ts'
import { dataUrl, filePart, imagePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { chatChunk } from '../../gateway/wire/openai/chat-completion.ts'
import { askStream, askWhole, beginningPage, ledgerOf } from '../support/read-answer.ts'
import { ocrDocument } from '../../gateway/wire/openai/ocr-document.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const pages = (from: number, to: number) =>
  makePdf(Array.from({ length: to - from + 1 }, (_, index) => ({ number: from + index, lines: ['Some text'] })))

describe('page images', () => {
  it('are JPEG where the operator asks for it', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_PAGE_IMAGE: 'jpeg' })
    const { content } = await askWhole(gateway.client, { parts: [filePart(pages(7, 7))] })
    assert.match(content, /This is page 7\./)
    assert.match(JSON.stringify(fake.requests[0]?.body?.messages), /data:image\/jpeg;base64,\/9j\//)
  })
})

describe('chat completions on documents', () => {
  let fake: FakeVllm
  let gateway: TestGateway

  before(async () => {
    fake = await startFakeVllm()
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
    assert.deepEqual(fake.layoutProblems, [])
  })

  const numbersIn = (content: string) =>
    [...content.matchAll(/This is page (\d+)\./g)].map(([, number]) => Number(number))

  it('reads a PDF: one upstream request per page, text in page order, offsets that cut each page out', async () => {
    const before = fake.requests.length
    const { content, finishReason, ocr, usage } = await askWhole(gateway.client, { parts: [filePart(pages(1, 12))] })
    assert.equal(fake.requests.length - before, 12)
    assert.deepEqual(numbersIn(content), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    assert.equal(finishReason, 'stop')
    assert.equal(ocr.document.media_type, 'application/pdf')
    assert.equal(ocr.document.pages, 12)
    for (const { page, status, start, end, width, height, model, engine } of ocr.pages) {
      assert.match(content.slice(start, end), new RegExp(`^This is page ${page}\\.`))
      assert.deepEqual([status, model, engine], ['ok', 'lightonai/LightOnOCR-2-1B', 'vllm'])
      assert.deepEqual([width, height], [1088, 1540])
    }
    assert.equal(content.split('\n\n---\n\n').length, 12)
    assert.ok(usage.completion_tokens >= 12 && usage.total_tokens > usage.prompt_tokens)
  })

  it("sends each page as the model's profile says", async () => {
    const before = fake.requests.length
    await askWhole(gateway.client, { parts: [filePart(pages(21, 22))] })
    for (const { body, image } of fake.requests.slice(before)) {
      assert.equal(body?.messages?.length, 1)
      const [message] = body?.messages ?? []
      assert.equal(message?.role, 'user')
      const content = message?.content as { type: string; image_url: { url: string } }[]
      assert.equal(content.length, 1)
      assert.match(content[0]?.image_url.url ?? '', /^data:image\/png;base64,/)
      assert.equal(Math.max(image?.width ?? 0, image?.height ?? 0), 1540)
      assert.deepEqual([body?.temperature, body?.top_p, body?.stream], [0.2, 0.9, true])
      assert.ok((body?.max_tokens ?? 0) > 4096 && (body?.max_tokens ?? 0) < 16_384)
    }
  })

  it('streams the same text that it collects, each page once, its number on its first chunk', async () => {
    const parts = [filePart(pages(31, 36))]
    const streamed = await askStream(gateway.client, { parts, ocr: { cache: 'off' } })
    const whole = await askWhole(gateway.client, { parts, ocr: { cache: 'off' } })
    assert.equal(streamed.content, whole.content)
    assert.deepEqual(streamed.ocr.pages, whole.ocr.pages)
    assert.deepEqual(streamed.usage, whole.usage)
    assert.equal(streamed.finishReason, 'stop')
    assert.equal(streamed.chunks[0]?.choices[0]?.delta.role, 'assistant')
    const starts = streamed.chunks.map(beginningPage).filter((page) => page !== null)
    assert.deepEqual(starts, [1, 2, 3, 4, 5, 6])
    assert.equal(new Set(streamed.chunks.map(({ id }) => id)).size, 1)
  })

  it('puts the ledger on the last chunk with and without usage', async () => {
    const stream = await gateway.client.chat.completions.create({
      model: 'default',
      stream: true,
      messages: [{ role: 'user', content: [filePart(pages(1, 2))] }],
    })
    const chunks = (await Array.fromAsync(stream)).map((chunk) => chatChunk.parse(chunk))
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'stop')
    assert.equal(ledgerOf(chunks).pages.length, 2)
    assert.equal(chunks.filter(({ usage }) => usage !== undefined).length, 0)
  })

  it('reads any mixture of documents in order, pages numbered through', async () => {
    const photo = await encodePalettePng(drawLetter()).toBuffer()
    const { content, ocr } = await askWhole(gateway.client, {
      parts: [
        filePart(pages(41, 42)),
        imagePart(photo),
        { type: 'image_url', image_url: { url: dataUrl(pages(43, 43), 'application/pdf') } },
        { type: 'file', file: { file_data: Buffer.from(pages(44, 45)).toString('base64') } },
      ],
    })
    assert.deepEqual(numbersIn(content), [41, 42, 43, 44, 45])
    assert.deepEqual(
      ocr.pages.map(({ page, document, document_page }) => [page, document, document_page]),
      [
        [1, 1, 1],
        [2, 1, 2],
        [3, 2, 1],
        [4, 3, 1],
        [5, 4, 1],
        [6, 4, 2],
      ],
    )
    assert.deepEqual(
      ocr.documents?.map(({ media_type, pages }) => [media_type, pages]),
      [
        ['application/pdf', 2],
        ['image/png', 1],
        ['application/pdf', 1],
        ['application/pdf', 2],
      ],
    )
  })

  it('reads only the pages asked for', async () => {
    const before = fake.requests.length
    const { content, ocr } = await askWhole(gateway.client, {
      parts: [filePart(pages(51, 60))],
      ocr: { pages: '2-3, 7,9-' },
    })
    assert.deepEqual(numbersIn(content), [52, 53, 57, 59, 60])
    assert.deepEqual(
      ocr.pages.map(({ page }) => page),
      [2, 3, 7, 9, 10],
    )
    assert.equal(fake.requests.length - before, 5)
    assert.equal(ocr.document.pages, 10)
  })

  it('writes the separator that was asked for', async () => {
    const { content } = await askWhole(gateway.client, {
      parts: [filePart(pages(61, 63))],
      ocr: { page_separator: '\n<!-- page {page} -->\n' },
    })
    assert.match(content, /61\.[^]*\n<!-- page 2 -->\nThis is page 62[^]*\n<!-- page 3 -->\nThis is page 63/)
  })

  it('does not send a text to a model that takes none, and the answer says so', async () => {
    const parts = [{ type: 'text' as const, text: 'Summarize this.' }, filePart(pages(71, 71))]
    const { ocr } = await askWhole(gateway.client, { parts })
    assert.deepEqual(
      ocr.warnings?.map(({ code }) => code),
      ['prompt_not_used'],
    )
    assert.ok(!JSON.stringify(fake.requests.at(-1)?.body?.messages).includes('Summarize'))
  })

  it('does not show a blank page to the engine, and says that it is blank', async () => {
    const before = fake.requests.length
    const parts = [filePart(makePdf([{ number: 91 }, {}, { number: 93 }]))]
    const { content, ocr } = await askWhole(gateway.client, { parts, ocr: { page_separator: '|' } })
    assert.match(content, /This is page 91[^|]*\|\|This is page 93/)
    assert.deepEqual(
      ocr.pages.map(({ status }) => status),
      ['ok', 'blank', 'ok'],
    )
    assert.equal(fake.requests.length - before, 2)
    const again = await askWhole(gateway.client, { parts, ocr: { page_separator: '|' } })
    assert.deepEqual([again.cacheHeader, again.content], ['HIT', content])
  })

  it('gives plain text or JSON when asked', async () => {
    fake.setAnswer(() => '# Title\n\nSome **bold** text.')
    const text = await askWhole(gateway.client, { parts: [filePart(pages(81, 82))], ocr: { output: 'text' } })
    assert.match(text.content, /^Title\n+Some bold text\.\n\n---\n\nTitle\n+Some bold text\.$/)
    const json = await askStream(gateway.client, { parts: [filePart(pages(81, 82))], ocr: { output: 'json' } })
    const { pages: expected } = ocrDocument.parse(JSON.parse(json.content))
    assert.deepEqual(
      expected.map((page) => [page.page, page.status, 'markdown' in page && page.markdown]),
      [1, 2].map((page) => [page, 'ok', '# Title\n\nSome **bold** text.']),
    )
    assert.deepEqual(
      json.ocr.pages.map(({ start, end }) => JSON.parse(json.content.slice(start, end))),
      expected,
    )
  })

  it('calls a page failed when the engine has nothing to say of its ink', async () => {
    fake.setAnswer(({ image }) => (image?.pageNumber === 95 ? '' : 'text'))
    const parts = [filePart(makePdf([{ number: 94 }, { number: 95 }]))]
    const { content, ocr } = await askWhole(gateway.client, { parts, ocr: { page_separator: '|' } })
    assert.equal(content, 'text|<!-- page 2 failed: engine_error -->')
    assert.match(ocr.pages[1]?.error?.message ?? '', /nothing, though there is ink/)
  })
})
