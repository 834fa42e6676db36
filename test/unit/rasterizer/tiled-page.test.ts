import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import type { Bitmap } from '../../../gateway/prepare/bitmap.ts'
import { planTilesAt } from '../../../gateway/prepare/tile.ts'
import { tiledPage } from '../../../gateway/rasterizer/tiled-page.ts'

const budget = { longestEdge: 400, maxPixels: 400 * 400 }

describe('a page in tiles', () => {
  for (const channels of [1, 3] as const)
    it(`is shown whole beside them, all of it: ${channels} channels`, async () => {
      const bitmap = halfBlack(300, 1200, channels)
      const { data, tiles } = await tiledPage(
        { bitmap, rasterizer: 'scan' },
        { pixelBudget: budget, mediaType: 'image/png' },
        (size) => planTilesAt(size, budget, 1),
      )
      assert.ok((tiles?.flat().length ?? 0) > 1)
      const { data: shown, info } = await sharp(data).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true })
      assert.deepEqual([info.width, info.height], [100, 400])
      const rows = Array.from({ length: info.height }, (_, y) => shown[y * info.width * info.channels])
      assert.equal(
        rows.findIndex((value) => value! < 128),
        200,
      )
    })
})

/** White above, black below. */
function halfBlack(width: number, height: number, channels: 1 | 3): Bitmap {
  const pixels = new Uint8Array(width * height * channels).fill(255, 0, (width * height * channels) / 2)
  return { pixels, width, height, channels }
}
