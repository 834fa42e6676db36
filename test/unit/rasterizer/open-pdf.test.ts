import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openPdf, withSecondTry } from '../../../gateway/rasterizer/open-pdf.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import type { OpenedDocument } from '../../../gateway/rasterizer/opened-document.ts'
import { targetSize } from '../../../gateway/page/target-size.ts'
import { readPageBarcode } from '../../fakes/page-barcode.ts'
import { deepPageTree } from '../../fixtures/bombs.ts'
import { damagedPageBox } from '../../fixtures/pdf-damage.ts'
import { readFixture } from '../../support/documents.ts'
import { makePdf } from '../../support/make-pdf.ts'
import { writePdf } from '../../support/write-pdf.ts'

const longest600 = { longestEdge: 600, maxPixels: 360_000 }
const options = { password: null, maxImagePixels: 1e8, maxMemoryBytes: 1e9 }

for (const rasterizer of ['auto', 'pdfium', 'pdfjs'] as const)
  describe(`a PDF, drawn by ${rasterizer}`, () => {
    const open = (bytes: Uint8Array, more: Partial<typeof options> = {}) =>
      openPdf(bytes, rasterizer, { ...options, ...more })

    for (const rotate of [0, 90, 180, 270] as const) {
      it(`has its pages upright, in order and exactly as long as asked: /Rotate ${rotate}`, async () => {
        await using pdf = await open(
          makePdf([
            { number: 7, rotate },
            { number: 8, rotate, width: 842, height: 595 },
          ]),
        )
        const [first, second] = [await draw(pdf, 1), await draw(pdf, 2)]
        assert.deepEqual([readPageBarcode(first), first.width, first.height], [7, 424, 600])
        assert.deepEqual([readPageBarcode(second), second.width, second.height], [8, 600, 424])
      })
    }

    it('is drawn on white up to its last row, without a gap at its edges', async () => {
      await using pdf = await open(rawPdf(['0 0 613 1 re f'], '/MediaBox [0 0 613 791]'))
      const { data, width, height, channels } = await draw(pdf, 1)
      const lastRow = data.subarray((height - 1) * width * channels).filter((_, index) => index % channels === 0)
      assert.deepEqual([data[0], width, height], [255, 465, 600])
      assert.ok(
        lastRow.every((red) => red < 128),
        'the last row is not black',
      )
    })

    it('shows only its crop box, in its user unit', async () => {
      const boxes = '/MediaBox [0 0 400 400] /CropBox [100 100 300 200] /UserUnit 3'
      await using pdf = await open(rawPdf(['100 100 100 100 re f'], boxes))
      const { data, width, height, channels } = await draw(pdf, 1, (size) => ({
        width: size.width,
        height: size.height,
      }))
      const red = (x: number) => data[(150 * width + x) * channels]
      assert.deepEqual([width, height, red(10), red(290), red(310), red(590)], [600, 300, 0, 0, 255, 255])
    })

    it('shows what is filled into its form', async () => {
      const field =
        '/Annots [<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Ada) /F 4 /Rect [0 0 100 100] /AP << /N 5 0 R >> >>]'
      const appearance = '0 0 100 100 re f'
      await using pdf = await open(rawPdf(['', appearance], `/MediaBox [0 0 100 100] ${field}`))
      const { data, width, channels } = await draw(pdf, 1)
      assert.equal(data[(300 * width + 300) * channels], 0)
    })

    it('refuses a page whose image is larger than what is decoded, every time', async () => {
      const image = '/Subtype /Image /Width 2000 /Height 2000 /BitsPerComponent 1 /ColorSpace /DeviceGray'
      await using pdf = await open(rawPdf(['/X Do', 'x'], '/MediaBox [0 0 100 100]', image), {
        maxImagePixels: 3e6,
      })
      await assert.rejects(draw(pdf, 1), { code: 'page_too_large', message: /Page 1 of the PDF holds an image/ })
      await assert.rejects(draw(pdf, 1), { code: 'page_too_large' })
    })

    it('gives up a page that nobody waits for', { timeout: 30_000 }, async () => {
      const squares = '0 0 1 1 re f '.repeat(200_000)
      await using pdf = await open(rawPdf([squares], '/MediaBox [0 0 100 100]'))
      const abandoned = pdf.draw(
        1,
        (size) => targetSize(size, longest600),
        () => true,
      )
      await assert.rejects(abandoned, { code: 'document_unreadable' })
    })

    const unopenable = [
      { name: 'a header and nothing else', bytes: text('%PDF-1.7\n'), code: 'document_unreadable' },
      { name: 'a catalog without pages', bytes: makePdf([]), code: 'document_empty' },
    ]
    for (const { name, bytes, code } of unopenable) {
      it(`cannot be opened: ${name}`, async () => {
        await assert.rejects(open(bytes), { code })
      })
    }

    for (const { handler, how } of [
      { handler: 'Adobe.PubSec', how: /encrypted to a certificate: no password opens it/ },
      { handler: 'Adobe.PPKLite', how: /encrypted to a certificate: no password opens it/ },
      { handler: 'FileOpen', how: /by the security handler "FileOpen".*no password does/ },
    ])
      for (const password of [null, 'open sesame'])
        it(`is said to be encrypted otherwise than by a password: ${handler}, password ${password}`, async () => {
          const refused = { code: 'document_encrypted', message: how }
          await assert.rejects(openPdf(encryptedBy(handler), rasterizer, { ...options, password }), refused)
        })

    it('opens with a password that it does not need, if anyone may open it', async () => {
      const others = { ...options, password: 'of another document' }
      await using pdf = await openPdf(readFixture('encrypted-owner-aes256.pdf'), rasterizer, others)
      assert.equal(pdf.pageCount, 6)
      const closed = openPdf(readFixture('encrypted-user-aes256.pdf'), rasterizer, others)
      await assert.rejects(closed, { code: 'wrong_password' })
    })

    it('is drawn the same when its cross-reference table is lost', async () => {
      const whole = Buffer.from(makePdf([{ number: 5 }])).toString('latin1')
      await using pdf = await open(text(whole.slice(0, whole.indexOf('xref\n')) + 'trailer << /Root 1 0 R >>'))
      assert.equal(readPageBarcode(await draw(pdf, 1)), 5)
    })
  })

describe('two rasterizers behind one document', () => {
  const white = { pixels: Uint8Array.of(255), width: 1, height: 1, channels: 1 } as const
  const black = { ...white, pixels: Uint8Array.of(0) }
  const damaged = new GatewayError('document_unreadable', 'the first')
  const first = {
    white: () => Promise.resolve({ bitmap: white, rasterizer: 'pdfium', isSuspect: true } as const),
    black: () => Promise.resolve({ bitmap: black, rasterizer: 'pdfium', isSuspect: false } as const),
    damaged: () => Promise.reject(damaged),
    'too large': () => Promise.reject(new GatewayError('page_too_large', 'the first')),
  }
  const second = {
    white: () => Promise.resolve({ bitmap: white, rasterizer: 'pdfjs' } as const),
    black: () => Promise.resolve({ bitmap: black, rasterizer: 'pdfjs' } as const),
    damaged: () => Promise.reject(new GatewayError('document_unreadable', 'the second')),
  }
  for (const [one, other, expected] of [
    ['black', 'black', 'pdfium'],
    ['white', 'black', 'pdfjs'],
    ['white', 'white', 'pdfium'],
    ['white', 'damaged', 'pdfium'],
    ['damaged', 'black', 'pdfjs'],
    ['damaged', 'white', 'pdfjs'],
    ['damaged', 'damaged', 'the first'],
    ['too large', 'black', 'the first'],
  ] as const) {
    it(`gives the better page: the first is ${one}, the second ${other}`, async () => {
      const pdf = withSecondTry(opened(first[one]), () => Promise.resolve(opened(second[other])))
      const outcome = pdf
        .draw(1, targetOf, () => false)
        .then(
          ({ rasterizer }) => rasterizer,
          (error: Error) => error.message,
        )
      assert.equal(await outcome, expected)
    })
  }

  it('does not try a page again that nobody waits for', async () => {
    const never = () => assert.fail('opened for nobody')
    await assert.rejects(
      withSecondTry(opened(first.damaged), never).draw(1, targetOf, () => true),
      damaged,
    )
  })

  for (const { name, bytes, size } of [
    { name: 'a page tree 3000 deep', bytes: deepPageTree(), size: null },
    { name: 'a damaged page box', bytes: damagedPageBox(), size: [612, 792] },
  ]) {
    it(`draws with pdf.js what PDFium does not understand: ${name}`, async () => {
      await using pdf = await openPdf(bytes, 'auto', options)
      const { rasterizer, bitmap } = await pdf.draw(1, targetOf, () => false)
      assert.equal(rasterizer, 'pdfjs')
      if (size !== null) assert.deepEqual([bitmap.width, bitmap.height], size)
    })
  }

  it('goes on with a fresh PDFium after a page that broke it', { timeout: 60_000 }, async () => {
    await using pdf = await openPdf(twoPages(), 'pdfium', { ...options, maxMemoryBytes: 24 * 1024 * 1024 })
    const drawing = (page: number) => pdf.draw(page, targetOf, () => false)
    await assert.rejects(drawing(1), { code: 'document_unreadable', message: /^Page 1 of the PDF is damaged/ })
    const { rasterizer, bitmap } = await drawing(2)
    assert.deepEqual([rasterizer, bitmap.pixels[0]], ['pdfium', 0])
  })
})

function targetOf({ width, height }: { readonly width: number; readonly height: number }) {
  return { width, height }
}

function opened<Draw extends OpenedDocument['draw']>(draw: Draw) {
  return { pageCount: 1, draw, async [Symbol.asyncDispose]() {} }
}

/** A PDF that claims to be encrypted; nothing in it needs to be read to find out by whom. */
function encryptedBy(handler: string): Buffer {
  const encryption = `<< /Filter /${handler} /SubFilter /adbe.pkcs7.s5 /V 4 /StmF /Own /StrF /Own
/CF << /Own << /CFM /AESV2 /Length 16 /Recipients [<3082>] >> >> >>`
  const id = '<00112233445566778899AABBCCDDEEFF>'
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>',
    encryption,
  ]
  return writePdf(objects, { version: '1.7', trailer: `/Encrypt 4 0 R /ID [${id} ${id}] ` })
}

/** The first page draws a form ten times, which draws another ten times, and so on: more than fits. The second is black. */
function twoPages(): Uint8Array {
  const page = (contents: number) =>
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents ${contents} 0 R /Resources << /XObject << /X 10 0 R >> >> >>`
  const stream = (content: string, entries = '') =>
    `<< ${entries} /Length ${content.length} >> stream\n${content}\nendstream`
  const forms = Array.from({ length: 12 }, (_, depth) => {
    const content = depth === 11 ? '0 0 1 1 re f' : '/X Do '.repeat(10)
    const inner = `/Resources << /XObject << /X ${depth + 11} 0 R >> >>`
    return `${depth + 10} 0 obj ${stream(content, `/Type /XObject /Subtype /Form /BBox [0 0 99 99] ${inner}`)} endobj`
  })
  return text(`%PDF-1.4
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >> endobj
3 0 obj ${page(5)} endobj
4 0 obj ${page(6)} endobj
5 0 obj ${stream('/X Do')} endobj
6 0 obj ${stream('0 0 99 99 re f')} endobj
${forms.join('\n')}
trailer << /Root 1 0 R >>`)
}

type Pdf = OpenedDocument

async function draw(
  pdf: Pdf,
  page: number,
  sizeFor: Parameters<Pdf['draw']>[1] = (size) => targetSize(size, longest600),
) {
  const { pixels, ...bitmap } = (await pdf.draw(page, sizeFor, () => false)).bitmap
  return { data: pixels, ...bitmap }
}

/** One page, with the first stream as its content and the second as form 5; readers rebuild the missing table. */
function rawPdf(
  [content = '', form = '']: readonly string[],
  page: string,
  formType = '/Subtype /Form /BBox [0 0 100 100]',
) {
  return text(`%PDF-1.4
1 0 obj << /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [] >> >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj
3 0 obj << /Type /Page /Parent 2 0 R ${page} /Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >> >> endobj
4 0 obj << /Length ${content.length} >> stream
${content}
endstream endobj
5 0 obj << /Type /XObject ${formType} /Length ${form.length} >> stream
${form}
endstream endobj
trailer << /Root 1 0 R >>`)
}

function text(latin1: string): Uint8Array {
  return Buffer.from(latin1, 'latin1')
}
