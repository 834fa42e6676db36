import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { checkDocument } from '../support/check-document.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { readCorpus } from './read-corpus.ts'

const truth = join(import.meta.dirname, '../../../shared/corpus/truth')
const truths = globSync('**/*.md', { cwd: truth, exclude: ['README.md'] }).toSorted()
const languages: Readonly<Record<string, string>> = { en: 'en', zh: 'zh', ja: 'ja', ar: 'ar' }

describe('the truth documents as JSON', { timeout: 120_000 }, () => {
  it('are valid by the published schema, and all of their offsets slice to their texts', async () => {
    let markdown = ''
    await using fake = await startFakeVllm({ answer: () => markdown })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    assert.ok(truths.length > 20)
    for (const [index, path] of truths.entries()) {
      markdown = readFileSync(join(truth, path), 'utf8')
      // Every other page is another part of the text, so that chunks go over pages.
      const parts = [filePart(makePdf([{ number: 2 * index + 1 }, { number: 2 * index + 2 }]))]
      const ocr = { output: 'json', chunks: { max_tokens: index % 2 === 0 ? 64 : 400 } }
      const { content } = await askWhole(gateway.client, { parts, ocr })
      const { document } = checkDocument(content)
      assert.ok((document.chunks?.length ?? 0) > 0, path)
      const language = languages[/-(zh|ja|ar)-/.exec(path)?.[1] ?? '']
      if (language !== undefined) assert.equal(document.language, language, path)
    }
  })
})

describe('real documents as JSON, read by the embedded engine', { timeout: 120_000 }, () => {
  let gateway: TestGateway
  before(async () => {
    gateway = await startTestGateway()
  })
  after(() => gateway.stop())

  for (const [path, pages] of [
    ['truth/synthetic/synth-scan-en-letter-table.pdf', '1'],
    ['truth/synthetic/synth-digital-2-column-article.pdf', '1'],
    ['truth/synthetic/synth-scan-multipage-stitch-en.pdf', '1-2'],
    ['truth/hand/hand-chinese-scan.pdf', '1'],
  ] as const)
    it(`are valid, and their blocks have places and confidences: ${path}`, async () => {
      const parts = [filePart(readCorpus(path))]
      const ocr = { output: 'json', pages, chunks: { max_tokens: 256 } }
      const { content, ocr: ledger } = await askWhole(gateway.client, { model: 'tesseract', parts, ocr })
      const { document } = checkDocument(content)
      for (const page of document.pages) {
        assert.ok('blocks' in page)
        const placed = page.blocks.filter(({ box, confidence }) => box !== null && confidence !== null)
        // A page that is read in tiles has none.
        if (ledger.pages.some(({ status }) => status === 'ok')) assert.ok(placed.length >= 0.9 * page.blocks.length)
      }
    })
})
