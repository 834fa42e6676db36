import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Answer, FakeRequest } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { readCorpus } from './read-corpus.ts'

const fourPages = readFileSync(join(import.meta.dirname, '../../../shared/cases/four-pages.pdf'))

/** Asks for a document; `answer` says what the model writes to each request, which are counted from 0. */
async function ask(bytes: Uint8Array, answer: (request: FakeRequest, number: number) => Answer, ocr: object = {}) {
  let asked = 0
  await using fake = await startFakeVllm({ answer: (request) => answer(request, asked++) })
  await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  const whole = await askWhole(gateway.client, { parts: [filePart(bytes)], ocr })
  return { ...whole, requests: fake.requests }
}

describe('the cases of model answers', { timeout: 240_000 }, () => {
  for (const { opener, closer } of [
    { opener: '```\nx', closer: '```' },
    { opener: '~~~~\nx', closer: '~~~~' },
    { opener: '<table>', closer: '</table>' },
    { opener: '<!-- x', closer: '-->' },
    { opener: '$$\nx = 1', closer: '$$' },
  ])
    it(`four pages that leave ${JSON.stringify(opener)} open are closed, each before its separator`, async () => {
      const { content, ocr } = await ask(fourPages, () => `a page\n\n${opener}`)
      assert.equal(ocr.pages.length, 4)
      for (const { start, end, status, warnings } of ocr.pages) {
        assert.equal(status, 'ok')
        assert.equal(content.slice(start, end), `a page\n\n${opener}\n${closer}`)
        assert.deepEqual(warnings?.map(({ code }) => code), ['closed_by_gateway'])
      }
    })

  it('pictures on four pages have four names', async () => {
    const { content } = await ask(fourPages, () => '![image](image_1.png)')
    const names = content.match(/page-\d-image-\d\.png/g)
    assert.deepEqual(names, [1, 2, 3, 4].map((page) => `page-${page}-image-1.png`))
  })

  for (const said of ['!'.repeat(60), 'Ġ Ġ Ċ', 'There is no readable text in this image.', '[Non-Text]', '图片中没有文字。'])
    it(`is read again where the model said ${said}`, async () => {
      const { ocr } = await ask(fourPages, (_, number) => (number === 0 ? said : 'A page.'), { pages: '1' })
      assert.deepEqual([ocr.pages[0]?.status, ocr.pages[0]?.attempts], ['repaired', 2])
    })

  it('a real paper whose answers are about something else is its text layer', async () => {
    const paper = readCorpus('public/real/digital-two-column-paper-tracemonkey.pdf')
    const invented = 'Wale schwimmen weit unter kalten Wellen. Ihre Lieder reisen Hunderte von Meilen zwischen Eisbergen durch Dunkelheit; Matrosen hörten seltsame Musik unter hölzernen Planken, jede Nacht wieder.'
    const { ocr, content } = await ask(paper, () => invented, { pages: '1-3' })
    for (const { status, warnings } of ocr.pages)
      assert.deepEqual([status, warnings?.map(({ code }) => code)], ['fallback', ['text_disagrees']])
    assert.match(content, /Trace-based Just-in-Time Type Specialization/)
  })

  it('a real paper that is read right is left alone, whatever its layer', async () => {
    for (const file of ['digital-italian-financial-table', 'digital-korean-text-tables', 'digital-sec-filing-form']) {
      const { ocr } = await ask(readCorpus(`public/real/${file}.pdf`), () => 'Eine kurze Antwort.', { pages: '1' })
      assert.equal(ocr.pages[0]?.status, 'ok')
    }
  })
}) // prettier-ignore
