import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import { drawLetter } from '../../../fixtures/printed-page.ts'
import { faxImage, imageObject, jbig2Image, jpeg2000Image, type StoredImage } from '../../../fixtures/scan-pdf.ts'
import { drawBy } from '../../../support/scan-lane.ts'
import { pdfStream, writePdf } from '../../../support/write-pdf.ts'

/** Points, and pixels where the longest edge is as long: nothing lies a fraction of a pixel beside. */
const page = { width: 567, height: 800 }
const RGB = '/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode'
const GRAY = '/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode'
const paper = tinted({ width: 284, height: 400 }, (x, y) => [235 - (y >> 4), 225 - (x >> 4), 190])
const ink = tinted({ width: 213, height: 300 }, (x, y) => [x & 63, y & 127, 110])
const jbig2 = jbig2Image()
const fax = await faxImage(drawLetter())
const small = await faxImage(scaled())
const jpx = { ...jpeg2000Image(), entries: '/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /JPXDecode' }
const DRAW = `q ${page.width} 0 0 ${page.height} 0 0 cm`
const BOTH = `${DRAW} /Paper Do Q ${DRAW} /Ink Do Q`

interface Made {
  readonly content?: string
  readonly of?: { readonly paper?: StoredImage; readonly ink?: StoredImage; readonly mask?: StoredImage }
  /** More of the dictionaries. */
  readonly more?: { readonly paper?: string; readonly ink?: string; readonly mask?: string; readonly page?: string }
  readonly properties?: string
  readonly trailer?: string
}

describe('a page of images over each other', () => {
  const masked = { ink: '/SMask 8 0 R' }
  const inverted = { ...jbig2, entries: `${jbig2.entries} /Decode [1 0]` }
  const stencil = { ...fax, entries: fax.entries.replace(/\/ColorSpace \S+ /, '/ImageMask true ') }

  for (const { name, ...made } of [
    { name: 'through a soft mask in JBIG2', of: { mask: inverted } },
    { name: 'through a soft mask in CCITT group 4, the other way round', of: { mask: fax } },
    { name: 'through a stencil', of: { mask: stencil }, more: { ink: '/Mask 8 0 R' } },
    { name: 'where what is beneath is JPEG 2000', of: { mask: inverted, paper: jpx } },
    { name: 'where what is beneath is gray', of: { mask: inverted, paper: gray({ width: 284, height: 400 }) } },
    {
      name: 'where what is beneath is larger than wanted',
      of: { mask: inverted, paper: gray({ width: 900, height: 1300 }) },
    },
    {
      name: 'where one of them is much smaller, and says that it is to be smooth',
      of: { mask: inverted, ink: tinted({ width: 30, height: 40 }, () => [0, 40, 80]) },
      more: { ink: '/SMask 8 0 R /Interpolate true' },
    },
    {
      name: 'and below words that are not shown',
      of: { mask: inverted },
      content: `${BOTH} BT 3 Tr /F 20 Tf 50 50 Td (over) Tj ET`,
    },
  ] as (Made & { readonly name: string })[]) {
    it(`is painted as PDFium paints it, ${name}`, async () => {
      const bytes = layered({ more: masked, ...made })
      const [lane, drawn] = [await draw('auto', bytes), await draw('pdfium', bytes)]
      assert.equal(lane.rasterizer, 'scan')
      assertAlike(lane, drawn)
    })
  }

  for (const { name, ...made } of [
    { name: 'a mask of shades', of: { mask: gray(page) } },
    { name: 'a mask that is smaller than wanted', of: { mask: small } },
    { name: 'a colour that its mask was mixed with', more: { ...masked, mask: '/Matte [0 0 0]' } },
    { name: 'a colour that is left out', more: { ink: '/Mask [0 9 0 9 0 9]' } },
    { name: 'an entry nobody knows', more: { ink: '/SMask 8 0 R /Surprise true' } },
    { name: 'an image that covers a half', content: `${DRAW} /Paper Do Q q 284 0 0 800 0 0 cm /Ink Do Q` },
    { name: 'an image upside down', content: `${DRAW} /Paper Do Q q 567 0 0 -800 0 800 cm /Ink Do Q` },
    { name: 'an image that half shows', content: `${DRAW} /Paper Do Q q /G gs 567 0 0 800 0 0 cm /Ink Do Q` },
    { name: 'an image that blends', content: `${DRAW} /Paper Do Q q /M gs 567 0 0 800 0 0 cm /Ink Do Q` },
    { name: 'a clip', content: `q 0 0 284 800 re W n ${BOTH} Q` },
    { name: 'a turned page', more: { ...masked, page: '/Rotate 180' } },
    { name: 'text that is shown', content: `${BOTH} BT /F 20 Tf 50 50 Td (over) Tj ET` },
    {
      name: 'an annotation',
      more: { ...masked, page: '/Annots [<< /Type /Annot /Subtype /Square /Rect [9 9 99 99] /C [1 0 0] >>]' },
    },
    {
      name: 'JPEG 2000 of another size than the PDF says',
      of: { mask: inverted, paper: { ...jpx, width: 600, height: 840 } },
    },
    { name: 'steps between its pixels', of: { mask: inverted, paper: gray({ width: 40, height: 60 }) } },
    { name: 'an image of twice the size and more', of: { mask: inverted, paper: gray({ width: 1136, height: 1600 }) } },
  ] as (Made & { readonly name: string })[]) {
    it(`is left to PDFium with ${name}`, async () => {
      const bytes = layered({ more: masked, ...made })
      const [lane, drawn] = [await draw('auto', bytes), await draw('pdfium', bytes)]
      assert.equal(lane.rasterizer, 'pdfium')
      assertAlike(lane, drawn)
    })
  }

  for (const { name, ...of } of [
    { name: 'the mask', mask: { ...jbig2, data: jbig2.data.subarray(0, 900) } },
    { name: 'the mask, in CCITT group 4', mask: { ...fax, data: fax.data.subarray(0, 900) } },
    { name: 'an image', mask: inverted, ink: { ...ink, data: ink.data.subarray(0, 99) } },
  ]) {
    it(`is what PDFium makes of it where ${name} is damaged`, async () => {
      const bytes = layered({ more: masked, of })
      assertAlike(await draw('auto', bytes), await draw('pdfium', bytes))
    })
  }

  it('is left to PDFium where a later object has the number of the mask', async () => {
    const bytes = layered({ more: masked, of: { mask: inverted } })
    const appended = Buffer.concat([bytes, Buffer.from('8 0 obj\n'), imageObject(fax), Buffer.from('\nendobj\n')])
    assert.equal((await draw('auto', bytes)).rasterizer, 'scan')
    assert.equal((await draw('auto', appended)).rasterizer, 'pdfium')
  })

  it('is left to PDFium where the number of a stream cannot be read: it may be that of the mask', async () => {
    const bytes = layered({ more: masked, of: { mask: inverted } })
    const appended = Buffer.concat([bytes, Buffer.from('8%\n0\tobj\n'), imageObject(fax), Buffer.from('\nendobj\n')])
    assert.equal((await draw('auto', appended)).rasterizer, 'pdfium')
  })
})

describe('the layers of a document', () => {
  const configured = (configuration: string) => `/OCProperties << /OCGs [9 0 R 10 0 R] /D << ${configuration} >> >>`
  const none = configured('/Order [9 0 R 10 0 R] /ON [9 0 R 10 0 R] /OFF []')
  const off = configured('/OFF [9 0 R]')
  const member = (policy: string, groups = '[9 0 R 10 0 R]') => `<< /Type /OCMD /OCGs ${groups} ${policy} >>`

  for (const { name, layer, properties } of [
    { name: 'one that is on', layer: '9 0 R', properties: none },
    { name: 'one that is off', layer: '9 0 R', properties: off },
    { name: 'one that is not the one that is off', layer: '10 0 R', properties: off },
    { name: 'one of which the configuration says nothing', layer: '9 0 R', properties: configured('/Name (All)') },
    { name: 'any that is on', layer: member(''), properties: off },
    { name: 'any that is on, where none is', layer: member('/P /AnyOn', '[9 0 R]'), properties: off },
    { name: 'all that are on', layer: member('/P /AllOn'), properties: off },
    { name: 'all that are on, where all are', layer: member('/P /AllOn'), properties: none },
    { name: 'any that is off', layer: member('/P /AnyOff'), properties: off },
    { name: 'any that is off, where none is', layer: member('/P /AnyOff'), properties: none },
    { name: 'all that are off', layer: member('/P /AllOff'), properties: off },
    { name: 'all that are off, where all are', layer: member('/P /AllOff', '[9 0 R]'), properties: off },
  ]) {
    it(`hide images as in PDFium: ${name}`, async () => {
      const bytes = layered({
        of: { mask: jbig2 },
        more: { paper: `/OC ${layer}`, ink: '/SMask 8 0 R /OC 10 0 R' },
        properties,
      })
      const [lane, drawn] = [await draw('auto', bytes), await draw('pdfium', bytes)]
      assert.equal(lane.rasterizer, 'scan')
      assertAlike(lane, drawn)
    })
  }

  for (const { name, layer = '9 0 R', properties = none } of [
    { name: 'as an expression says', layer: '<< /Type /OCMD /VE [/Not 9 0 R] >>' },
    { name: 'as a printer or a screen does', layer: '11 0 R', properties: none.replace('[9', '[11 0 R 9') },
    { name: 'as a second configuration says', properties: none.replace('/D', '/Configs [<< /OFF [9 0 R] >>] /D') },
    { name: 'unless they are on', properties: configured('/BaseState /OFF /ON [9 0 R]') },
    { name: 'by their use', properties: configured('/AS [<< /Event /View /Category [/View] /OCGs [9 0 R] >>]') },
    { name: 'which the document does not list', layer: '12 0 R' },
    { name: 'of which it says nothing', properties: '' },
    { name: 'of which it says two things', properties: `${none} /Old << ${off} >>` },
  ]) {
    it(`are left to PDFium where they hide ${name}`, async () => {
      const bytes = layered({ of: { mask: jbig2 }, more: { paper: `/OC ${layer}`, ink: '/SMask 8 0 R' }, properties })
      assert.equal((await draw('auto', bytes)).rasterizer, 'pdfium')
    })
  }

  it('leave an image to be seen, or another one, as what is painted tells', async () => {
    const white = tinted({ width: 284, height: 400 }, () => [254, 254, 254])
    for (const under of [paper, white]) {
      const of = { mask: jbig2, paper: under }
      const bytes = layered({
        of,
        more: { paper: '/OC 9 0 R', ink: '/SMask 8 0 R /OC 10 0 R' },
        properties: configured('/OFF [9 0 R]').replace('/OFF [9 0 R]', '/OFF [11 0 R]'),
      })
      const [lane, drawn] = [await draw('auto', bytes), await draw('pdfium', bytes)]
      assert.equal(lane.rasterizer, 'scan')
      assert.deepEqual(lane.source, drawn.source)
      assert.equal(lane.source?.width, under === paper ? paper.width : ink.width)
    }
  })
})

/** Draws a page by a lane, and tells what of it is compared. */
async function draw(rasterizer: 'auto' | 'pdfium', bytes: Uint8Array) {
  return drawBy(rasterizer, bytes, { longestEdge: page.height })
}

type Drawn = Awaited<ReturnType<typeof draw>>

function assertAlike({ bitmap, source }: Drawn, { bitmap: other, source: otherSource }: Drawn): void {
  assert.deepEqual([bitmap.width, bitmap.height, bitmap.channels], [other.width, other.height, other.channels])
  let [sum, most] = [0, 0]
  for (const [index, level] of bitmap.pixels.entries()) {
    const apart = Math.abs(level - other.pixels[index]!)
    sum += apart
    most = Math.max(most, apart)
  }
  assert.ok(sum / bitmap.pixels.length < 0.5 && most <= 4, `${sum / bitmap.pixels.length} apart, ${most} at most`)
  assert.deepEqual(source, otherSource)
}

function layered({ content = BOTH, of = {}, more = {}, properties = '', trailer = '' }: Made): Buffer {
  return writePdf(
    [
      `<< /Type /Catalog /Pages 2 0 R ${properties} >>`,
      '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 567 800] /Contents 4 0 R ${more.page ?? ''} /Resources << /XObject << /Paper 6 0 R /Ink 7 0 R >> ` +
        '/Font << /F 5 0 R >> /ExtGState << /G << /ca 0.5 >> /M << /BM /Multiply >> >> >> >>',
      pdfStream(content),
      '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
      imageObject(of.paper ?? paper, more.paper),
      imageObject(of.ink ?? ink, more.ink),
      imageObject(of.mask ?? jbig2, more.mask),
      '<< /Type /OCG /Name (Paper) >>',
      '<< /Type /OCG /Name (Ink) >>',
      '<< /Type /OCG /Name (Used) /Usage << /View << /ViewState /OFF >> >> >>',
      '<< /Type /OCG /Name (Unlisted) >>',
    ],
    { trailer },
  )
}

function tinted(
  size: { width: number; height: number },
  colour: (x: number, y: number) => readonly number[],
): StoredImage {
  const { width, height } = size
  const pixels = Array.from({ length: width * height }, (_, at) => colour(at % width, Math.floor(at / width))).flat()
  return { data: deflateSync(Uint8Array.from(pixels)), width, height, entries: RGB }
}

function gray(size: { width: number; height: number }): StoredImage {
  const pixels = Uint8Array.from({ length: size.width * size.height }, (_, at) => 160 + (((at % size.width) >> 3) % 90))
  return { data: deflateSync(pixels), ...size, entries: GRAY }
}

function scaled() {
  const pixels = new Uint8Array(320 * 448).map((_, at) => (at % 50 < 20 ? 0 : 255))
  return { pixels, width: 320, height: 448, channels: 1 as const }
}
