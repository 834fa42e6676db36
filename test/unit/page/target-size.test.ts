import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PageSize } from '../../../gateway/page/page.ts'
import { targetSize, type PixelBudget } from '../../../gateway/page/target-size.ts'

const lightOnOcr2: PixelBudget = { longestEdge: 1540, maxPixels: 1540 * 1540 }
const dpi200: PixelBudget = { dpi: 200, maxPixels: 4_000_000 }

const rows: { name: string; size: PageSize; budget: PixelBudget; expected: [number, number] }[] = [
  { name: 'A4', size: pt(595.28, 841.89), budget: lightOnOcr2, expected: [1089, 1540] },
  { name: 'Letter', size: pt(612, 792), budget: lightOnOcr2, expected: [1190, 1540] },
  { name: 'a 16:9 slide', size: pt(960, 540), budget: lightOnOcr2, expected: [1540, 866] },
  { name: 'a tiny page, enlarged', size: pt(8.5, 11), budget: lightOnOcr2, expected: [1190, 1540] },
  { name: 'a page of a million points', size: pt(1e6, 1e6), budget: lightOnOcr2, expected: [1540, 1540] },
  { name: 'a borehole log', size: pt(234, 14294.9), budget: lightOnOcr2, expected: [25, 1540] },
  { name: 'a line without height', size: pt(1e9, 1), budget: lightOnOcr2, expected: [1540, 1] },
  { name: 'a large photo, shrunk', size: px(4000, 3000), budget: lightOnOcr2, expected: [1540, 1155] },
  { name: 'a small photo, never enlarged', size: px(640, 480), budget: lightOnOcr2, expected: [640, 480] },
  { name: 'a page at 200 dpi', size: pt(612, 792), budget: dpi200, expected: [1700, 2200] },
  { name: 'a photo, which has no dpi', size: px(640, 480), budget: dpi200, expected: [640, 480] },
  { name: 'a photo beyond the most pixels', size: px(4000, 4000), budget: dpi200, expected: [2000, 2000] },
  { name: 'a poster beyond the most pixels', size: pt(1800, 3600), budget: dpi200, expected: [1414, 2828] },
  { name: 'a line beyond the most pixels', size: pt(1e9, 1), budget: { dpi: 72, maxPixels: 500 }, expected: [500, 1] },
]

describe('the target size', () => {
  for (const { name, size, budget, expected } of rows) {
    it(`fits ${name} into its budget`, () => {
      assert.deepEqual(Object.values(targetSize(size, budget)), expected)
    })
  }

  it('has at least one pixel and at most the budget, whatever the page', () => {
    const sides = [1e-6, 0.5, 1, 7, 612, 1540, 14294.9, 1e6, 1e12]
    const sizes = sides.flatMap((width) => sides.flatMap((height) => [pt(width, height), px(width, height)]))
    for (const budget of [lightOnOcr2, dpi200, { dpi: 72, maxPixels: 1 }, { maxPixels: 1000 }]) {
      for (const size of sizes) {
        const { width, height } = targetSize(size, budget)
        const isWhole = Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1
        assert.ok(isWhole && width * height <= budget.maxPixels, `${JSON.stringify(size)} became ${width} × ${height}`)
      }
    }
  })
})

function pt(width: number, height: number): PageSize {
  return { width, height, unit: 'pt' }
}

function px(width: number, height: number): PageSize {
  return { width, height, unit: 'px' }
}

it('a strip is no larger than its budget with the paper that it is padded with', () => {
  const strip = { width: 1_000_000, height: 4, unit: 'px' } as const
  const { width } = targetSize(strip, { dpi: 200, maxPixels: 4e6, maxRatio: 200 })
  assert.ok((width * width) / 200 <= 4.01e6, `${width} pixels wide`)
})
