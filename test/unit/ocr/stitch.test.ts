import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import type { OcrEvent, PageResult } from '../../../gateway/ocr/page-event.ts'
import { stitch, type StitchEnd, type StitchEvent } from '../../../gateway/ocr/stitch.ts'
import { unread } from '../../../gateway/read/page-answer.ts'
import { makeRequest } from '../../support/make-request.ts'

const ok: PageResult = {
  ...unread('vllm'),
  status: 'ok',
  attempts: 1,
  rasterizer: 'pdfjs',
  finishReason: 'stop',
  width: 1089,
  height: 1540,
  usage: { promptTokens: 2157, completionTokens: 10 },
  error: null,
}
const failed: PageResult = {
  ...ok,
  status: 'failed',
  finishReason: null,
  error: new GatewayError('engine_error', 'The engine broke off.'),
}

/** The events of a document whose pages have these texts, one by one; null: the page failed. */
async function* events(...texts: (string | null)[]): AsyncGenerator<OcrEvent[]> {
  yield [
    {
      type: 'document-open',
      documents: [{ sha256: 'ab', mediaType: 'application/pdf', pages: texts.length, name: null }],
      pages: texts.length,
      cachedPages: 0,
    },
  ]
  for (const [index, text] of texts.entries()) {
    const page = { page: index + 1, document: 1, documentPage: index + 1, label: null }
    yield [{ type: 'page-end', page, result: text === null ? failed : { ...ok, text } }]
  }
}

/** The first page was cut off. */
const cut = (event: OcrEvent): OcrEvent =>
  event.type === 'page-end' && event.page.page === 1
    ? { ...event, result: { ...failed, text: event.result.text } }
    : event

async function collect(stitched: AsyncIterable<readonly StitchEvent[]>) {
  const all = (await Array.fromAsync(stitched)).flat()
  const content = all.map((event) => (event.type === 'text' ? event.text : '')).join('')
  const end = all.at(-1) as StitchEnd
  return { all, content, pages: end.ledger.pages }
}

describe('stitching pages', () => {
  it('joins pages with the separator, and its offsets cut each page out again', async () => {
    const texts = ['# One', 'Zwei 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 😀', '', '四']
    const { content, pages } = await collect(stitch(events(...texts), makeRequest()))
    assert.equal(content, texts.join('\n\n---\n\n'))
    assert.deepEqual(
      pages.map(({ start, end }) => content.slice(start, end)),
      texts,
    )
  })

  it('writes the number of the page that follows into the separator', async () => {
    const { content } = await collect(stitch(events('a', 'b', 'c'), makeRequest({ pageSeparator: '<{page}|{page}>' })))
    assert.equal(content, 'a<2|2>b<3|3>c')
  })

  it('marks a failed page in its place', async () => {
    const { content, pages } = await collect(stitch(events('a', null, 'c'), makeRequest({ pageSeparator: '|' })))
    assert.equal(content, 'a|<!-- page 2 failed: engine_error -->|c')
    assert.equal(content.slice(pages[1]?.start, pages[1]?.end), '<!-- page 2 failed: engine_error -->')
  })

  it('keeps the text of a page that was cut off, and says so behind it', async () => {
    async function* cutOff(): AsyncGenerator<OcrEvent[]> {
      for await (const together of events('half a page', 'b')) yield together.map(cut)
    }
    const { content } = await collect(stitch(cutOff(), makeRequest({ pageSeparator: '|' })))
    assert.equal(content, 'half a page\n\n<!-- page 1 failed: engine_error -->|b')
  })

  it('closes what a page leaves open before the separator, and says so', async () => {
    const texts = ['```\nx', 'b', '<table><tr><td>c', '<!-- d', '$$\ne = 1']
    const closed = ['```\nx\n```', 'b', '<table><tr><td>c\n</td></tr></table>', '<!-- d\n-->', '$$\ne = 1\n$$']
    const { content, pages } = await collect(stitch(events(...texts), makeRequest()))
    assert.equal(content, closed.join('\n\n---\n\n'))
    assert.deepEqual(
      pages.map(({ start, end }) => content.slice(start, end)),
      closed,
    )
    assert.deepEqual(
      pages.map(({ warnings }) => warnings.map(({ code }) => code)),
      [['closed_by_gateway'], [], ['closed_by_gateway'], ['closed_by_gateway'], ['closed_by_gateway']],
    )
    const json = await collect(stitch(events(...texts), makeRequest({ output: 'json' })))
    assert.deepEqual(
      (JSON.parse(json.content) as { pages: { markdown: string }[] }).pages.map(({ markdown }) => markdown),
      closed,
    )
    const plain = await collect(stitch(events('```\na*b*c', '![image](image_1.png)d'), makeRequest({ output: 'text' })))
    assert.equal(plain.content, 'a*b*c\n\n---\n\nd')
    assert.deepEqual(plain.pages[0]?.warnings, [])
  })

  it('closes what a page that was cut off leaves open before the marker behind it', async () => {
    async function* cutOff(): AsyncGenerator<OcrEvent[]> {
      for await (const together of events('<table><tr><td>half', 'b')) yield together.map(cut)
    }
    const { content } = await collect(stitch(cutOff(), makeRequest({ pageSeparator: '|' })))
    assert.equal(content, '<table><tr><td>half\n</td></tr></table>\n\n<!-- page 1 failed: engine_error -->|b')
  })

  it('gives the pictures of every page names of their own', async () => {
    const page = '![image](image_1.png) and ![image](image_2.png)'
    const { content } = await collect(stitch(events(page, page), makeRequest({ pageSeparator: '|' })))
    assert.equal(
      content,
      '![image](page-1-image-1.png) and ![image](page-1-image-2.png)|![image](page-2-image-1.png) and ![image](page-2-image-2.png)',
    )
  })

  it("leaves a task's JSON as it is", async () => {
    const text = '{"a": "<table>", "b": "![image](image_1.png) **c**"}'
    for (const output of ['markdown', 'text'] as const) {
      const { content } = await collect(stitch(events(text), makeRequest({ output, answersJson: true })))
      assert.equal(content, text)
    }
  })

  it('sends nothing before a page has been read', async () => {
    const stitched = stitch(events(null, null, 'c'), makeRequest())
    assert.equal((await stitched.next()).value?.[0]?.type, 'document-open')
    const [first] = (await stitched.next()).value as StitchEvent[]
    assert.ok(first?.type === 'text' && first.page === 1)
  })

  it('tells no more at once of pages that come together than some of them', async () => {
    const pages = (await Array.fromAsync(events(...Array.from({ length: 50 }, () => 'x'.repeat(10_000))))).flat()
    async function* atOnce(): AsyncGenerator<OcrEvent[]> {
      yield pages
    }
    const told = await Array.fromAsync(stitch(atOnce(), makeRequest()))
    const lengths = told.map((together) =>
      together.reduce((sum, it) => sum + (it.type === 'text' ? it.text.length : 0), 0),
    )
    assert.ok(Math.max(...lengths) < 80_000, lengths.join(' '))
    assert.ok(lengths.reduce((sum, length) => sum + length) > 500_000)
  })

  it('throws the first error when every page failed', async () => {
    await assert.rejects(
      collect(stitch(events(null, null), makeRequest())),
      (error: unknown) =>
        error instanceof GatewayError && error.code === 'engine_error' && /All 2 pages failed/.test(error.message),
    )
  })

  it('marks the first piece of each page', async () => {
    const { all } = await collect(stitch(events('a', '', 'c'), makeRequest()))
    assert.deepEqual(
      all.flatMap((event) => (event.type === 'text' && event.page !== null ? [[event.page, event.text]] : [])),
      [
        [1, 'a'],
        [2, ''],
        [3, 'c'],
      ],
    )
  })

  it('writes JSON whose pages the offsets cut out', async () => {
    const { content, pages } = await collect(stitch(events('a "quoted" one', null), makeRequest({ output: 'json' })))
    const error = { code: 'engine_error', message: 'The engine broke off.' }
    const expected = [
      {
        page: 1,
        label: null,
        status: 'ok',
        markdown: 'a "quoted" one',
        blocks: [{ type: 'text', text: 'a "quoted" one', box: null, confidence: null, start: 0, end: 14 }],
      },
      { page: 2, label: null, status: 'failed', markdown: '', blocks: [], error },
    ]
    assert.deepEqual(JSON.parse(content), {
      schema_version: '1.0',
      pages: expected,
      page_count: 2,
      title: null,
      abstract: null,
      language: null,
      headings: [],
    })
    assert.deepEqual(
      pages.map(({ start, end }) => JSON.parse(content.slice(start, end))),
      expected,
    )
  })

  it("gives a task's JSON as data, and as text when it does not parse", async () => {
    const request = makeRequest({ output: 'json', answersJson: true })
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    const { content } = await collect(stitch(events('{"total": 12.5}', 'no JSON', deep), request))
    assert.deepEqual((JSON.parse(content) as { pages: unknown }).pages, [
      { page: 1, label: null, status: 'ok', data: { total: 12.5 } },
      { page: 2, label: null, status: 'ok', data: 'no JSON' },
      { page: 3, label: null, status: 'ok', data: deep },
    ])
  })
})
