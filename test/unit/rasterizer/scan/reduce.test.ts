import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TargetSize } from '../../../../gateway/page/target-size.ts'
import { createReducer } from '../../../../gateway/rasterizer/scan/reduce.ts'

/** What weights of 8 bits may make of noise as coarse as a pixel. */
const MAX_ERROR = 2.1

const SIZES = [
  ['one pixel', [1, 1], [1, 1]],
  ['the same size', [7, 5], [7, 5]],
  ['wide cells', [23, 14], [5, 3]],
  ['300 dpi', [333, 257], [146, 113]],
  ['600 dpi', [271, 350], [60, 77]],
  ['hardly smaller', [40, 40], [39, 38]],
  ['far smaller', [50, 500], [9, 7]],
  ['one column', [40, 40], [1, 39]],
  ['one row', [90, 40], [39, 1]],
] as const

describe('an image that is reduced while its rows come', () => {
  for (const [name, [width, height], [across, down]] of SIZES)
    for (const channels of [1, 3] as const)
      it(`has the mean of each pixel's area: ${name}, ${channels} channels, in whatever pieces it comes`, () => {
        const pixels = noise(width * height * channels)
        const stored = { width, height, channels }
        const means = areaMeans(pixels, stored, { width: across, height: down })
        for (const piece of [1, 97, pixels.length]) {
          const found = reduced(pixels, stored, { width: across, height: down }, piece)
          assert.equal(found.length, means.length)
          for (const [at, mean] of means.entries())
            assert.ok(Math.abs(found[at]! - mean) < MAX_ERROR, `${found[at]} at ${at}, not ${mean}`)
        }
      })

  it('keeps white and black as they are', () => {
    for (const value of [0, 255]) {
      const stored = { width: 301, height: 200, channels: 3 } as const
      const pixels = new Uint8Array(301 * 200 * 3).fill(value)
      const found = reduced(pixels, stored, { width: 77, height: 61 }, 1000)
      assert.ok(found.every((one) => one === value))
    }
  })

  it('ignores what follows the last row', () => {
    using reducer = createReducer({ width: 4, height: 4, channels: 1 }, { width: 1, height: 1 })
    reducer.add(new Uint8Array(16).fill(100))
    reducer.add(new Uint8Array(70).fill(255))
    assert.deepEqual([...reducer.bitmap.pixels], [100])
  })

  it('leaves alone what is reduced beside it', () => {
    const stored = { width: 64, height: 64, channels: 1 } as const
    const size = { width: 16, height: 16 }
    const [one, other] = [noise(64 * 64), noise(64 * 64).toReversed()]
    using first = createReducer(stored, size)
    using second = createReducer(stored, size)
    for (let at = 0; at < one.length; at += 100) {
      first.add(one.subarray(at, at + 100))
      second.add(other.subarray(at, at + 100))
    }
    assert.deepEqual(first.bitmap.pixels, reduced(one, stored, size, 64 * 64))
    assert.deepEqual(second.bitmap.pixels, reduced(other, stored, size, 64 * 64))
  })
})

type Stored = TargetSize & { readonly channels: 1 | 3 }

function reduced(pixels: Uint8Array, stored: Stored, size: TargetSize, piece: number): Uint8Array {
  using reducer = createReducer(stored, size)
  for (let at = 0; at < pixels.length; at += piece) reducer.add(pixels.subarray(at, at + piece))
  return reducer.bitmap.pixels
}

function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 89 + 7 * at * at + (at % 13) * 31) % 256)
}

function areaMeans(pixels: Uint8Array, { width, height, channels }: Stored, size: TargetSize): number[] {
  const [wide, high] = [width / size.width, height / size.height]
  return Array.from({ length: size.width * size.height * channels }, (_, at) => {
    const [x, y] = [Math.floor(at / channels) % size.width, Math.floor(at / channels / size.width)]
    let [sum, weight] = [0, 0]
    for (let row = Math.floor(y * high); row < Math.min(height, (y + 1) * high); row++)
      for (let column = Math.floor(x * wide); column < Math.min(width, (x + 1) * wide); column++) {
        const area = shared(row, y * high, high) * shared(column, x * wide, wide)
        sum += area * pixels[(row * width + column) * channels + (at % channels)]!
        weight += area
      }
    return sum / weight
  })
}

/** How much of a pixel lies within a span. */
function shared(pixel: number, start: number, length: number): number {
  return Math.max(0, Math.min(pixel + 1, start + length) - Math.max(pixel, start))
}
