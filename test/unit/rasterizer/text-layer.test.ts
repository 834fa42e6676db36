import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addNoise, drawText } from '../../fixtures/printed-page.ts'
import { rawPdf } from '../../fixtures/raw-pdf.ts'
import { jpegImage, makeScan } from '../../fixtures/scan-pdf.ts'
import { makePdf } from '../../support/make-pdf.ts'
import { textLayerOf } from '../../support/text-layer-of.ts'

const lines = ['The first line of the page', 'and the second one, 1,234.50']

/** A page of such content, in Helvetica as `/F1`. */
const page = (content: string, entries = '') => rawPdf({ pages: [{ content, entries }] })

describe('the text layer of a page', () => {
  for (const rasterizer of ['pdfium', 'pdfjs', 'auto'] as const)
    it(`is what its text objects say, line by line: ${rasterizer}`, async () => {
      const layer = await textLayerOf(makePdf([{ lines }]), rasterizer)
      assert.equal(layer?.text, lines.join('\n'))
      assert.equal(layer.unmapped, 0)
      assert.equal(layer.isOcr, false)
    })

  for (const rotate of [0, 90, 180, 270] as const)
    it(`reads the same whichever way the page is turned: ${rotate}`, async () => {
      assert.equal((await textLayerOf(makePdf([{ lines, rotate }])))?.text, lines.join('\n'))
    })

  it('is none where the page has no text', async () => {
    assert.equal(await textLayerOf(makePdf([{}])), null)
  })

  it('is whole where PDFium has seen everything on the page, and never by pdf.js', async () => {
    assert.equal((await textLayerOf(makePdf([{ lines }]), 'pdfium'))?.isWhole, true)
    assert.equal((await textLayerOf(makePdf([{ lines }]), 'pdfjs'))?.isWhole, false)
  })

  it('leaves out what is drawn invisibly and shown by no picture', async () => {
    const content = 'BT /F1 20 Tf 50 700 Td (To be seen) Tj ET BT 3 Tr /F1 20 Tf 50 600 Td (Not to be seen) Tj ET'
    assert.equal((await textLayerOf(page(content)))?.text, 'To be seen')
  })

  it('leaves out what lies beside the page', async () => {
    const content =
      'BT /F1 20 Tf 10 60 Td (over the edge) Tj 0 -30 Td (left out in the margin) Tj 0 170 Td (at the top) Tj ET'
    const boxes = '/MediaBox [0 0 400 400] /CropBox [53 50 350 150]'
    assert.equal((await textLayerOf(page(content, boxes)))?.text, 'the edge')
  })

  it('is what an OCR once read, where it lies invisibly over a scan', async () => {
    const image = await jpegImage(addNoise(drawText(), 6))
    const layer = await textLayerOf(makeScan([{ image, layer: lines }]))
    assert.equal(layer?.text, lines.join('\n'))
    assert.equal(layer.isOcr, true)
    assert.equal(layer.isWhole, true)
  })

  it('is not whole beside fields that may be filled in', async () => {
    const field = '<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Ada) /F 4 /Rect [50 600 200 620] >>'
    const pdf = rawPdf({
      pages: [{ content: 'BT /F1 20 Tf 50 700 Td (Name) Tj ET', entries: '/Annots [4 0 R]' }],
      objects: [field],
      catalog: '/AcroForm << /Fields [4 0 R] >>',
    })
    const layer = await textLayerOf(pdf)
    assert.deepEqual([layer?.text, layer?.isWhole], ['Name', false])
  })

  it('knows how much of it has no Unicode', async () => {
    const { unmapped = 0 } = (await textLayerOf(unmappedPage())) ?? {}
    assert.ok(unmapped > 0.5, `${unmapped}`)
  })
})

/** Half of its words, and more, are glyphs by numbers of their font's own. */
function unmappedPage(): Buffer {
  const descriptor =
    '/FontDescriptor << /Type /FontDescriptor /FontName /Own /Flags 4 /StemV 80 /FontBBox [0 0 1000 1000] >>'
  const font = `<< /Type /Font /Subtype /Type0 /BaseFont /Own /Encoding /Identity-H /DescendantFonts [<< /Type /Font
/Subtype /CIDFontType2 /BaseFont /Own /DW 600 ${descriptor} /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>] >>`
  const content = 'BT /Own 20 Tf 50 700 Td <0021002200230024002500260027> Tj ET BT /F1 20 Tf 50 600 Td (few) Tj ET'
  return rawPdf({ pages: [{ content, resources: `/Font << /F1 3 0 R /Own 4 0 R >>` }], objects: [font] })
}
