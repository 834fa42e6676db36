import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { PICTURE_MARK, picturedPdf } from '../fixtures/pictured-pages.ts'
import { checkDocument } from '../support/check-document.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { inputFile, inputOf, readResponse, textOfResponse } from '../support/read-response.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const PLAIN = 'lightonai/LightOnOCR-2-1B'
const BBOX = 'lightonai/LightOnOCR-2-1B-bbox'
const LAYOUT = 'lightonai/LightOnOCR-3-1B'
const HUNYUAN = 'tencent/HunyuanOCR'

const PROSE =
  'The committee met on Tuesday and agreed that the report should be published before the end of the year, with all of its annexes and tables.'
const TABLE = '| Year | Pages |\n|---|---|\n| 2025 | 10 |\n| 2026 | 12 |'
const PAGES = [
  `# A *great* report\n\n## Abstract\n\n${PROSE}\n\n## 1 Tables\n\nTable 1: Pages\n\n${TABLE}`,
  `- one\n- two\n\n$$\nx = 1\n$$\n\n### 1.1 Code\n\n\`\`\`c\nx = 1;\n\`\`\`\n\n![image](image_1.png)`,
]
const MARKS = [
  '![header](100,10,900,30) Annual report',
  '![title](100,100,900,150) Title',
  '![section](100,160,900,190) ## Part',
  '![text](100,200,450,800) The first half of',
  '![text+](550,200,900,400) a sentence.',
  '![image](550,450,900,700)',
  '![table](550,720,900,800) <table><tr><td>1</td></tr>',
  '![page_number](480,960,520,980) 7',
].join('\n')

describe('output "json"', () => {
  let fake: FakeVllm
  let gateway: TestGateway
  before(async () => {
    fake = await startFakeVllm({
      models: [PLAIN, BBOX, LAYOUT, HUNYUAN],
      answer({ image, body }) {
        if (body?.model === HUNYUAN) return '```json\n{"total": 12.5}\n```'
        if (body?.model === LAYOUT) return MARKS
        if (body?.model === BBOX) return `${PICTURE_MARK}\n\nText with ![](image_2.png) 0,0,10,10 in it.`
        return PAGES[(image?.pageNumber ?? 1) - 1] ?? ''
      },
    })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const twoPages = [filePart(makePdf([{ number: 1 }, { number: 2 }]))]
  const pictured = [filePart(picturedPdf(1))]

  it('is one object: pages with their blocks, title, abstract, language and headings', async () => {
    const { content } = await askWhole(gateway.client, { model: PLAIN, parts: twoPages, ocr: { output: 'json' } })
    const { document, markdowns } = checkDocument(content)
    assert.deepEqual(
      [document.schema_version, document.page_count, document.title, document.abstract, document.language],
      ['1.0', 2, 'A great report', PROSE, 'en'],
    )
    assert.equal(document.chunks, undefined)
    assert.equal(markdowns.get(2), PAGES[1]!.replace('image_1.png', 'page-2-image-1.png'))
    assert.deepEqual(
      document.pages.map((page) => 'blocks' in page && page.blocks.map(({ type }) => type)),
      [
        ['title', 'heading', 'text', 'heading', 'caption', 'table'],
        ['list', 'formula', 'heading', 'code', 'figure'],
      ],
    )
    const [title] = document.headings
    assert.deepEqual(
      [title?.text, title?.children.map(({ text, page }) => [text, page])],
      ['A great report', [['Abstract', 1], ['1 Tables', 1]]], // prettier-ignore
    )
    assert.deepEqual(title?.children[1]?.children, [{ level: 3, text: '1.1 Code', page: 2, start: PAGES[1]!.indexOf('###'), children: [] }]) // prettier-ignore
  })

  it('is the same in a stream, page by page, and the ledger says where each page stands in it', async () => {
    const ask = { model: PLAIN, parts: twoPages, ocr: { output: 'json', chunks: { max_tokens: 64 } } }
    const whole = await askWhole(gateway.client, ask)
    const { content, ocr } = await askStream(gateway.client, ask)
    assert.equal(content, whole.content)
    const { document } = checkDocument(content)
    assert.deepEqual(
      ocr.pages.map(({ start, end }) => JSON.parse(content.slice(start, end)) as unknown),
      document.pages,
    )
  })

  it('is that of a response, too', async () => {
    const body = { model: PLAIN, input: inputOf(inputFile(makePdf([{ number: 1 }]))), ocr: { output: 'json' } }
    const response = await gateway.client.responses.create(body as unknown as ResponseCreateParamsNonStreaming)
    const { ocr: _, ...rest } = readResponse(response)
    assert.equal(checkDocument(textOfResponse(rest)).document.title, 'A great report')
  })

  it('has the text in chunks where they are asked for', async () => {
    const ocr = { output: 'json', chunks: { max_tokens: 60 } }
    const { content } = await askWhole(gateway.client, { model: PLAIN, parts: twoPages, ocr })
    const { chunks = [] } = checkDocument(content).document
    assert.deepEqual(
      chunks.map(({ headings, pages }) => [headings.at(-1), pages]),
      [
        ['Abstract', [1]],
        ['1 Tables', [1]],
        ['1 Tables', [2]],
        ['1.1 Code', [2]],
      ],
    )
    assert.equal(chunks[1]?.text, `## 1 Tables\n\nTable 1: Pages\n\n${TABLE}`)
  })

  for (const [name, ocr, message] of [
    ['fewer tokens than a sentence has', { output: 'json', chunks: { max_tokens: 15 } }, /ocr\.chunks\.max_tokens/],
    ['no size', { output: 'json', chunks: {} }, /ocr\.chunks/],
    ['another name', { output: 'json', chunks: { max_tokens: 64, overlap: 8 } }, /overlap/],
    ['chunks of Markdown', { chunks: { max_tokens: 64 } }, /ocr\.output "json"/],
    ['chunks with pictures in them', { output: 'json', figures: 'embed', chunks: { max_tokens: 64 } }, /"reference"/],
  ] as const)
    it(`refuses ${name}`, async () => {
      const asked = askWhole(gateway.client, { model: PLAIN, parts: twoPages, ocr })
      await assert.rejects(asked, (error: { status: number; param: string; message: string }) => {
        assert.equal(error.status, 400)
        assert.match(error.param, /^ocr\.chunks/)
        assert.match(error.message, message)
        return true
      })
    })

  it('has data in place of Markdown where the task answers JSON', async () => {
    const ocr = { output: 'json', task: 'extract', fields: ['total'], chunks: { max_tokens: 64 } }
    const { content, ocr: ledger } = await askWhole(gateway.client, { model: HUNYUAN, parts: twoPages, ocr })
    const { document } = checkDocument(content)
    assert.deepEqual(
      document.pages.map((page) => 'data' in page && page.data),
      [{ total: 12.5 }, { total: 12.5 }],
    )
    assert.deepEqual([document.chunks, ledger.warnings?.map(({ code }) => code)], [undefined, ['option_ignored']])
  })

  it('says of blocks that the model marks what they are and where they stand, and leaves out the marks', async () => {
    const ask = { model: LAYOUT, parts: pictured, ocr: { output: 'json', task: 'layout', figures: 'reference' } }
    const { content, ocr } = await askWhole(gateway.client, ask)
    const { document, markdowns } = checkDocument(content)
    const { width, height } = ocr.pages[0]!
    assert.equal(
      markdowns.get(1),
      'Annual report\n\nTitle\n\n## Part\n\nThe first half of a sentence.\n\n![Figure 1 on page 1](figures/page-1-1.png)\n\n<table><tr><td>1</td></tr>\n</table>\n\n7',
    )
    const [page] = document.pages
    assert.ok(page !== undefined && 'blocks' in page)
    assert.deepEqual(
      page.blocks.map(({ type }) => type),
      ['header', 'title', 'heading', 'text', 'text', 'figure', 'table', 'footer'],
    )
    assert.deepEqual(page.blocks[1]?.box, [
      Math.floor(0.1 * width!),
      Math.floor(0.1 * height!),
      Math.ceil(0.9 * width!),
      Math.ceil(0.15 * height!),
    ])
    assert.deepEqual(page.blocks[5]?.box, ocr.figures?.[0]?.box)
    assert.deepEqual(
      [document.title, document.headings[0]?.children.map(({ text, level }) => [text, level])],
      ['Title', [['Part', 2]]],
    )
    assert.deepEqual(
      ocr.pages[0]?.warnings?.map(({ code }) => code),
      ['closed_by_gateway'],
    )
  })

  for (const figures of [undefined, 'reference', 'embed', 'drop'] as const)
    it(`has the places of pictures that the model marks: ${figures ?? 'as it wrote them'}`, async () => {
      const ask = { model: BBOX, parts: pictured, ocr: { output: 'json', figures } }
      const { content } = await askWhole(gateway.client, ask)
      const [page] = checkDocument(content).document.pages
      assert.ok(page !== undefined && 'blocks' in page)
      assert.deepEqual(
        page.blocks.map(({ type, box }) => [type, box]),
        figures === 'drop' ? [['text', null]] : [['figure', [108, 308, 544, 1078]], ['text', null]], // prettier-ignore
      )
    })

  it('says where the embedded engine has read what, and how sure it is', async () => {
    const lines = ['A clock that is moved every week will never', 'keep good time, and should stand on a shelf.']
    const parts = [filePart(makePdf([{ lines }]))]
    for (const cache of ['MISS', 'HIT']) {
      const answer = await askWhole(gateway.client, { model: 'tesseract', parts, ocr: { output: 'json' } })
      assert.equal(answer.cacheHeader, cache)
      const [page] = checkDocument(answer.content).document.pages
      assert.ok(page !== undefined && 'blocks' in page)
      assert.ok(page.blocks.length > 0)
      const { width, height } = answer.ocr.pages[0]!
      for (const { box, confidence } of page.blocks) {
        assert.ok(box !== null && box[2] <= width! && box[3] <= height!)
        assert.ok(confidence !== null && confidence > 0.5)
      }
    }
  })
})
