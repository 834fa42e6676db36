import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openPdf, type PdfRasterizer } from '../../../gateway/rasterizer/open-pdf.ts'
import { targetSize } from '../../../gateway/page/target-size.ts'
import type { TextLayer } from '../../../gateway/page/text-layer.ts'
import { readCorpus } from '../../support/documents.ts'
import { makePdf } from '../../support/make-pdf.ts'

const budget = { longestEdge: 400, maxPixels: 400 * 400 }

async function layerOf(bytes: Uint8Array, rasterizer: PdfRasterizer = 'auto', page = 1): Promise<TextLayer | null> {
  await using document = await openPdf(bytes, rasterizer, {
    password: null,
    maxImagePixels: 50_000_000,
    maxMemoryBytes: 2 ** 30,
    reusesPixels: true,
  })
  const { textLayer = null } = await document.draw(
    page,
    (size) => targetSize(size, budget),
    () => false,
  )
  return textLayer
}

const lines = ['The first line of the page', 'and the second one, 1,234.50']

describe('the text layer of a page', () => {
  for (const rasterizer of ['pdfium', 'pdfjs', 'auto'] as const)
    it(`is what its text objects say, line by line: ${rasterizer}`, async () => {
      const layer = await layerOf(makePdf([{ lines }]), rasterizer)
      assert.equal(layer?.text, lines.join('\n'))
      assert.equal(layer.unmapped, 0)
      assert.equal(layer.isOcr, false)
    })

  for (const rotate of [0, 90, 180, 270] as const)
    it(`reads the same whichever way the page is turned: ${rotate}`, async () => {
      assert.equal((await layerOf(makePdf([{ lines, rotate }])))?.text, lines.join('\n'))
    })

  it('is none where the page has no text', async () => {
    assert.equal(await layerOf(makePdf([{}])), null)
  })

  it('is whole where PDFium has seen everything on the page, and never by pdf.js', async () => {
    assert.equal((await layerOf(makePdf([{ lines }]), 'pdfium'))?.isWhole, true)
    assert.equal((await layerOf(makePdf([{ lines }]), 'pdfjs'))?.isWhole, false)
  })

  it('leaves out what is drawn invisibly and shown by no picture', async () => {
    assert.equal(
      (await layerOf(readCorpus('public/real/digital-invisible-text-layer.pdf')))?.text,
      'Visible heading line',
    )
  })

  it('leaves out what lies beside the page', async () => {
    assert.equal(
      (await layerOf(readCorpus('public/real/geometry-cropbox-text-clipped.pdf')))?.text,
      'world!\ndbye, world!',
    )
  })

  it('is what an OCR once read, where it lies invisibly over a scan', async () => {
    const layer = await layerOf(readCorpus('public/real/scan-two-column-paper-1977.pdf'))
    assert.match(layer?.text ?? '', /definition of new functional\nforms/)
    assert.equal(layer?.isOcr, true)
    assert.equal(layer.isWhole, true)
  })

  it('is not whole beside fields that may be filled in', async () => {
    assert.equal((await layerOf(readCorpus('public/real/form-acroform-prefilled-1040.pdf')))?.isWhole, false)
  })

  it('knows how much of it has no Unicode', async () => {
    const { unmapped = 0 } = (await layerOf(readCorpus('public/real/rtl-arabic-font-not-embedded-slide.pdf'))) ?? {}
    assert.ok(unmapped > 0.5, `${unmapped}`)
  })
})
