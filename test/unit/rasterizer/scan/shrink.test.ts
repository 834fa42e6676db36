import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createShrinker, shrinkFactor } from '../../../../gateway/rasterizer/scan/shrink.ts'

describe('a gray image that shrinks while its rows come', () => {
  for (const factor of [2, 4] as const)
    for (const [width, height] of [
      [8, 8],
      [23, 14],
      [21, 17],
      [6, 5],
      [2, 3],
    ] as const)
      for (const piece of [1, 7, width * height])
        it(`has the average of each cell: ${width} × ${height} by ${factor}, ${piece} pixels at a time`, () => {
          const pixels = Uint8Array.from({ length: width * height }, (_, at) => (at * 89 + 7 * at * at) % 256)
          const shrinker = createShrinker({ width, height }, factor)
          for (let at = 0; at < pixels.length; at += piece) shrinker.add(pixels.subarray(at, at + piece))
          const { bitmap } = shrinker
          assert.deepEqual([bitmap.width, bitmap.height], [Math.round(width / factor), Math.round(height / factor)])
          assert.deepEqual([...bitmap.pixels], averages(pixels, { width, height }, factor))
        })

  it('ignores what follows its last row', () => {
    const shrinker = createShrinker({ width: 4, height: 4 }, 4)
    shrinker.add(new Uint8Array(16).fill(100))
    shrinker.add(new Uint8Array(70).fill(255))
    assert.deepEqual([...shrinker.bitmap.pixels], [100])
  })

  it('is never smaller than what is asked for', () => {
    const of = (edge: number) => shrinkFactor({ width: edge, height: 2 * edge }, { width: 100, height: 200 })
    assert.deepEqual([of(199), of(200), of(399), of(400), of(1700)], [null, 2, 2, 4, 4])
  })
})

/** The last column and the last row stand for those that a cell lacks. */
function averages(pixels: Uint8Array, { width, height }: { width: number; height: number }, factor: number): number[] {
  const [columns, rows] = [Math.round(width / factor), Math.round(height / factor)]
  return Array.from({ length: columns * rows }, (_, cell) => {
    const [left, top] = [(cell % columns) * factor, Math.floor(cell / columns) * factor]
    let sum = 0
    for (let y = top; y < top + factor; y++)
      for (let x = left; x < left + factor; x++)
        sum += pixels[Math.min(y, height - 1) * width + Math.min(x, width - 1)]!
    return Math.floor((sum + (factor * factor) / 2) / (factor * factor))
  })
}
