import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openPdf } from '../../gateway/rasterizer/open-pdf.ts'
import { assertDrawnAsByPdfjs, difference, drawBy } from '../support/scan-lane.ts'
import { textLayerOf } from '../support/text-layer-of.ts'
import { readCorpus } from './read-corpus.ts'

const options = { password: null, maxImagePixels: 1e8, maxMemoryBytes: 1e9 }

describe('real PDFs', () => {
  for (const { name, path, size } of [
    { name: 'a page tree 3000 deep', path: 'robust/bomb-deep-page-tree-3000.pdf', size: null },
    { name: 'a damaged page box', path: 'real/corrupt-page-count-213804087.pdf', size: [612, 792] },
  ]) {
    it(`are drawn with pdf.js where PDFium does not understand them: ${name}`, async () => {
      await using pdf = await openPdf(readCorpus(`public/${path}`), 'auto', options)
      const { rasterizer, bitmap } = await pdf.draw(
        1,
        ({ width, height }) => ({ width, height }),
        () => false,
      )
      assert.equal(rasterizer, 'pdfjs')
      if (size !== null) assert.deepEqual([bitmap.width, bitmap.height], size)
    })
  }
})

describe('the scan lane, on real scans', () => {
  for (const { name, page = 1 } of [
    { name: 'scan-ccitt-epson' },
    { name: 'scan-two-column-paper-1977' },
    { name: 'scan-photo-of-signed-form' },
    { name: 'scan-newspaper-1898' },
    { name: 'scan-typewriter-2400dpi' },
    ...[1, 2, 3, 4].map((page) => ({ name: 'scan-jbig2-four-rotations', page })),
  ]) {
    it(`shows what pdf.js shows, where it shows it: ${name}, page ${page}`, { timeout: 60_000 }, async () => {
      await assertDrawnAsByPdfjs(readCorpus(`public/real/${name}.pdf`), page)
    })
  }
})

describe('the scan lane, on real scans in layers', () => {
  for (const { path, pages } of [
    { path: 'public/real/scan-book-jpx-jbig2-layers.pdf', pages: [1, 2, 3, 4, 5, 6] },
    { path: 'truth/olmocr-bench/olmocr-blank-book-pg1.pdf', pages: [1] },
    { path: 'truth/olmocr-bench/olmocr-small-page-size.pdf', pages: [1] },
  ]) {
    for (const page of pages)
      it(`paints them as PDFium does: ${path}, page ${page}`, { timeout: 60_000 }, async () => {
        const bytes = readCorpus(path)
        const [lane, drawn] = [await drawBy('auto', bytes, { page }), await drawBy('pdfium', bytes, { page })]
        assert.equal(lane.rasterizer, 'scan')
        const apart = await difference(lane.bitmap, drawn.bitmap)
        assert.ok(apart < 0.5, `${apart} of 255 off`)
        assert.deepEqual(lane.source, drawn.source)
        assert.deepEqual(lane.textLayer, drawn.textLayer)
      })
  }
})

describe('the text layer of a real page', () => {
  const layerOf = (file: string) => textLayerOf(readCorpus(`public/real/${file}`))

  it('leaves out what is drawn invisibly and shown by no picture', async () => {
    assert.equal((await layerOf('digital-invisible-text-layer.pdf'))?.text, 'Visible heading line')
  })

  it('leaves out what lies beside the page', async () => {
    assert.equal((await layerOf('geometry-cropbox-text-clipped.pdf'))?.text, 'world!\ndbye, world!')
  })

  it('is what an OCR once read, where it lies invisibly over a scan', async () => {
    const layer = await layerOf('scan-two-column-paper-1977.pdf')
    assert.match(layer?.text ?? '', /definition of new functional\nforms/)
    assert.equal(layer?.isOcr, true)
    assert.equal(layer.isWhole, true)
  })

  it('is not whole beside fields that may be filled in', async () => {
    assert.equal((await layerOf('form-acroform-prefilled-1040.pdf'))?.isWhole, false)
  })

  it('knows how much of it has no Unicode', async () => {
    const { unmapped = 0 } = (await layerOf('rtl-arabic-font-not-embedded-slide.pdf')) ?? {}
    assert.ok(unmapped > 0.5, `${unmapped}`)
  })
})
