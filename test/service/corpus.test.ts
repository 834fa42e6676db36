import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart, readCorpus } from '../support/documents.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

/** Real documents, each for what is odd about it. */
const documents = [
  { file: 'digital-two-column-paper-arxiv-1901.03003.pdf', oddity: 'figures and tables', pages: '1-4', count: 4 },
  { file: 'scan-medical-report-fictional.pdf', oddity: 'nothing but scans', count: 3 },
  { file: 'scan-jbig2-four-rotations.pdf', oddity: 'portrait and landscape pages', count: 4 },
  { file: 'rtl-arabic-habibi-four-rotations.pdf', oddity: 'all four values of /Rotate', count: 4 },
  { file: 'geometry-page-boxes-qpdf.pdf', oddity: 'crop boxes', count: 8 },
  { file: 'geometry-mixed-sizes-3.pdf', oddity: 'three page sizes', count: 3 },
  { file: 'form-acroform-prefilled-1040.pdf', oddity: 'filled form fields', count: 2 },
]

describe('real documents through the official client', () => {
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

  for (const { file, oddity, pages, count } of documents) {
    it(`reads ${file} (${oddity}): each page once, in order, at the size of the profile`, async () => {
      const parts = [filePart(readCorpus(`public/real/${file}`))]
      const range = pages === undefined ? {} : { pages }
      const before = fake.requests.length
      const streamed = await askStream(gateway.client, { parts, ocr: range })
      const asked = fake.requests.slice(before)
      assert.equal(asked.length, count)
      assert.deepEqual(fake.layoutProblems, [])
      for (const { image } of asked) assert.equal(Math.max(image?.width ?? 0, image?.height ?? 0), 1540)

      const whole = await askWhole(gateway.client, { parts, ocr: { ...range, cache: 'off' } })
      assert.equal(streamed.content, whole.content)
      assert.equal(streamed.ocr.pages.length, count)
      // What the fake says of a page depends on its pixels alone: a page asked by itself must say the same.
      for (const { page, start, end, status } of streamed.ocr.pages) {
        assert.equal(status, 'ok')
        const alone = await askWhole(gateway.client, { parts, ocr: { pages: String(page), cache: 'off' } })
        assert.equal(streamed.content.slice(start, end), alone.content)
      }
    })
  }
})
