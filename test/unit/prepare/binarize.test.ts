import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { binarize } from '../../../gateway/prepare/binarize.ts'
import { drawText } from '../../fixtures/printed-page.ts'

describe('binarizing', () => {
  it('leaves only black and white', () => {
    const values = new Set(binarize(drawText()).pixels)
    assert.deepEqual(
      [...values].toSorted((a, b) => a - b),
      [0, 255],
    )
  })

  it('finds the same letters under a shadow that is darker than the letters in the light', () => {
    const page = drawText({ colour: '#555' })
    const shadowed = page.pixels.map((value, at) => value * (1 - 0.75 * ((at % page.width) / page.width)))
    assert.ok(shadowed.at(-1)! < 0x55, 'paper in the shadow is darker than ink in the light')
    const [even, uneven] = [binarize(page), binarize({ ...page, pixels: shadowed })]
    const black = even.pixels.filter((value) => value === 0).length
    const different = even.pixels.filter((value, at) => value !== uneven.pixels[at]).length
    assert.ok(black > 20_000 && different < 0.25 * black, `${different} of ${black}`)
  })

  it('agrees with the rule computed pixel by pixel', () => {
    const [width, height] = [37, 23]
    const pixels = Uint8Array.from({ length: width * height }, (_, at) => (at * 7919) % 256)
    const expected = Array.from(pixels, (value, at) => (value > threshold(pixels, width, height, at) ? 255 : 0))
    assert.deepEqual([...binarize({ pixels, width, height }).pixels], expected)
  })
})

/** Sauvola's threshold over a window of 15 by 15, k = 0.2, R = 128. */
function threshold(pixels: Uint8Array, width: number, height: number, at: number): number {
  const [x, y] = [at % width, Math.floor(at / width)]
  const seen: number[] = []
  for (let row = Math.max(0, y - 7); row <= Math.min(height - 1, y + 7); row++)
    for (let column = Math.max(0, x - 7); column <= Math.min(width - 1, x + 7); column++)
      seen.push(pixels[row * width + column]!)
  const mean = seen.reduce((sum, value) => sum + value, 0) / seen.length
  const deviation = Math.sqrt(seen.reduce((sum, value) => sum + (value - mean) ** 2, 0) / seen.length)
  return mean * (1 + 0.2 * (deviation / 128 - 1))
}
