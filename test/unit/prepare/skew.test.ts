import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { measureSkew } from '../../../gateway/prepare/skew.ts'
import { addNoise, drawLetter, drawPage, drawText, turn } from '../../fixtures/printed-page.ts'
import { faxImage, jpegImage, makeScan } from '../../fixtures/scan-pdf.ts'
import { english } from '../../fixtures/prose.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { drawForEngine } from '../../support/draw-for-engine.ts'

const SURE = 0.6

describe('skew', () => {
  for (const degrees of [-14, -7.5, -2, -0.6, 0, 0.3, 1.2, 4, 11])
    it(`is measured to a fifth of a degree: ${degrees}°`, () => {
      const skew = measureSkew(drawText({ degrees }))
      assert.ok(Math.abs(skew.degrees - degrees) <= 0.2 && skew.confidence >= SURE, JSON.stringify(skew))
    })

  const pages = [
    { name: 'few lines', page: () => drawText({ degrees: 3, lines: 4 }), degrees: 3 },
    { name: 'large type', page: () => drawText({ degrees: -5, size: 60, lines: 14 }), degrees: -5 },
    { name: 'light type in noise', page: () => addNoise(drawText({ degrees: 2.5, colour: '#888' }), 8), degrees: 2.5 },
    {
      name: 'a scan in black and white that lies on its side, 2.75° counterclockwise',
      page: async () =>
        drawForEngine(
          makeScan([{ image: await faxImage(await turn(drawLetter(), -92.75)), width: 842, height: 615, rotate: 90 }]),
        ),
      degrees: -2.75,
    },
    {
      name: 'a scan in gray, 0.7° clockwise',
      page: async () =>
        drawForEngine(makeScan([{ image: await jpegImage(addNoise(await turn(drawLetter(), 0.7), 8), 60) }])),
      degrees: 0.7,
    },
    { name: 'a page that lies on its side', page: () => turn(drawText({ degrees: 2 }), 90), degrees: 2 },
  ]
  for (const { name, page, degrees } of pages)
    it(`is measured on ${name}`, async () => {
      const skew = measureSkew(await page())
      assert.ok(Math.abs(skew.degrees - degrees) <= 0.2 && skew.confidence >= SURE, JSON.stringify(skew))
    })

  /** Draws lines of large type at the top. */
  const drawLines = (lines: readonly string[], degrees = 0) =>
    drawPage((context) => {
      context.rotate((degrees * Math.PI) / 180)
      context.font = '48px "Test Sans"'
      for (const [index, line] of lines.entries()) context.fillText(line, 140, 180 + index * 70)
    })

  it('is never found on level lines, however few and whatever their letters', () => {
    const words = english.split(' ')
    for (let seed = 1; seed <= 60; seed++) {
      const random = seededRandom(seed)
      const lines = Array.from({ length: random.integer(1, 5) }, () =>
        Array.from({ length: random.integer(1, 5) }, () => random.pick(words)).join(' '),
      )
      const { degrees, confidence } = measureSkew(drawLines(lines))
      assert.ok(confidence < SURE || Math.abs(degrees) < 0.3, `${degrees}°, ${confidence}: ${lines.join(' / ')}`)
    }
  })

  const unsure = [
    { name: 'an empty page', page: () => drawPage(() => undefined) },
    { name: 'one word', page: () => drawText({ text: 'Hi', lines: 0 }) },
    // Of the level line the tails of its p and g would tell 1.9°.
    { name: 'a level line with tails', page: () => drawLines(['Printed page number i']) },
    { name: 'two lines of a page that is turned', page: () => drawLines(['Printed page number i', 'happy gypsy'], 3) },
    { name: 'one line of a page that is turned', page: () => drawLines(['Printed page number one'], 4) },
    { name: 'a page turned too far', page: () => drawText({ degrees: 30 }) },
    {
      name: 'discs',
      page: () =>
        drawPage((context) => {
          for (let disc = 0; disc < 40; disc++) {
            context.beginPath()
            context.arc(150 + ((disc * 197) % 800), 150 + ((disc * 331) % 1200), 20 + (disc % 7) * 9, 0, 7)
            context.fill()
          }
        }),
    },
  ]
  for (const { name, page } of unsure)
    it(`is not sure on ${name}`, () => {
      const skew = measureSkew(page())
      assert.ok(skew.confidence < SURE, JSON.stringify(skew))
    })
})
