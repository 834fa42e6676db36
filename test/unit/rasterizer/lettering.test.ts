import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addNoise, drawText } from '../../fixtures/printed-page.ts'
import { rawPdf } from '../../fixtures/raw-pdf.ts'
import { jpegImage, makeScan } from '../../fixtures/scan-pdf.ts'
import { makePdf } from '../../support/make-pdf.ts'
import { textLayerOf } from '../../support/text-layer-of.ts'

const lines = ['The first line of the page', 'and the second one']
const turnedText = (matrix: string) => `BT /F1 20 Tf ${matrix} 100 400 Tm (some words in a row) Tj ET`
const page = (content: string, entries = '') => rawPdf({ pages: [{ content, entries }] })

const level: readonly { name: string; bytes: Uint8Array }[] = [
  { name: 'a plain page', bytes: makePdf([{ lines }]) },
  { name: 'a page that is shown turned', bytes: makePdf([{ lines, rotate: 90 }]) },
  { name: 'text that runs upwards', bytes: page(turnedText('0 1 -1 0')) },
  { name: 'slanted letters on a level line', bytes: page(turnedText('1 0 0.3 1')) },
  { name: 'one line', bytes: page('BT /F1 24 Tf 72 700 Td (Printed page number i) Tj ET') },
]

describe('the lettering of a text layer', () => {
  for (const { name, bytes } of level)
    it(`is level: ${name}`, async () => assert.equal((await textLayerOf(bytes))?.lettering?.isLevel, true))

  it('is not level where the text itself slopes', async () => {
    const sloping = page(turnedText('0.9976 -0.0698 0.0698 0.9976'))
    assert.equal((await textLayerOf(sloping))?.lettering?.isLevel, false)
  })

  it('says nothing of a scan, nor of a picture with a line beside it', async () => {
    const image = await jpegImage(addNoise(drawText(), 6))
    assert.equal((await textLayerOf(makeScan([{ image, layer: lines }])))?.lettering, null)
  })

  for (const [name, bytes, points] of [
    ['10 points', makePdf([{ lines, fontSize: 10 }]), 10],
    ['10 points, shown turned', makePdf([{ lines, fontSize: 10, rotate: 270 }]), 10],
    ['capitals and digits of 10 points', makePdf([{ lines: ['NOTE 000 BOLT M8 X 40'], fontSize: 10 }]), 10],
    ['points twice as large', page('BT /F1 20 Tf 100 400 Td (some words in a row) Tj ET', '/UserUnit 2'), 20],
  ] as const)
    it(`has the size of its smaller letters, as a share of the page: ${name}`, async () => {
      // In Helvetica an x is 0.523 of the type's size, and round letters a little more.
      const expected = (points * 0.53) / 842
      const size = (await textLayerOf(bytes))?.lettering?.size ?? 0
      assert.ok(Math.abs(size / expected - 1) < 0.1, `${size} instead of ${expected}`)
    })
})
