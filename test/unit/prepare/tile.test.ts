import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cutAgain, cutTile, planCloserLook, planTiles } from '../../../gateway/prepare/tile.ts'
import type { TilePlan } from '../../../gateway/prepare/tile.ts'
import { targetSize } from '../../../gateway/page/target-size.ts'

const pixtral = { longestEdge: 1540, maxPixels: 1540 * 1540 }
const dpi200 = { dpi: 200, maxPixels: 4_000_000 }
const px = (width: number, height: number) => ({ width, height, unit: 'px' }) as const
const pt = (width: number, height: number) => ({ width, height, unit: 'pt' }) as const

const far = [
  { name: 'a 4K screen', size: px(3840, 2160), budget: pixtral, grid: [2, 3], drawn: [3840, 2160] },
  { name: 'a poster of 1800 × 3600 points', size: pt(1800, 3600), budget: pixtral, grid: [5, 3], drawn: [3293, 6585] },
  { name: 'a log of 234 × 14295 points', size: pt(234, 14295), budget: pixtral, grid: [19, 1], drawn: [428, 26149] },
  { name: 'a poster at 200 dpi', size: pt(1800, 3600), budget: dpi200, grid: [3, 5], drawn: null },
  { name: 'an image of 35,000 × 35,000 pixels', size: px(35_000, 35_000), budget: pixtral, grid: null, drawn: null },
  { name: 'a strip of 100 × 100,000 pixels', size: px(100, 100_000), budget: pixtral, grid: [24, 1], drawn: null },
]

describe('planning tiles', () => {
  for (const { name, size, budget, grid, drawn } of far)
    it(`covers the page with overlapping tiles within the budget: ${name}`, () => {
      const plan = planTiles(size, budget)
      assert.ok(plan !== null)
      const tiles = plan.rows.flat()
      assert.ok(tiles.length > 1 && tiles.length <= 24, String(tiles.length))
      const edge = 'longestEdge' in budget ? budget.longestEdge : Infinity
      for (const { width, height } of tiles)
        assert.ok(width * height <= budget.maxPixels && Math.max(width, height) <= edge, `${width} × ${height}`)
      assertCovered(plan)
      assert.ok(Math.abs(plan.width / plan.height / (size.width / size.height) - 1) < 0.02)
      if (grid !== null && drawn !== null) {
        assert.deepEqual([plan.rows.length, plan.rows[0]?.length], grid)
        assert.deepEqual([plan.width, plan.height], drawn)
      }
    })

  for (const { name, size, dpi } of [
    { name: 'A4', size: pt(595, 842), dpi: null },
    { name: 'A3', size: pt(842, 1191), dpi: null },
    { name: 'a small screen', size: px(1920, 1080), dpi: null },
    { name: 'a scan of A4 at 600 dpi', size: px(4961, 7016), dpi: 600 },
    { name: 'a pixel', size: px(1, 1), dpi: null },
  ])
    it(`leaves alone what is not far larger than its target: ${name}`, () => {
      assert.equal(planTiles(size, pixtral, dpi), null)
    })
})

describe('cutting a tile', () => {
  it('copies its pixels', () => {
    const pixels = Uint8Array.from({ length: 4 * 3 * 3 }, (_, at) => at)
    const tile = cutTile({ pixels, width: 4, height: 3, channels: 3 }, { left: 1, top: 1, width: 2, height: 2 })
    assert.deepEqual([...tile.pixels], [15, 16, 17, 18, 19, 20, 27, 28, 29, 30, 31, 32])
  })
})

/** Every neighbour shares a fifteenth of a tile at least, and the last ends where the page does. */
function assertCovered({ width, height, rows }: TilePlan): void {
  const overlaps = (spans: readonly (readonly [number, number])[], side: number) => {
    assert.equal(spans[0]?.[0], 0)
    const [start, length] = spans.at(-1)!
    assert.equal(start + length, side)
    for (const [index, [from]] of spans.entries())
      if (index > 0)
        assert.ok(spans[index - 1]![0] + length - from >= length / 15, `${from} after ${spans[index - 1]![0]}`)
  }
  overlaps(
    rows.map((row) => [row[0]!.top, row[0]!.height]),
    height,
  )
  overlaps(
    rows[0]!.map((tile) => [tile.left, tile.width]),
    width,
  )
}

describe('planning a closer look', () => {
  const rows = [
    {
      name: 'A4 at a longest edge: its upper and lower half',
      size: pt(595, 842),
      budget: pixtral,
      grid: [2, 1],
      gain: 1.41,
    },
    { name: 'a slide: its left and right half', size: pt(960, 540), budget: pixtral, grid: [1, 2], gain: 1.78 },
    { name: 'a square: its quarters', size: pt(600, 600), budget: pixtral, grid: [2, 2], gain: 1.88 },
    {
      name: 'A4 at 200 dpi that fills the budget: halves',
      size: pt(595, 842),
      budget: dpi200,
      grid: [2, 1],
      gain: 1.4,
    },
    { name: 'A6 at 200 dpi: as a whole', size: pt(298, 420), budget: dpi200, grid: [1, 1], gain: 2 },
  ]
  for (const { name, size, budget, grid, gain } of rows)
    it(name, () => {
      const plan = planCloserLook(size, budget)
      assert.ok(plan !== null)
      assert.deepEqual([plan.rows.length, plan.rows[0]?.length], grid)
      assertCovered(plan)
      const usual = targetSize(size, budget)
      assert.ok(Math.abs(plan.width / usual.width - gain) < 0.05, `${plan.width / usual.width}`)
      const edge = 'longestEdge' in budget ? budget.longestEdge : Infinity
      for (const { width, height } of plan.rows.flat())
        assert.ok(width * height <= budget.maxPixels && Math.max(width, height) <= edge, `${width} × ${height}`)
    })

  it('is none for images, which are never enlarged, and for what gains nothing', () => {
    assert.equal(planCloserLook(px(1200, 1540), pixtral), null)
  })

  it('follows a page that its preparation has turned', () => {
    const plan = planCloserLook(pt(595, 842), pixtral)
    assert.ok(plan !== null)
    const turned = cutAgain(plan, plan.height + 20, plan.width + 10)
    assert.deepEqual([turned.rows.length, turned.rows[0]?.length], [1, 2])
    assertCovered(turned)
  })
})
