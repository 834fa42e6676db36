import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { picturedPdf } from '../fixtures/pictured-pages.ts'
import { filePart } from '../support/documents.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const DOTS = 'rednote-hilab/dots.mocr'
const OLMOCR = 'olmocr'
const CHANDRA = 'datalab-to/chandra-ocr-2'

/** A page as each of them writes it. */
const ANSWERS: Readonly<Record<string, string>> = {
  // A4 at 200 dots per inch, brought to 1652 × 2352 pixels.
  [DOTS]: JSON.stringify([
    { bbox: [100, 20, 900, 60], category: 'Page-header', text: 'Journal' },
    { bbox: [165, 470, 826, 1646], category: 'Picture' },
    { bbox: [100, 1700, 900, 1760], category: 'Text', text: 'Body' },
  ]),
  [OLMOCR]: '---\nprimary_language: en\nis_table: False\n---\n# Title\n\nBody',
  [CHANDRA]:
    '<div data-bbox="60 10 540 30" data-label="Page-Header"><p>Journal</p></div><div data-bbox="100 200 500 700" data-label="Figure"><img alt="A box"/></div><div data-bbox="60 720 540 760" data-label="Text"><p>Body</p></div>',
}

let fake: FakeVllm
let gateway: TestGateway

before(async () => {
  const models = Object.keys(ANSWERS).map((id) => ({ id, maxModelLen: 32_768 }))
  fake = await startFakeVllm({ models, answer: ({ body }) => ANSWERS[body?.model ?? ''] ?? '' })
  gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
})
after(async () => {
  await gateway.stop()
  await fake.close()
})

const ask = (model: string, ocr: object) => ({ model, parts: [filePart(picturedPdf(1))], ocr })

describe('other OCR models', () => {
  it('answer with Markdown, whatever they write', async () => {
    const { content } = await askWhole(gateway.client, ask(OLMOCR, {}))
    assert.equal(content, '# Title\n\nBody')
  })

  for (const [model, alt] of [
    [DOTS, 'Figure 1 on page 1'],
    [CHANDRA, 'A box'],
  ] as const)
    it(`have their pictures cut out: ${model}`, async () => {
      const { content, ocr } = await askWhole(gateway.client, ask(model, { figures: 'reference' }))
      assert.equal(content, `Journal\n\n![${alt}](figures/page-1-1.png)\n\nBody`)
      const [figure] = ocr.figures ?? []
      // In pixels of the page image: a tenth and a half of its width, a fifth and seven tenths of its height.
      const [left = 0, top = 0, right = 0, bottom = 0] = figure?.box ?? []
      const [page] = ocr.pages
      const shares = [left / (page?.width ?? 1), top / (page?.height ?? 1), right / (page?.width ?? 1), bottom / (page?.height ?? 1)] // prettier-ignore
      for (const [index, share] of [0.1, 0.2, 0.5, 0.7].entries())
        assert.ok(Math.abs(share - (shares[index] ?? 0)) < 0.002, String(shares))
    })

  it('mark their blocks when they are asked for them', async () => {
    const { content } = await askWhole(gateway.client, ask(CHANDRA, { task: 'layout' }))
    assert.match(content, /^!\[header\]\(60,10,540,30\) Journal$/m)
    assert.match(content, /^!\[text\]\(60,720,540,760\) Body$/m)
  })

  it('have no pictures to drop where none are wanted', async () => {
    const { content } = await askWhole(gateway.client, ask(DOTS, { figures: 'drop' }))
    assert.equal(content, 'Journal\n\nBody')
  })
})
