import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import type { Bitmap } from '../../../../gateway/prepare/bitmap.ts'
import { addNoise, drawColumns, drawLetter, drawText, resize, turn } from '../../../fixtures/printed-page.ts'
import { faxImage, flateImage, jbig2Image, jpegImage, makeScan, photoImage } from '../../../fixtures/scan-pdf.ts'
import type { ScannedPage } from '../../../fixtures/scan-pdf.ts'
import { assertDrawnAsByPdfjs, difference, drawBy, grayOf } from '../../../support/scan-lane.ts'

/** Four different quarters with a text-like grid, so that no turn or mirror looks like another. */
const width = 640
const height = 480
const gray = Uint8Array.from({ length: width * height }, (_, index) => {
  const [x, y] = [index % width, Math.floor(index / width)]
  const quarter = (x < width / 2 ? 0 : 1) + (y < height / 2 ? 0 : 2)
  return (x >> 3) % 3 === 0 && (y >> 4) % 2 === 0 ? 20 : 90 + quarter * 50
})
const jpeg = await sharp(gray, { raw: { width, height, channels: 1 } })
  .toColourspace('b-w')
  .jpeg({ quality: 95 })
  .toBuffer()
const cmyk = await sharp(jpeg).toColourspace('cmyk').jpeg().toBuffer()

const JPEG = '/ColorSpace /DeviceGray /Filter /DCTDecode'
const flate = { image: deflateSync(gray), entries: '/ColorSpace /DeviceGray /Filter /FlateDecode' }
const fax = await faxImage({ pixels: gray, width, height, channels: 1 })
const group4 = { image: fax.data, entries: fax.entries.replace('/BitsPerComponent 1', '') }
const DRAW = '160 0 0 120 0 0 cm /I Do'
const TEXT = 'BT /F 20 Tf 25 52 Td (over) Tj ET'
const FONT = '/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>'

const scans: readonly { name: string; scan: () => Promise<ScannedPage[]>; pages?: number }[] = [
  { name: 'CCITT group 4', scan: async () => [{ image: await faxImage(await enlarged(drawLetter())) }] },
  { name: 'a gray JPEG, two columns', scan: async () => [{ image: await jpegImage(addNoise(drawColumns(), 6)) }] },
  { name: 'gray with Flate', scan: async () => [{ image: flateImage(await enlarged(addNoise(drawColumns(), 4))) }] },
  { name: 'a photo in colour, askew', scan: async () => [{ image: await photoImage(await turn(drawLetter(), 3)) }] },
  {
    name: 'a newspaper of 16 by 27 inches',
    scan: async () => [
      {
        image: await jpegImage(await resize(drawText({ size: 12, lines: 80 }), 1800, 2924)),
        width: 1183,
        height: 1921,
      },
    ],
  },
  {
    name: 'a scrap at 2400 dots per inch',
    scan: async () => [
      { image: await jpegImage(await resize(drawText({ lines: 12 }), 4000, 2864)), width: 120, height: 85.92 },
    ],
  },
  {
    name: 'JBIG2 in four directions',
    scan: async () => ([0, 90, 180, 270] as const).map((rotate) => ({ image: jbig2Image(), rotate })),
    pages: 4,
  },
]

/** As large as a scanner makes it. */
function enlarged(page: Bitmap): Promise<Bitmap> {
  return resize(page, 1664, 2352)
}

describe('the scan lane', () => {
  for (const { name, scan, pages = 1 } of scans) {
    for (let page = 1; page <= pages; page++)
      it(`shows what pdf.js shows, where it shows it: ${name}, page ${page}`, { timeout: 60_000 }, async () => {
        await assertDrawnAsByPdfjs(makeScan(await scan()), page)
      })
  }

  for (const [x, y] of [
    [1, 1],
    [-1, 1],
    [1, -1],
    [-1, -1],
  ] as const) {
    for (const turned of [false, true]) {
      for (const rotate of [0, 90, 180, 270]) {
        const name = `${turned ? 'standing' : 'lying'}, ${x < 0 ? 'mirrored' : 'straight'}, ${y < 0 ? 'upside down' : 'upright'}, /Rotate ${rotate}`
        it(`turns an image as the page does: ${name}`, async () => {
          const [left, bottom] = [x < 0 ? 160 : 0, y < 0 ? 120 : 0]
          const matrix = turned ? `0 ${120 * y} ${160 * x} 0` : `${160 * x} 0 0 ${120 * y}`
          await agrees(scanPdf({ content: `${matrix} ${left} ${bottom} cm /I Do`, page: `/Rotate ${rotate}` }))
        })
      }
    }
  }

  for (const { name, ...pdf } of [
    { name: 'below invisible text', content: `q ${DRAW} Q BT 3 Tr /F 20 Tf (over) Tj ET` },
    { name: 'over text that it hides', content: `${TEXT} ${DRAW}` },
    { name: 'in a clip as large as the page', content: `0 0 160 120 re W n ${DRAW}` },
    { name: 'in a clip that leaves a margin', content: `0 0 160 120 re W n 2 3 157 115 re W n ${DRAW}` },
    {
      name: 'in a clip that leaves a margin of a turned page',
      content: `2 3 157 115 re W n ${DRAW}`,
      page: '/Rotate 90',
    },
    { name: 'larger than its page', content: '170 0 0 130 -6 -4 cm /I Do' },
    { name: 'larger than its crop box', page: '/CropBox [8 4 156 118]' },
    { name: 'in a colour space of its own object', entries: '/ColorSpace 7 0 R /Filter [/DCTDecode]' },
    { name: 'stored with Flate', ...flate },
    {
      name: 'stored with Flate and a predictor',
      image: deflateSync(withRowFilter()),
      entries: `/ColorSpace /DeviceGray /Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns ${width} >>`,
    },
  ] as Named[]) {
    it(`takes an image ${name}`, () => agrees(scanPdf(pdf)))
  }

  for (const { name, ...pdf } of [
    { name: 'a stamp on top of which half shows', content: `q ${DRAW} Q /G gs 1 0 0 rg 20 45 60 30 re f` },
    { name: 'a stamp on top that blends', content: `q ${DRAW} Q /M gs 1 0 0 rg 20 45 60 30 re f` },
    {
      name: 'text on top, and is decoded by PDFium',
      content: `q ${DRAW} Q ${TEXT}`,
      image: deflateSync(withRowFilter()),
      entries: `/ColorSpace /DeviceGray /Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns ${width} >>`,
    },
    { name: 'a layer around it, and text on top', content: `/OC /L BDC q ${DRAW} Q EMC ${TEXT}` },
    {
      name: 'an annotation on top',
      page: '/Annots [<< /Type /Annot /Subtype /Square /Rect [9 9 99 99] /C [1 0 0] >>]',
    },
    { name: 'a soft mask', entries: `${JPEG} /SMask 8 0 R` },
    { name: 'inverted values', entries: `${JPEG} /Decode [1 0]` },
    { name: 'an entry nobody knows', entries: `${JPEG} /Surprise true` },
    { name: 'four channels', image: cmyk, entries: '/ColorSpace /DeviceCMYK /Filter /DCTDecode' },
    { name: 'a palette', entries: '/ColorSpace [/Indexed /DeviceRGB 1 <000000ffffff>] /Filter /DCTDecode' },
    { name: 'a size other than its JPEG', entries: `${JPEG} /Height 481` },
    { name: 'a skew', content: '160 4 -4 120 0 0 cm /I Do' },
    { name: 'a bare edge', content: '150 0 0 120 0 0 cm /I Do' },
    { name: 'a clip that cuts', content: `0 0 80 120 re W n ${DRAW}` },
    { name: 'a clip beside which text shows', content: `q ${TEXT} Q 2 3 157 115 re W n ${DRAW}` },
    { name: 'a clip that is no rectangle', content: `-9 -9 m 400 -9 l 400 400 l 10 300 l W n ${DRAW}` },
    { name: 'half its opacity', content: `/G gs ${DRAW}` },
    { name: 'a layer around it', content: `/OC /L BDC ${DRAW} EMC` },
  ] as Named[]) {
    it(`leaves an image to the rasterizer that has ${name}`, async () => {
      const [drawing, drawn] = [await drawBy('auto', scanPdf(pdf), small), await drawBy('pdfium', scanPdf(pdf), small)]
      assert.equal(drawing.rasterizer, 'pdfium')
      assert.deepEqual(Buffer.from(drawing.bitmap.pixels), Buffer.from(drawn.bitmap.pixels))
    })
  }

  for (const { name, ...pdf } of [
    { name: 'a page number', content: `q ${DRAW} Q ${TEXT}` },
    { name: 'a page number on an image with Flate', content: `q ${DRAW} Q ${TEXT}`, ...flate },
    { name: 'a page number on an image with CCITT group 4', content: `q ${DRAW} Q ${TEXT}`, ...group4 },
    { name: 'a page number over one beneath the image', content: `BT /F 40 Tf (under) Tj ET q ${DRAW} Q ${TEXT}` },
    { name: 'a coloured stamp', content: `q ${DRAW} Q 1 0 0 rg 20 45 60 30 re f` },
    { name: 'a white patch', content: `q ${DRAW} Q 1 g 20 45 60 30 re f` },
    { name: 'a small image', content: `q ${DRAW} Q 40 0 0 30 20 45 cm /I Do` },
    { name: 'a page number on a turned page', content: `q ${DRAW} Q ${TEXT}`, page: '/Rotate 90', isTurned: true },
  ] as Covered[]) {
    it(`draws what lies over a scan: ${name}`, async () => {
      const [bare, covered] = [scanPdf({ ...pdf, content: DRAW }), scanPdf(pdf)]
      const [lane, scan, drawn] = [
        await drawBy('auto', covered, small),
        await drawBy('auto', bare, small),
        await drawBy('pdfium', covered, small),
      ]
      assert.equal(lane.rasterizer, 'pdfium')
      assert.equal(scan.rasterizer, 'scan')
      const off = await difference(lane.bitmap, drawn.bitmap)
      assert.ok(off < 9, `${off} of 255 off`)
      const [outside, inside] = await changes(lane.bitmap, scan.bitmap, pdf.isTurned === true)
      assert.equal(outside, 0, 'beside what was painted, the pixels are the scan lane’s')
      assert.ok(inside > 50, `only ${inside} pixels show what lies over the scan`)
    })
  }

  it('leaves a damaged image to the rasterizer', async () => {
    const cut = jpeg.subarray(0, jpeg.length / 2)
    assert.equal((await drawBy('auto', scanPdf({ image: cut }), small)).rasterizer, 'pdfium')
  })

  it('refuses an image of more pixels than are decoded', async () => {
    const maxImagePixels = width * height - 1
    await assert.rejects(drawBy('auto', scanPdf({}), { longestEdge: 300, maxImagePixels }), { code: 'page_too_large' })
  })
})

const small = { longestEdge: 300 }

async function agrees(pdf: Buffer) {
  const [lane, drawn] = [await drawBy('auto', pdf, small), await drawBy('pdfium', pdf, small)]
  assert.equal(lane.rasterizer, 'scan')
  const off = await difference(lane.bitmap, drawn.bitmap)
  assert.ok(off < 9, `${off} of 255 off`)
}

type Covered = Named & { readonly isTurned?: boolean }

/**
 * Counts the pixels of a drawing that differ from another one, outside and inside of the box from 20, 45 to 80, 75 points,
 * a pixel around it included.
 */
async function changes(one: Bitmap, other: Bitmap, isTurned: boolean): Promise<readonly [number, number]> {
  const [a, b] = [await grayOf(one), await grayOf(other)]
  const scale = Math.max(one.width, one.height) / 160
  const box = isTurned ? { left: 45, top: 20, right: 75, bottom: 80 } : { left: 20, top: 45, right: 80, bottom: 75 }
  const found: [number, number] = [0, 0]
  for (let at = 0; at < a.length; at++) {
    const [x, y] = [at % one.width, Math.floor(at / one.width)]
    const isInside =
      x >= box.left * scale - 2 && x <= box.right * scale + 2 && y >= box.top * scale - 2 && y <= box.bottom * scale + 2
    if (Math.abs(a[at]! - b[at]!) > 0) found[isInside ? 1 : 0]++
  }
  return found
}

/** Each row behind a filter of PNG: 0, none. */
function withRowFilter(): Uint8Array {
  const rows = new Uint8Array((width + 1) * height)
  for (let y = 0; y < height; y++) rows.set(gray.subarray(y * width, (y + 1) * width), y * (width + 1) + 1)
  return rows
}

interface ScanPdf {
  readonly content?: string
  readonly page?: string
  readonly image?: Uint8Array
  readonly entries?: string
}

type Named = ScanPdf & { readonly name: string }

/** A page of 160 × 120 points; readers rebuild the missing table. */
function scanPdf({ content = DRAW, page = '', image = jpeg, entries = JPEG }: ScanPdf): Buffer {
  const size = entries.includes('/Height') ? `/Width ${width}` : `/Width ${width} /Height ${height}`
  const resources = `/XObject << /I 5 0 R >> ${FONT} /ExtGState << /G << /ca 0.5 >> /M << /BM /Multiply >> >> /Properties << /L 6 0 R >>`
  return Buffer.concat([
    Buffer.from(
      `%PDF-1.6
1 0 obj << /Type /Catalog /Pages 2 0 R /OCProperties << /OCGs [6 0 R] /D << /OFF [6 0 R] >> >> >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj
3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 160 120] ${page} /Contents 4 0 R /Resources << ${resources} >> >> endobj
4 0 obj << /Length ${content.length} >> stream
${content}
endstream endobj
6 0 obj << /Type /OCG /Name (L) >> endobj
7 0 obj /DeviceGray endobj
8 0 obj << /Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray /Length 1 >> stream
\x80
endstream endobj
5 0 obj << /Type /XObject /Subtype /Image ${size} /BitsPerComponent 8 ${entries} /Length ${image.length} >> stream
`,
      'latin1',
    ),
    image,
    Buffer.from('\nendstream endobj\ntrailer << /Root 1 0 R >>'),
  ])
}
