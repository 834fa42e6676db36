import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { GatewayError } from '../../gateway/errors.ts'
import { agreement } from '../../gateway/read/evidence/agreement.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { easyPagesOf } from '../support/easy-pages.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { readCorpus } from './read-corpus.ts'

interface Manifest {
  readonly files: readonly {
    readonly file?: string
    readonly doc?: string
    readonly core?: boolean
    readonly category: string
    readonly truth?: readonly { readonly file: string; readonly format: string }[]
  }[]
}

const cases = join(import.meta.dirname, '../../../shared/cases')
const readManifest = (path: string): Manifest['files'] => (JSON.parse(readCorpus(path).toString()) as Manifest).files
const MAX_PAGES = 20

/** Pages of a document that cannot be opened, or drawn, are not easy. */
async function easyPages(bytes: Uint8Array): Promise<(string | null)[]> {
  return easyPagesOf(bytes, MAX_PAGES).catch((error: unknown) => {
    if (error instanceof GatewayError) return []
    throw error
  })
}

describe('pages that their text layer answers', () => {
  const easy = new Map<string, (string | null)[]>()
  let gateway: TestGateway
  before(async () => {
    gateway = await startTestGateway()
  })
  after(() => gateway.stop())

  for (const name of readdirSync(cases).filter((file) => file.endsWith('.pdf')))
    it(`are none where text is hidden, drawn over, or more than lines: ${name}`, async () => {
      const pages = await easyPages(readFileSync(join(cases, name)))
      assert.ok(pages.every((text) => text === null))
    })

  for (const { doc = '', category } of readManifest('truth/manifest.json').filter(({ doc }) => doc?.endsWith('.pdf')))
    it(`are none of tables, formulas, columns and scans: ${doc}`, async () => {
      const pages = await easyPages(readCorpus(`truth/${doc}`))
      if (category === 'digital' || category === 'page-pdf' || category === 'stitch') easy.set(`truth/${doc}`, pages)
      else assert.ok(pages.every((text) => text === null))
    })

  for (const { file = '' } of readManifest('public/manifest.json').filter(
    (entry) => entry.core === true && entry.file?.endsWith('.pdf') === true && !entry.file.includes('bomb'),
  ))
    it(`are found: ${file}`, async () => {
      easy.set(`public/${file}`, await easyPages(readCorpus(`public/${file}`)))
    })

  it('are some, and say what Tesseract reads', async (test) => {
    const [texts, pages] = [[...easy.values()].flat(), [...easy].filter(([, found]) => found.some(Boolean))]
    const share = texts.filter((text) => text !== null).length / texts.length
    test.diagnostic(
      `${(share * 100).toFixed(1)} % of ${texts.length} pages are easy: ${pages.map(([name]) => name).join(', ')}`,
    )
    assert.ok(share > 0.02)
    for (const [name, found] of pages) {
      const [first = 0, second = first] = found.flatMap((text, index) => (text === null ? [] : [index]))
      for (const index of new Set([first, second])) {
        const parts = [filePart(readCorpus(name))]
        const ask = { model: 'tesseract', parts, ocr: { pages: String(index + 1), output: 'text' } }
        const { content } = await askWhole(gateway.client, ask)
        const held = agreement(content, found[index] ?? '')
        test.diagnostic(`${name}, page ${index + 1}: ${held.toFixed(3)} of what Tesseract reads`)
        assert.ok(held >= 0.95, `${name}, page ${index + 1} holds ${held}`)
      }
    }
  })
})

describe('pages that Tesseract answers', () => {
  const rows = [
    { doc: 'olmocr-bench/olmocr-header-footer-e.pdf', isEasy: false },
    { doc: 'tesseract/tesseract-phototest.tif', isEasy: true },
    { doc: 'docling/docling-code-and-formula.pdf', isEasy: false },
    { doc: 'synthetic/synth-photo-receipt.jpg', isEasy: false },
    { doc: 'synthetic/synth-digital-2-column-article.pdf', isEasy: false },
    { doc: 'tesseract/tesseract-eurotext.tif', isEasy: false },
  ]
  it('are those of plain print that it is sure of', async () => {
    await using fake = await startFakeVllm({ answer: () => 'From the model.' })
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_AUTO_EASY_PAGES: 'text-layer,tesseract',
    })
    for (const { doc, isEasy } of rows) {
      const { ocr } = await askWhole(gateway.client, { model: 'auto', parts: [filePart(readCorpus(`truth/${doc}`))] })
      assert.deepEqual([...new Set(ocr.pages.map(({ route }) => route))], [isEasy ? 'easy_tesseract' : 'main'], doc)
    }
  })
})
