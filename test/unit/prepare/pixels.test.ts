import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findComponents } from '../../../gateway/prepare/components.ts'
import { holdEdges, holdImage } from '../../../gateway/prepare/pixels.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const random = seededRandom(16)
const noise = (size: number, most = 255) => Uint8Array.from({ length: size }, () => random.integer(0, most))

/** The brightness of a pixel, as ITU-R BT.601 weighs its colours. */
function brightness(pixels: Uint8Array, channels: number, pixel: number): number {
  const [red = 0, green = red, blue = red] = pixels.subarray(pixel * channels, (pixel + 1) * channels)
  return channels === 1 ? red : (red * 77 + green * 150 + blue * 29) >> 8
}

/** The mean brightness of a cell, rounded. */
function cell(
  { pixels, width, channels }: { readonly pixels: Uint8Array; readonly width: number; readonly channels: number },
  [left, top]: readonly [number, number],
  [across, down]: readonly [number, number],
): number {
  let sum = 0
  for (let y = top; y < top + down; y++)
    for (let x = left; x < left + across; x++) sum += brightness(pixels, channels, y * width + x)
  return Math.floor(sum / (across * down) + 0.5)
}

describe('an image in the memory of the module', () => {
  for (const channels of [1, 3, 4] as const)
    for (const factor of [1, 2, 3, 5])
      for (const [width, height] of [
        [1, 1],
        [3, 40],
        [67, 3],
        // More than one part of the memory that pixels go through.
        [307, 501],
      ] as const)
        it(`has the mean brightness of the pixels: ${width} × ${height} of ${channels} bytes, by ${factor}`, () => {
          const pixels = noise(width * height * channels)
          pixels.subarray(pixels.length >> 1).fill(255)
          const bitmap = { pixels, width, height, channels }
          const image = holdImage(bitmap, factor)
          const [across, down] = [Math.max(1, Math.floor(width / factor)), Math.max(1, Math.floor(height / factor))]
          const size = [Math.min(factor, width), Math.min(factor, height)] as const
          const expected = Uint8Array.from({ length: across * down }, (_, at) =>
            cell(bitmap, [(at % across) * factor, Math.floor(at / across) * factor], size),
          )
          assert.deepEqual([image.width, image.height], [across, down])
          assert.deepEqual(image.pixels(), expected)
        })

  it('is marked where it differs from its paper by more than a threshold, to the last gray level', () => {
    const [width, height] = [211, 60]
    const pixels = noise(width * height)
    const squares = Array.from({ length: Math.ceil(width / 32) + 1 }, () =>
      Math.fround(random.integer(0, 25_500) / 100),
    )
    squares[squares.length - 1] = squares.at(-2)!
    for (const threshold of [14, 23.75, 44]) {
      const marks = holdImage({ pixels, width, height, channels: 1 }).mark((_, row) => row.set(squares), threshold)
      const expected = pixels.map((value, at) => {
        const place = Math.max(0, ((at % width) - 16) / 32)
        const [before, after] = [squares[Math.floor(place)]!, squares[Math.floor(place) + 1]!]
        return Number(Math.abs(value - before - ((after - before) / 32) * ((place % 1) * 32)) > threshold)
      })
      assert.deepEqual(marks, expected)
    }
  })
})

describe('the edges of ink', () => {
  const [width, height] = [77, 50]
  const mask = { pixels: noise(width * height, 1), width, height }
  // What stands in the first row has no row before it to differ from.
  mask.pixels.fill(0, 0, width)
  const isInk = (x: number, y: number) => mask.pixels[y * width + x] === 1
  const points = Array.from(mask.pixels.keys(), (at) => [at % width, Math.floor(at / width)] as const)
  const lower = points.filter(([x, y]) => y < height - 1 && isInk(x, y) && !isInk(x, y + 1))
  const left = points.filter(([x, y]) => x > 0 && isInk(x, y) && !isInk(x - 1, y)).map(([x, y]) => [y, x] as const)

  for (const { direction, edges } of [
    { direction: 'lines', edges: lower },
    { direction: 'columns', edges: left },
  ] as const)
    for (const stride of [1, 3])
      it(`have the profile of the ${direction}, by every point of ${stride}`, () => {
        const held = holdEdges(mask, direction)
        assert.equal(held.count, edges.length)
        const profile = held.profile(stride)
        for (const slope of [-0.26, -0.01, 0, 0.13]) {
          const rows = new Map<number, number>()
          for (const [along, across] of edges.filter((_, index) => index % stride === 0)) {
            const row = Math.floor(across - along * slope + 0.5)
            rows.set(row, (rows.get(row) ?? 0) + 1)
          }
          let sharpness = 0
          for (let row = -100; row < 200; row++) sharpness += ((rows.get(row) ?? 0) - (rows.get(row - 1) ?? 0)) ** 2
          assert.equal(profile(slope), sharpness)
        }
      })
})

describe('the pieces of ink', () => {
  const drawn = ['#..##....', '.#..#...#', '....#..#.', '#........']
  const mask = (rows: readonly string[]) => ({
    pixels: Uint8Array.from(rows.join(''), (sign) => Number(sign === '#')),
    width: rows[0]!.length,
    height: rows.length,
  })

  it('are connected by sides and corners, and not around the edges', () => {
    assert.deepEqual(
      [...findComponents(mask(drawn))],
      [
        { left: 0, top: 0, right: 1, bottom: 1, area: 2 },
        { left: 3, top: 0, right: 4, bottom: 2, area: 4 },
        { left: 7, top: 1, right: 8, bottom: 2, area: 2 },
        { left: 0, top: 3, right: 0, bottom: 3, area: 1 },
      ],
    )
  })

  it('end with the first that is too large', () => {
    const areas = (most: number) => [...findComponents(mask(drawn), most)].map(({ area }) => area)
    assert.deepEqual(areas(3), [2, 3])
    assert.deepEqual(areas(4), [2, 4])
    assert.deepEqual(areas(5), [2, 4, 2, 1])
  })
})
