import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PdfRasterizer } from '../../../gateway/rasterizer/open-pdf.ts'
import { addNoise, drawText } from '../../fixtures/printed-page.ts'
import { rawPdf } from '../../fixtures/raw-pdf.ts'
import { flateImage, imageObject, jpegImage, makeScan } from '../../fixtures/scan-pdf.ts'
import { textLayerOf } from '../../support/text-layer-of.ts'
import { pdfStream } from '../../support/write-pdf.ts'

const at = (x: number, y: number, text: string, size = 18, before = '') =>
  `BT ${before} /F1 ${size} Tf ${x} ${y} Td (${text}) Tj ET\n`
const shown = at(60, 700, 'To be seen')
const stripes = flateImage({
  pixels: Uint8Array.from({ length: 64 * 64 }, (_, pixel) => ((pixel >> 2) % 3) * 100),
  width: 64,
  height: 64,
  channels: 1,
})
const type3 = `<< /Type /Font /Subtype /Type3 /FontBBox [0 0 0 0] /FontMatrix [0.001 0 0 0.001 0 0] /FirstChar 65 /LastChar 65
/Widths [1000] /Encoding << /Type /Encoding /Differences [65 /A] >> /CharProcs << /A 9 0 R >> /ToUnicode 11 0 R >>`
const unicode = `/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def 1 begincodespacerange <00> <ff>
endcodespacerange 1 beginbfchar <41> <0041> endbfchar endcmap end end`

/** A page with the layers `/On` and `/Off`, the picture `/I`, the form `/Fm` at a hundredth of its size, and states. */
const page = (content: string, { entries = '', tree = '' } = {}) =>
  rawPdf({
    pages: [
      {
        content,
        entries,
        resources: `/Font << /F1 3 0 R /T3 8 0 R >> /Properties << /On 4 0 R /Off 5 0 R >> /XObject << /I 6 0 R /Fm 7 0 R /OffFm 12 0 R >>
/ExtGState << /Gone << /ca 0 >> /Half << /ca 0.5 >> /Over << /BM /Multiply >> /Masked << /SMask << /S /Luminosity /G 13 0 R >> >> >>`,
      },
    ],
    objects: [
      '<< /Type /OCG /Name (On) >>',
      '<< /Type /OCG /Name (Off) >>',
      imageObject(stripes),
      pdfStream(
        'BT /F1 30 Tf 6000 60000 Td (in a form) Tj ET',
        '/Type /XObject /Subtype /Form /BBox [0 0 60000 85000] /Matrix [0.01 0 0 0.01 0 0] /Resources << /Font << /F1 3 0 R >> >>',
      ),
      type3,
      pdfStream('1000 0 d0 100 0 800 700 re f'),
      '<< >>',
      pdfStream(unicode),
      pdfStream(
        at(60, 600, 'Geheim'),
        '/Type /XObject /Subtype /Form /BBox [0 0 600 850] /OC 5 0 R /Resources << /Font << /F1 3 0 R >> >>',
      ),
      pdfStream(
        '0 g 0 0 600 850 re f',
        '/Type /XObject /Subtype /Form /BBox [0 0 600 850] /Group << /S /Transparency /CS /DeviceGray >>',
      ),
    ],
    catalog: '/OCProperties << /OCGs [4 0 R 5 0 R] /D << /OFF [5 0 R] >> >>',
    tree,
  })

/** What is not on the page. The last column says whether pdf.js, which knows nothing of a text's colour, finds out. */
const hidden: readonly { name: string; content: string; pdfjs: boolean }[] = [
  { name: 'white', content: at(60, 600, 'Hidden', 18, '1 g'), pdfjs: true },
  { name: 'almost white', content: at(60, 600, 'Hidden', 18, '0.98 g'), pdfjs: true },
  { name: 'white over black lines', content: `${at(60, 700, 'Hidden', 18, '1 g')}0 g`, pdfjs: false },
  { name: 'of 0.4 points', content: at(60, 600, 'Hidden and so small', 0.4), pdfjs: true },
  { name: 'of 12 points, scaled', content: `q 0.03 0 0 0.03 0 0 cm ${at(2000, 20000, 'Hidden', 12)}Q`, pdfjs: true },
  { name: 'of 30 points, in a form that is scaled', content: '/Fm Do', pdfjs: true },
  { name: 'in a layer that is off', content: `/OC /Off BDC ${at(60, 600, 'Hidden')}EMC`, pdfjs: true },
  {
    name: 'in a layer that is off, where another one is on',
    content: `/OC /Off BDC ${at(60, 600, 'Geheim')}EMC /OC /On BDC ${at(60, 600, 'To read')}EMC`,
    pdfjs: false,
  },
  { name: 'clipped away', content: `q 60 500 100 20 re W n ${at(300, 505, 'Hidden')}Q`, pdfjs: true },
  {
    name: 'clipped away where other text is',
    content: `q 60 500 100 20 re W n ${at(60, 700, 'Hidden')}Q`,
    pdfjs: false,
  },
  { name: 'beside the page', content: at(-900, 600, 'Hidden'), pdfjs: true },
  { name: 'drawn invisibly over nothing', content: at(60, 600, 'Hidden', 18, '3 Tr'), pdfjs: true },
  { name: 'transparent', content: `q /Gone gs ${at(60, 600, 'Hidden')}Q`, pdfjs: true },
  { name: 'transparent over other text', content: `q /Gone gs ${at(60, 700, 'Hidden')}Q`, pdfjs: false },
  { name: 'under a black bar', content: `${at(60, 600, 'Hidden')}50 590 200 30 re f`, pdfjs: true },
  { name: 'under a tight black bar', content: `${at(60, 600, 'Hidden')}60 597 58 17 re f`, pdfjs: false },
  { name: 'black on a black bar', content: `50 590 200 30 re f ${at(60, 600, 'Hidden')}`, pdfjs: true },
  {
    name: 'painted over, and something else written there',
    content: `${at(60, 600, 'Hidden')}1 g 50 590 200 30 re f 0 g ${at(60, 600, 'Instead')}`,
    pdfjs: false,
  },
  { name: 'in a form whose layer is off', content: '/OffFm Do', pdfjs: true },
  {
    name: 'in a form whose layer is off, where other text is',
    content: `${at(60, 600, 'To read')}/OffFm Do`,
    pdfjs: false,
  },
  { name: 'masked over other text', content: `q /Masked gs ${at(60, 700, 'Hidden')}Q`, pdfjs: false },
  { name: 'behind a picture', content: `${at(60, 600, 'Hidden')}q 200 0 0 60 50 580 cm /I Do Q`, pdfjs: false },
]

/** What is on the page, however odd. */
const visible: readonly { name: string; content: string; text?: string }[] = [
  { name: 'white on a dark bar', content: `0.1 g 50 590 300 30 re f ${at(60, 600, 'Shown', 18, '1 g')}` },
  { name: 'light gray', content: at(60, 600, 'Shown', 18, '0.8 g') },
  { name: 'black in a coloured cell', content: `0.2 0.5 0.9 rg 50 590 40 30 re f ${at(52, 600, 'Shown', 12, '0 g')}` },
  { name: 'red on green', content: `0 0.6 0 rg 50 590 300 30 re f ${at(60, 600, 'Shown', 18, '0.9 0.1 0.1 rg')}` },
  { name: 'on a picture', content: `q 400 0 0 60 50 580 cm /I Do Q ${at(60, 600, 'Shown', 30, '1 0 0 rg')}` },
  { name: 'at a slant', content: 'BT /F1 18 Tf 0.7 0.7 -0.7 0.7 200 400 Tm (Shown) Tj ET' },
  { name: 'upwards', content: 'BT /F1 18 Tf 0 1 -1 0 200 400 Tm (Shown) Tj ET' },
  { name: 'a hyphen alone', content: at(60, 600, '-', 9), text: '-' },
  { name: 'dots', content: at(60, 600, '.............', 9), text: '.............' },
  { name: 'only its outline', content: at(60, 600, 'Shown', 24, '1 Tr 1 g 0 G') },
  { name: 'written twice', content: `${at(60, 600, 'Shown')}${at(60.3, 600, 'Shown')}` },
  {
    name: 'written twice at the same place within a clip',
    content: `q 0 0 500 800 re W n ${at(60, 600, 'Shown')}${at(60, 600, 'Shown')}Q`,
  },
  { name: 'in a layer that is on', content: `/OC /On BDC ${at(60, 600, 'Shown')}EMC` },
  { name: 'tagged', content: `/Span << /MCID 0 >> BDC ${at(60, 600, 'Shown')}EMC` },
  { name: 'within a clip', content: `q 50 590 200 40 re W n ${at(60, 600, 'Shown')}Q` },
  { name: 'highlighted', content: `${at(60, 600, 'Shown')}q /Over gs 1 1 0 rg 50 590 200 30 re f Q` },
  { name: 'beneath a veil', content: `${at(60, 600, 'Shown')}q /Half gs 1 g 50 590 200 30 re f Q` },
  { name: 'beneath a frame', content: `${at(60, 600, 'Shown')}50 590 200 30 re S` },
  { name: 'half transparent', content: `q /Half gs ${at(60, 600, 'Shown')}Q` },
  { name: 'in a font without boxes', content: 'BT /T3 18 Tf 60 600 Td (AAA) Tj ET', text: 'AAA' },
  { name: 'of 5 points', content: at(60, 600, 'Shown small', 5), text: 'Shown small' },
]

const read = async (bytes: Uint8Array, rasterizer: PdfRasterizer) =>
  (await textLayerOf(bytes, rasterizer, 800))?.text ?? ''
const withoutSpace = (text: string) => text.replaceAll(/\s/g, '')

describe('text that a page does not show', () => {
  for (const rasterizer of ['auto', 'pdfium', 'pdfjs'] as const)
    for (const { name, content, pdfjs } of hidden)
      if (rasterizer !== 'pdfjs' || pdfjs)
        it(`is in no text layer: ${name}, by ${rasterizer}`, async () => {
          const text = await read(page(shown + content), rasterizer)
          assert.equal(text.replace(/\s*(?:Instead|To read)/, ''), 'To be seen')
        })

  for (const rotate of [90, 180, 270])
    it(`is in no text layer, however the page is turned: ${rotate}`, async () => {
      const entries = `/Rotate ${rotate} /MediaBox [0 0 600 850] /CropBox [40 50 590 800]`
      for (const { name, content } of hidden) {
        const text = await read(page(shown + content, { entries }), 'auto')
        assert.match(text, /To be seen/, name)
        assert.doesNotMatch(text, /Hidden|Geheim/, name)
      }
    })

  it('is left out where only a part of a line can be seen', async () => {
    for (const content of [
      `${at(60, 600, 'Part of this is not to be read')}158 590 300 30 re f`,
      `q 60 590 95 40 re W n ${at(60, 600, 'Part of this is not to be read')}Q`,
      `${at(60, 600, 'Part of this is not to be read')}q 300 0 0 40 158 590 cm /I Do Q`,
    ]) {
      const text = await read(page(shown + content), 'auto')
      assert.match(text, /^To be seen\nPart of this ?(?:is?)?$/)
    }
  })

  it('is what lies under an opaque annotation', async () => {
    const box = (rect: string) =>
      `/Annots [<< /Type /Annot /Subtype /Square /Rect [${rect}] /IC [0 0 0] /C [0 0 0] /F 4 >>]`
    for (const rect of ['50 590 200 630', '59 596 119 615'])
      assert.equal(await read(page(shown + at(60, 600, 'Hidden'), { entries: box(rect) }), 'auto'), 'To be seen')
  })

  it('is what lies over the blank of a scan: an OCR layer needs ink beneath its words', async () => {
    const image = await jpegImage(addNoise(drawText(), 6))
    const layer = await textLayerOf(
      makeScan([{ image, layer: ['The first line', ...Array<string>(45).fill(''), 'The last'] }]),
      'auto',
      1540,
    )
    assert.deepEqual([layer?.isOcr, layer?.text.includes('The first line')], [true, true])
    const blank = await jpegImage({ pixels: new Uint8Array(600 * 800).fill(250), width: 600, height: 800, channels: 1 })
    assert.equal(await textLayerOf(makeScan([{ image: blank, layer: ['Nothing is there'] }]), 'auto', 1540), null)
  })
})

describe('text that a page shows', () => {
  for (const rasterizer of ['auto', 'pdfjs'] as const)
    for (const { name, content, text = 'Shown' } of visible)
      it(`is in its text layer: ${name}, by ${rasterizer}`, async () => {
        assert.ok(withoutSpace(await read(page(shown + content), rasterizer)).includes(withoutSpace(text)))
      })
})
