import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { guessTurn } from '../../../gateway/prepare/orientation.ts'
import { readBrightness } from '../../../gateway/prepare/gray.ts'
import { addNoise, drawColumns, drawPage, drawText, turn } from '../../fixtures/printed-page.ts'
import { jpegImage, makeScan } from '../../fixtures/scan-pdf.ts'
import { drawForEngine } from '../../support/draw-for-engine.ts'

describe('the guess which side of a page is up', () => {
  for (const degrees of [0, 90, 180, 270]) {
    it(`is right by the shapes of English lines: turned by ${degrees}°`, async () => {
      const page = await turn(addNoise(drawText({ degrees: 1.5 }), 6), degrees)
      assert.equal(guessTurn(readBrightness(page)), (360 - degrees) % 360)
    })

    it(`is right on a scan of two columns: turned by ${degrees}°`, async () => {
      const page = await turn(
        await drawForEngine(makeScan([{ image: await jpegImage(addNoise(drawColumns(), 8)) }])),
        degrees,
      )
      assert.equal(guessTurn(readBrightness(page)), (360 - degrees) % 360)
    })
  }

  for (const [name, page] of [
    ['an empty page', drawPage(() => undefined)],
    ['capitals', drawText({ text: 'ALL HUMAN BEINGS ARE BORN FREE AND EQUAL' })],
    ['a few words', drawText({ text: 'happy', lines: 1 })],
  ] as const)
    it(`is not made on ${name}`, () => assert.equal(guessTurn(readBrightness(page)), null))
})
