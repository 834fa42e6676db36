import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { confirmsGuess, findSmallType, smallTypeWarning } from '../../../gateway/prepare/small-type.ts'
import type { WholePage } from '../../../gateway/prepare/small-type.ts'
import { countTiles } from '../../../gateway/prepare/tile.ts'
import { targetSize } from '../../../gateway/page/target-size.ts'
import type { PageSize } from '../../../gateway/page/page.ts'
import { drawPage, drawText, resize } from '../../fixtures/printed-page.ts'

const pixtral = { longestEdge: 1540, maxPixels: 1540 * 1540, minTypeSize: 4 }
const dpi200 = { dpi: 200, maxPixels: 2048 * 2048, minTypeSize: 4 }
const MAX_PIXELS = 178_956_970

const pt = (width: number, height: number): PageSize => ({ width, height, unit: 'pt' })
const px = (width: number, height: number): PageSize => ({ width, height, unit: 'px' })

/** A page as it is drawn at its target size; `points` is the size of its type, in Helvetica. */
function page(size: PageSize, points: number | null, budget: typeof pixtral | typeof dpi200 = pixtral): WholePage {
  const { width, height } = targetSize(size, budget)
  const lettering =
    points === null ? null : { isLevel: true, size: (0.52 * points) / Math.max(size.width, size.height) }
  const source = size.unit === 'px' ? { width: size.width, height: size.height, dpi: null, bilevel: null } : null
  return { size, bitmap: drawPage(() => undefined, { width, height }), source, lettering, isVector: lettering === null }
}

const whole: readonly { name: string; page: WholePage }[] = [
  { name: 'A4 with 10-point type', page: page(pt(595, 842), 10) },
  { name: 'A4 with 5-point type', page: page(pt(595, 842), 5) },
  { name: 'A3 with 8-point type', page: page(pt(842, 1191), 8) },
  { name: 'A0 with large type', page: page(pt(2384, 3370), 40) },
  { name: 'A4 whose letters are not known', page: page(pt(595, 842), null) },
  { name: 'a label of 60 × 400 points', page: page(pt(60, 400), 8) },
  { name: 'a small strip', page: page(px(332, 27), null) },
  { name: 'a photo of 4:3', page: page(px(1500, 1125), null) },
]

const tiled: readonly { name: string; page: WholePage; tiles: number; size: number | null; budget?: typeof dpi200 }[] =
  [
    { name: 'A0 with 8-point type', page: page(pt(3370, 2384), 8), tiles: 20, size: 1.9 },
    { name: 'A2 with 6-point type', page: page(pt(1191, 1684), 6), tiles: 6, size: 2.9 },
    { name: 'A4 with 3-point type', page: page(pt(595, 842), 3), tiles: 6, size: 2.9 },
    { name: 'a receipt of 216 × 3240 points', page: page(pt(216, 3240), 8), tiles: 5, size: 2 },
    { name: 'a strip of 600 × 9000 pixels', page: page(px(600, 9000), null), tiles: 7, size: null },
    { name: 'a strip of 3000 × 30 pixels', page: page(px(3000, 30), null), tiles: 3, size: null },
    { name: 'A0 at 200 dpi', page: page(pt(3370, 2384), 8, dpi200), tiles: 20, size: 2.9, budget: dpi200 },
    { name: 'a receipt at 200 dpi', page: page(pt(216, 3240), 8, dpi200), tiles: 5, size: null, budget: dpi200 },
  ]

describe('small type', () => {
  for (const { name, page } of whole)
    it(`is not found on ${name}`, () => assert.equal(findSmallType(page, pixtral, MAX_PIXELS), null))

  for (const { name, page, tiles, size, budget = pixtral } of tiled)
    it(`is found on ${name}, and read in tiles`, () => {
      const found = findSmallType(page, budget, MAX_PIXELS)
      assert.ok(found !== null)
      assert.equal(countTiles(found.plan), tiles)
      assert.ok(size === null ? found.typeSize === null : Math.abs(found.typeSize! - size) < 0.15, `${found.typeSize}`)
      assert.ok(found.typeSize === null || found.typeSize * found.gain >= 4)
      assert.equal(found.isGuess, false)
      for (const { width, height } of found.plan.rows.flat())
        assert.ok(Math.max(width, height) <= 2339 && width * height <= budget.maxPixels)
    })

  it('is drawn no larger than memory allows, nor in more than 24 tiles', () => {
    const found = findSmallType(page(pt(3370, 2384), 2), pixtral, 20_000_000)
    assert.ok(found !== null)
    assert.ok(found.plan.width * found.plan.height <= 20_000_000 * 1.001 && countTiles(found.plan) <= 24)
    const { message = '' } = smallTypeWarning(found, pixtral, 'asked') ?? {}
    assert.match(message, /^Even in \d+ tiles \(ocr\.prepare\.tile\) the page's type is only 1\.\d pixels high/)
  })

  it('is a guess on an image, which its tiles confirm or not', async () => {
    const small = drawText({ size: 4, lines: 20 })
    const large = await resize(small, 3267, 4620)
    const size = px(4356, 6160)
    const source = { width: 4356, height: 6160, dpi: null, bilevel: null }
    const asPage: WholePage = { size, bitmap: small, source, lettering: null, isVector: false }
    const found = findSmallType(asPage, pixtral, MAX_PIXELS)
    assert.equal(found?.isGuess, true)
    assert.equal(confirmsGuess(large, 3, pixtral), true)
    // Type that is as large, but is not much larger than where the page is whole.
    assert.equal(confirmsGuess(large, 1.5, pixtral), false)
    // Specks that stay specks.
    assert.equal(confirmsGuess(small, 3, pixtral), false)
    assert.equal(
      confirmsGuess(
        drawPage(() => undefined),
        3,
        pixtral,
      ),
      false,
    )
    // An image of the same pixels has no more to show.
    const own = { ...source, width: small.width, height: small.height }
    assert.equal(
      findSmallType({ ...asPage, size: px(small.width, small.height), source: own }, pixtral, MAX_PIXELS),
      null,
    )
  })

  it('is warned of with what can be done', () => {
    const found = findSmallType(page(pt(3370, 2384), 8), pixtral, MAX_PIXELS)!
    const messages = (['whole', 'tiled', 'asked'] as const).map((remedy) => smallTypeWarning(found, pixtral, remedy))
    assert.match(messages[0]!.message, /only 1\.9 pixels high.*from 4 pixels on.*Set ocr\.prepare\.tile to true/)
    assert.match(messages[1]!.message, /read in 20 tiles.*set ocr\.prepare\.tile to false/)
    assert.equal(messages[2], null)
    const strip = findSmallType(page(px(600, 9000), null), pixtral, MAX_PIXELS)!
    assert.match(smallTypeWarning(strip, pixtral, 'whole')!.message, /long strip.*17 %.*ocr\.prepare\.tile/)
  })
})
