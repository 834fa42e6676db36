import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pad } from '../../../gateway/prepare/pad.ts'
import type { Bitmap } from '../../../gateway/prepare/bitmap.ts'

const budget = { maxPixels: 4_000_000, minEdge: 28, maxRatio: 200 }

/** A picture of one colour with a black line at its top. */
function picture(width: number, height: number, paper: readonly number[]): Bitmap {
  const channels = paper.length === 1 ? 1 : paper.length === 4 ? 4 : 3
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, at) =>
    at < width * channels && at % channels < 3 ? 0 : paper[at % channels]!,
  )
  return { pixels, width, height, channels }
}

const rows = [
  { name: 'smaller than the least edge both ways', size: [26, 27], padded: [28, 28] },
  { name: 'a low strip', size: [332, 27], padded: [332, 28] },
  { name: 'a narrow strip', size: [20, 300], padded: [28, 300] },
  { name: 'a strip beyond the greatest ratio', size: [8000, 30], padded: [8000, 40] },
  { name: 'a pixel', size: [1, 1], padded: [28, 28] },
  { name: 'large enough', size: [28, 5600], padded: [28, 5600] },
] as const

describe('padding an image', () => {
  for (const { name, size, padded } of rows)
    it(`adds paper and nothing else: ${name}`, () => {
      const image = picture(size[0], size[1], [240, 230, 210])
      const result = pad(image, budget)
      assert.deepEqual([result.width, result.height], padded)
      for (let y = 0; y < result.height; y++)
        for (let x = 0; x < result.width; x++) {
          const isInside = x < image.width && y < image.height
          const expected = isInside ? image.pixels[(y * image.width + x) * 3 + 2] : size[1] === 1 ? undefined : 210
          if (expected !== undefined)
            assert.equal(result.pixels[(y * result.width + x) * 3 + 2], expected, `${x}, ${y}`)
        }
    })

  for (const paper of [[250], [10], [20, 30, 90], [200, 220, 240, 255]])
    it(`takes the paper of the image: ${paper.join(' ')}`, () => {
      const { pixels, channels } = pad(picture(40, 20, paper), budget)
      assert.deepEqual([...pixels.subarray(-channels)], paper)
    })

  it('leaves an image alone where the model states no limits', () => {
    const image = picture(3, 2, [255])
    assert.equal(pad(image, { maxPixels: 100 }), image)
  })
})
