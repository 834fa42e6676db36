import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { strFromU8, unzipSync } from 'fflate'
import { asJson, asMarkdown, asZip, type ReadResult } from '../../../gateway/web/app/download/downloads.ts'
import { stemOf, uniqueFileName } from '../../../gateway/web/app/download/file-names.ts'
import { ocrObject, type FigureObject, type OcrObject } from '../../../gateway/wire/openai/ocr-object.ts'

const figure = (name: string, data: string): FigureObject => ({
  name,
  page: 1,
  media_type: 'image/png',
  data: Buffer.from(data).toString('base64'),
  width: 1,
  height: 1,
  box: [0, 0, 1, 1],
})

const ocr: OcrObject = ocrObject.parse({
  document: { sha256: 'a', media_type: 'application/pdf', pages: 1 },
  task: 'document',
  pages: [],
  figures: [
    figure('page-1-image-1.png', 'one'),
    figure('sub/Page-1-Image-1.PNG', 'two'),
    figure('größe 1.png', 'three'),
  ],
})

const result: ReadResult = {
  name: 'Größe\r\n.pdf',
  markdown:
    '![a](page-1-image-1.png)\n\n![b](sub/Page-1-Image-1.PNG "t") <img alt="" src="page-1-image-1.png">\n\n[page-1-image-1.png](x) ![c](other.png)\n',
  ocr,
}

describe('downloads', () => {
  it('are the Markdown as it came', async () => {
    const blob = asMarkdown(result)
    assert.equal(await blob.text(), result.markdown)
    assert.equal(blob.type, 'text/markdown;charset=utf-8')
  })

  it('are JSON with all that is known', async () => {
    const blob = asJson(result)
    assert.deepEqual(JSON.parse(await blob.text()), JSON.parse(JSON.stringify(result)))
    assert.equal(blob.type, 'application/json')
  })

  it('are a zip whose Markdown names its figures', async () => {
    const blob = await asZip(result)
    assert.equal(blob.type, 'application/zip')
    const files = unzipSync(new Uint8Array(await blob.arrayBuffer()))
    assert.deepEqual(Object.keys(files), [
      'Größe.md',
      'Größe.json',
      'figures/page-1-image-1.png',
      'figures/Page-1-Image-1-2.PNG',
      'figures/größe 1.png',
    ])
    assert.equal(strFromU8(files['figures/Page-1-Image-1-2.PNG']!), 'two')
    assert.equal(
      strFromU8(files['Größe.md']!),
      '![a](figures/page-1-image-1.png)\n\n![b](figures/Page-1-Image-1-2.PNG "t") <img alt="" src="figures/page-1-image-1.png">\n\n[page-1-image-1.png](x) ![c](other.png)\n',
    )
    const { ocr: facts } = JSON.parse(strFromU8(files['Größe.json']!)) as {
      ocr: { figures: Record<string, unknown>[] }
    }
    assert.deepEqual(
      facts.figures.map(({ file }) => file),
      Object.keys(files).slice(2),
    )
    assert.ok(facts.figures.every((each) => !('data' in each)))
  })

  it('are a zip of megabytes, and of nothing', async () => {
    const markdown = 'A line of text.\n'.repeat(300_000)
    const { figures: _, ...without } = ocr
    const large = unzipSync(new Uint8Array(await (await asZip({ name: 'a', markdown, ocr: without })).arrayBuffer()))
    assert.equal(strFromU8(large['a.md']!), markdown)
    const empty = unzipSync(new Uint8Array(await (await asZip({ name: '', markdown: '', ocr: without })).arrayBuffer()))
    assert.deepEqual(Object.keys(empty), ['document.md', 'document.json'])
  })
})

describe('names of files', () => {
  const rows: readonly [name: string, stem: string][] = [
    ['scan.pdf', 'scan'],
    ['a/b\\c.tar.gz', 'c.tar'],
    ['../../etc/passwd', 'passwd'],
    ['..', 'document'],
    ['.pdf', 'document'],
    ['CON.pdf', 'CON_'],
    ['a<b>:"|?*\u0000c.pdf', 'a b c'],
    ['invoice\u202Efdp.exe', 'invoice fdp'],
    ['Rechnung 3.12.2026', 'Rechnung 3.12'],
    ['发票.pdf', '发票'],
    ['e\u0301.pdf', 'é'],
    [' . a . .pdf', 'a'],
  ]
  for (const [name, stem] of rows) it(`are safe: ${JSON.stringify(name)}`, () => assert.equal(stemOf(name), stem))

  it('are no longer than file systems take, and never end in half a character', () => {
    const stem = stemOf('😀'.repeat(200))
    assert.ok(Buffer.byteLength(stem) <= 180 && stem.length > 80)
    assert.ok(stem.isWellFormed())
  })

  it('are unlike each other where letters are not told apart by their size', () => {
    const taken = new Set<string>()
    assert.deepEqual(
      ['a.png', 'A.PNG', 'a.png', 'b'].map((name) => uniqueFileName(name, taken)),
      ['a.png', 'A-2.PNG', 'a-3.png', 'b'],
    )
  })
})
