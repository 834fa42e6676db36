import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { finishPage } from '../../../gateway/rasterizer/finish-page.ts'
import { measureSkew } from '../../../gateway/prepare/skew.ts'
import { drawPage, drawText, turn } from '../../fixtures/printed-page.ts'

const wanted = { pixelBudget: { longestEdge: 1540, maxPixels: 1540 * 1540 }, mediaType: 'image/png' } as const

describe('finishing a page', () => {
  it('shows a page as it was drawn when nothing is asked for, and says what is wrong with it', async () => {
    const bitmap = drawText({ degrees: 3 })
    const { data, warnings, blank } = await finishPage({ bitmap, rasterizer: 'sharp' }, wanted)
    assert.deepEqual([...(await pixelsOf(data)).pixels], [...bitmap.pixels])
    assert.deepEqual([blank, warnings.map(({ code }) => code)], [false, ['page_skewed']])
  })

  it('finds a blank page, and prepares nothing', async () => {
    const drawing = { bitmap: drawPage(() => undefined), rasterizer: 'pdfjs' } as const
    const preparation = { rotate: true, deskew: true, binarize: true }
    const { blank, warnings, width, height } = await finishPage(drawing, { ...wanted, preparation })
    assert.deepEqual([blank, warnings, width, height], [true, [], 1089, 1540])
  })

  it('turns, levels and blackens a page as asked, all at once', async () => {
    const bitmap = await turn(drawText({ degrees: 3 }), 180)
    const preparation = { rotate: true, deskew: true, binarize: true }
    const { data, warnings, width, height } = await finishPage(
      { bitmap, rasterizer: 'sharp' },
      { ...wanted, preparation },
    )
    const page = await pixelsOf(data)
    assert.deepEqual([page.width, page.height, warnings], [width, height, []])
    assert.ok(Math.abs(measureSkew(page).degrees) < 0.3)
    assert.deepEqual(
      [...new Set(page.pixels)].toSorted((a, b) => a - b),
      [0, 255],
    )
  })
})

describe('levelling', () => {
  const layer = { text: 'Some text', unmapped: 0, isOcr: false, isWhole: true }
  const preparation = { deskew: true }

  it('leaves a page alone whose letters are drawn level, and does not pass on how they are drawn', async () => {
    // As a drawing with slanting lines, under level letters.
    const bitmap = drawText({ degrees: 3 })
    const textLayer = { ...layer, lettering: { isLevel: true, size: 0.01 } }
    const page = await finishPage({ bitmap, rasterizer: 'pdfium', textLayer }, { ...wanted, preparation })
    assert.deepEqual([...(await pixelsOf(page.data)).pixels], [...bitmap.pixels])
    assert.deepEqual([page.warnings, page.textLayer], [[], layer])
  })

  it('levels a page whose letters slope, or whose layer tells nothing', async () => {
    for (const lettering of [{ isLevel: false, size: 0.01 }, null]) {
      const drawing = {
        bitmap: drawText({ degrees: 3 }),
        rasterizer: 'pdfium',
        textLayer: { ...layer, lettering },
      } as const
      const { data, warnings } = await finishPage(drawing, { ...wanted, preparation })
      assert.ok(Math.abs(measureSkew(await pixelsOf(data)).degrees) < 0.3)
      assert.deepEqual(warnings, [])
    }
  })
})

async function pixelsOf(data: Uint8Array) {
  const { data: pixels, info } = await sharp(data).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true })
  return { pixels, width: info.width, height: info.height, channels: 1 } as const
}
