import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { convert, pixelWork, type Pixels } from '../../../../gateway/rasterizer/pdfium/pixels.ts'

const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: MemoryConstructor } }).WebAssembly
type MemoryConstructor = new (limits: { readonly initial: number }) => { readonly buffer: ArrayBuffer }

const memory = new Memory({ initial: 1 })
const work = pixelWork(memory)
const bytes = (address: number, length: number) => new Uint8Array(memory.buffer, address, length)

const black: readonly number[] = [0, 0, 0, 255]
const white: readonly number[] = [255, 255, 255, 0]
const blue: readonly number[] = [200, 10, 20, 255]
/** Pixels are worked at in groups of sixteen: fewer, more, and an end within a group. */
const COUNTS = [1, 3, 4, 15, 16, 17, 33, 64, 100]

/** Puts pixels where they lie between others, which are coloured. */
function put(pixels: readonly (readonly number[])[], address = 64): Pixels {
  bytes(0, 4096).fill(77)
  bytes(address, 4 * pixels.length).set(pixels.flat())
  return { address, count: pixels.length }
}

function converted(pixels: readonly (readonly number[])[]) {
  const { bitmap, isWhite } = convert({ pixels: work, bytes }, put(pixels), { width: pixels.length, height: 1 })
  const { channels, pixels: found } = bitmap()
  return { channels, isWhite, pixels: [...found] }
}

describe('the pixels of a drawing', () => {
  for (const count of COUNTS) {
    const gray = Array.from({ length: count }, (_, at) => [at * 2, at * 2, at * 2, at])
    it(`become one byte each where none has colour: ${count}`, () => {
      assert.deepEqual(converted(gray), { channels: 1, isWhite: false, pixels: gray.map(([level]) => level) })
    })

    it(`become red, green and blue where a single one has colour: ${count}`, () => {
      for (const place of new Set([0, count >> 1, count - 1])) {
        const pixels = gray.with(place, [...blue])
        const expected = pixels.flatMap(([b, g, r]) => [r, g, b])
        assert.deepEqual(converted(pixels), { channels: 3, isWhite: false, pixels: expected }, `at ${place}`)
      }
    })

    it(`are white, or not, down to the last: ${count}`, () => {
      const blank = Array.from({ length: count }, () => [...white])
      assert.equal(converted(blank).isWhite, true)
      for (const place of [0, count - 1]) {
        assert.equal(converted(blank.with(place, [...black])).isWhite, false)
        assert.equal(converted(blank.with(place, [254, 254, 254, 255])).isWhite, false)
      }
    })

    it(`are compared with others, by the channel that differs most: ${count}`, () => {
      const one = put(gray)
      const other = { address: 2048, count }
      bytes(2048, 4 * count).set(gray.flatMap(([b = 0, g = 0, r = 0], at) => [b, g + (at % 3), r + (at % 5), 99]))
      work.differences(one, other)
      const expected = gray.map((_, at) => Math.max(at % 3, at % 5))
      assert.deepEqual([...bytes(one.address, count)], expected)
    })
  }
})
