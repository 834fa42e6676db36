import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { levelPage, turnPage } from '../../../gateway/prepare/level.ts'
import { measureSkew } from '../../../gateway/prepare/skew.ts'
import { a4, drawLetter, drawPage, drawText, turn } from '../../fixtures/printed-page.ts'
import { faxImage, makeScan } from '../../fixtures/scan-pdf.ts'
import { drawForEngine } from '../../support/draw-for-engine.ts'

const budget = { longestEdge: 1540, maxPixels: 1540 * 1540 }

describe('levelling a page', () => {
  for (const degrees of [-9, -1.4, 2.5, 12])
    it(`leaves less than a fifth of a degree of ${degrees}°`, async () => {
      const page = drawText({ degrees, lines: 30 })
      const levelled = await levelPage(page, measureSkew(page).degrees, budget)
      assert.ok(Math.abs(measureSkew(levelled).degrees) < 0.2, JSON.stringify(measureSkew(levelled)))
      assert.ok(
        levelled.width * levelled.height <= budget.maxPixels && Math.max(levelled.width, levelled.height) <= 1540,
      )
    })

  it('levels a scan in black and white', async () => {
    const page = await drawForEngine(
      makeScan([{ image: await faxImage(await turn(drawLetter(), -92.75)), width: 842, height: 615, rotate: 90 }]),
    )
    const levelled = await levelPage(page, measureSkew(page).degrees, budget)
    assert.ok(Math.abs(measureSkew(levelled).degrees) < 0.2)
  })

  it('keeps the size of a page with margins, and fills its corners with white', async () => {
    const page = drawText({ degrees: 2, lines: 30 })
    const levelled = await levelPage({ ...page, pixels: page.pixels.map((value) => Math.min(value, 200)) }, 2, budget)
    const { width, height, channels, pixels } = levelled
    assert.deepEqual([width, height, channels], [a4.width, a4.height, 1])
    const paper = pixels[700 * width + 40]!
    assert.deepEqual([pixels[0], paper > 195 && paper < 205], [255, true])
  })

  it('cuts no ink off', async () => {
    const page = drawPage((context) => context.fillRect(0, 0, 40, 40))
    const black = (pixels: Uint8Array) => pixels.filter((value) => value < 128).length
    const levelled = await levelPage(page, 5, { maxPixels: 10_000_000 })
    assert.ok(Math.abs(black(levelled.pixels) - 1600) < 80, String(black(levelled.pixels)))
  })

  it('turns by quarters without changing a pixel', async () => {
    const bitmap = { pixels: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 3, height: 2, channels: 1 } as const
    const turned = await turnPage(bitmap, 90)
    assert.deepEqual([[...turned.pixels], turned.width, turned.height], [[4, 1, 5, 2, 6, 3], 2, 3])
  })

  for (const channels of [1, 3, 4] as const)
    it(`keeps ${channels} channels`, async () => {
      const gray = drawText({ degrees: 3, lines: 10 })
      const pixels = Uint8Array.from({ length: gray.pixels.length * channels }, (_, at) =>
        at % channels === 3 ? 255 : gray.pixels[Math.floor(at / channels)]!,
      )
      const levelled = await levelPage({ ...gray, pixels, channels }, 3, budget)
      assert.equal(levelled.channels, channels)
      assert.equal(levelled.pixels.length, levelled.width * levelled.height * channels)
      assert.ok(channels !== 4 || levelled.pixels.every((value, at) => at % 4 !== 3 || value === 255))
    })
})
