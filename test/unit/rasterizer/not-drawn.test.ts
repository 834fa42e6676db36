import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isWhite } from '../../../gateway/prepare/bitmap.ts'
import { finishPage } from '../../../gateway/rasterizer/finish-page.ts'
import { flateImage, imageObject, type StoredImage } from '../../fixtures/scan-pdf.ts'
import { drawNumbered } from '../../fixtures/printed-page.ts'
import { rawPdf } from '../../fixtures/raw-pdf.ts'
import { drawBy } from '../../support/scan-lane.ts'
import { pdfStream } from '../../support/write-pdf.ts'

const budget = { longestEdge: 1540, maxPixels: 1540 * 1540 }
const lanes = ['auto', 'pdfium', 'pdfjs'] as const

async function draw(lane: (typeof lanes)[number], pdf: Uint8Array, longestEdge = 500) {
  const drawing = await drawBy(lane, pdf, { longestEdge })
  const { warnings, blank } = await finishPage(drawing, { mediaType: 'image/png', pixelBudget: budget })
  return { warnings, blank, isWhite: isWhite({ ...drawing.bitmap, pixels: withoutAlpha(drawing.bitmap) }), drawing }
}

function withoutAlpha({ pixels, channels }: { pixels: Uint8Array; channels: number }): Uint8Array {
  return channels === 4 ? pixels.filter((_, index) => index % 4 !== 3) : pixels
}

const rect = '/Rect [72 500 300 560]'
const quads = '/QuadPoints [72 560 300 560 72 500 300 500]'
const red = '/C [1 0 0]'

describe('an annotation without an appearance', () => {
  const annotated = (entries: string, flags = 4) =>
    rawPdf({
      pages: [{ entries: '/Annots [4 0 R]' }],
      objects: [
        `<< /Type /Annot ${entries} /F ${flags} >>`,
        pdfStream('1 0 0 rg 0 0 50 50 re f', '/Subtype /Form /BBox [0 0 50 50]'),
      ],
    })
  for (const lane of lanes)
    for (const { name, entries } of [
      { name: 'a text box', entries: `/Subtype /FreeText ${rect} /DA (/Helv 18 Tf 1 0 0 rg) /Contents (approved)` },
      { name: 'a line', entries: `/Subtype /Line ${rect} /L [80 510 290 550] ${red}` },
      { name: 'a rectangle', entries: `/Subtype /Square ${rect} ${red}` },
      { name: 'a circle', entries: `/Subtype /Circle ${rect} ${red}` },
      { name: 'a polygon', entries: `/Subtype /Polygon ${rect} ${red} /Vertices [80 510 200 550 290 510]` },
      { name: 'handwriting', entries: `/Subtype /Ink ${rect} ${red} /InkList [[80 510 200 550 290 510]]` },
      { name: 'a highlight', entries: `/Subtype /Highlight ${rect} ${quads} /C [1 1 0]` },
      { name: 'a strike', entries: `/Subtype /StrikeOut ${rect} ${quads} ${red}` },
      { name: 'an insertion', entries: `/Subtype /Caret ${rect} ${red}` },
      { name: 'a stamp', entries: `/Subtype /Stamp ${rect} /Name /Approved` },
      { name: 'a watermark', entries: `/Subtype /Watermark ${rect}` },
      { name: 'a stamp between other corners', entries: '/Subtype /Stamp /Rect [300 560 72 500]' },
      { name: 'a stamp that has one', entries: `/Subtype /Stamp ${rect} /AP << /N 5 0 R >>` },
    ])
      it(`is drawn, or said not to be: ${name}, by ${lane}`, async () => {
        const { isWhite, warnings } = await draw(lane, annotated(entries))
        assert.deepEqual(
          warnings.map(({ code }) => code).filter((code) => code !== 'page_skewed'),
          isWhite ? ['annotation_not_drawn'] : [],
        )
      })

  for (const lane of lanes)
    for (const { name, entries, flags } of [
      { name: 'hidden', entries: `/Subtype /Stamp ${rect}`, flags: 2 },
      { name: 'not for viewers', entries: `/Subtype /Stamp ${rect}`, flags: 32 },
      { name: 'of no size', entries: '/Subtype /Stamp /Rect [0 0 0 0]', flags: 4 },
      { name: 'beside the page', entries: '/Subtype /Stamp /Rect [-200 -200 -100 -100]', flags: 4 },
      { name: 'a link', entries: `/Subtype /Link ${rect} /Border [0 0 0]`, flags: 4 },
      { name: 'the window of a note', entries: `/Subtype /Popup ${rect}`, flags: 4 },
      { name: 'a file', entries: `/Subtype /FileAttachment ${rect}`, flags: 4 },
    ])
      it(`is not missed: ${name}, by ${lane}`, async () => {
        assert.deepEqual((await draw(lane, annotated(entries, flags))).warnings, [])
      })

  for (const lane of ['auto', 'pdfium'] as const)
    it(`is left out where there are more than any page has: by ${lane}`, async () => {
      const stamp = '<< /Type /Annot /Subtype /Stamp /Rect [0 0 9 9] /AP << /N 4 0 R >> >> '
      const appearance = pdfStream('1 0 0 rg 0 0 9 9 re f', '/Subtype /Form /BBox [0 0 9 9]')
      const pdf = (count: number) =>
        rawPdf({ pages: [{ entries: `/Annots [${stamp.repeat(count)}]` }], objects: [appearance] })
      const { isWhite, warnings } = await draw(lane, pdf(20_001))
      assert.deepEqual([isWhite, warnings.length], [true, 1])
      assert.match(warnings[0]!.message, /^The page has 20001 annotations, of which at most 20000 are drawn/)
      assert.equal((await draw(lane, pdf(300))).isWhite, false)
    })

  it('says how many there are', async () => {
    const stamp = `<< /Type /Annot /Subtype /Stamp ${rect} /F 4 >>`
    const pdf = rawPdf({ pages: [{ entries: `/Annots [${stamp} ${stamp}]` }] })
    assert.match((await draw('auto', pdf)).warnings[0]?.message ?? '', /^2 annotations on the page \(stamp\) have no/)
  })
})

/** 100 dots per inch on A4. */
const scan = flateImage(drawNumbered(7))

/** A page that shows a scan in some way, and one that is in a layer that is off. */
const layered = (content: string, image: StoredImage = scan) =>
  rawPdf({
    pages: [
      {
        content,
        resources:
          '/XObject << /Off 5 0 R /OffForm 6 0 R /On 7 0 R /Form 8 0 R /Group 9 0 R >> /Properties << /Off 4 0 R >>',
      },
    ],
    objects: [
      '<< /Type /OCG /Name (Off) >>',
      imageObject(image, '/OC 4 0 R'),
      form('/On Do', '/OC 4 0 R'),
      imageObject(image),
      form('/OffForm Do'),
      form('/On Do', '/OC << /Type /OCMD /OCGs [4 0 R] /P /AllOn >>'),
    ],
    catalog: '/OCProperties << /OCGs [4 0 R] /D << /OFF [4 0 R] >> >>',
  })
const form = (content: string, entries = '') =>
  pdfStream(
    content,
    `/Type /XObject /Subtype /Form /BBox [0 0 1 1] ${entries} /Resources << /XObject << /On 7 0 R /OffForm 6 0 R >> >>`,
  )
const full = (name: string) => `q 595 0 0 842 0 0 cm /${name} Do Q `

describe('a picture that nobody sees', () => {
  const line = '0.5 w 60 700 m 500 700 l S 60 690 400 3 re f 100 400 30 40 re f '
  for (const lane of lanes)
    for (const { name, content } of [
      { name: 'in a layer that is off', content: full('Off') },
      { name: 'in a form whose layer is off', content: full('OffForm') },
      { name: 'in a form in a form whose layer is off', content: full('Form') },
      { name: 'in a form whose layers are not all on', content: full('Group') },
      { name: 'in marked content of a layer that is off', content: `/OC /Off BDC ${full('On')}EMC ` },
      { name: 'clipped away', content: `q 10 10 20 20 re W n ${full('On')}Q ` },
      { name: 'beside the page', content: 'q 595 0 0 842 700 0 cm /On Do Q ' },
    ]) {
      it(`is on no page and in no warning: ${name}, by ${lane}`, async () => {
        const { warnings, blank } = await draw(lane, layered(content))
        assert.deepEqual([warnings, blank], [[], true])
      })

      it(`is in no warning beside what is seen: ${name}, by ${lane}`, async () => {
        const { warnings, blank } = await draw(lane, layered(content + line))
        assert.deepEqual([warnings, blank], [[], false])
      })
    }

  it('is not drawn by the scan lane either', async () => {
    for (const name of ['Off', 'OffForm', 'Form', 'Group'])
      assert.ok((await draw('auto', layered(full(name)), 400)).isWhite, name)
  })

  it('does not keep the warning from the scan that is seen', async () => {
    for (const content of [full('On'), full('Off') + full('On'), full('On') + full('Off')]) {
      const { warnings } = await draw('auto', layered(content))
      assert.deepEqual(
        warnings.map(({ code }) => code),
        ['resolution_low'],
      )
    }
  })

  for (const { name, content, width } of [
    { name: 'beneath another one', content: full('Small') + full('Large'), width: 1216 },
    { name: 'beneath the same one', content: full('Large') + full('Large'), width: 1216 },
    { name: 'beneath one in a layer that is off', content: full('Large') + full('Off'), width: 1216 },
    { name: 'in a layer that is off, beneath another one', content: full('Off') + full('Large'), width: 1216 },
    {
      name: 'none, as the other lies on half of the page',
      content: `${full('Small')}q 595 0 0 421 0 0 cm /Large Do Q `,
      width: 608,
    },
    { name: 'beneath a white one', content: full('Small') + full('Blank'), width: 700 },
  ]) {
    it(`leaves its place to the one that shows: ${name}`, async () => {
      const { drawing } = await draw('pdfium', stacked(content))
      assert.equal(drawing.source?.width, width)
    })
  }
})

const large = flateImage(drawNumbered(8, { width: 1216, height: 1696 }))
const blankImage = flateImage({ pixels: new Uint8Array(700 * 900).fill(255), width: 700, height: 900, channels: 1 })

/** A page that shows scans one upon the other, in a document with a layer that is off. */
const stacked = (content: string) =>
  rawPdf({
    pages: [{ content, resources: '/XObject << /Off 5 0 R /Small 6 0 R /Large 7 0 R /Blank 8 0 R >>' }],
    objects: [
      '<< /Type /OCG /Name (Off) >>',
      imageObject(scan, '/OC 4 0 R'),
      imageObject(scan),
      imageObject(large),
      imageObject(blankImage),
    ],
    catalog: '/OCProperties << /OCGs [4 0 R] /D << /OFF [4 0 R] >> >>',
  })
