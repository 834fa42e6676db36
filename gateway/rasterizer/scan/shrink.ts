import type { TargetSize } from '../../page/target-size.ts'
import type { Bitmap } from '../../prepare/bitmap.ts'

/** How many pixels of an image become one, along each edge. */
type Factor = 2 | 4

/** Makes a gray image smaller while its rows come, so that it is never in memory as a whole. */
export interface Shrinker {
  /** Takes the next pixels, row after row without gaps; pixels beyond the last row are ignored. */
  add(pixels: Uint8Array): void
  /** Returns the small image, once all rows have come. */
  readonly bitmap: Bitmap
}

/** Returns by how much an image may be shrunk and still be no smaller than a size; null: not at all. */
export function shrinkFactor(stored: TargetSize, size: TargetSize): Factor | null {
  const fits = (factor: number) => stored.width >= factor * size.width && stored.height >= factor * size.height
  return fits(4) ? 4 : fits(2) ? 2 : null
}

/**
 * Averages cells of 2 × 2 or 4 × 4 pixels of a gray image. Rows and columns at the end that fill less than half of a
 * cell are left out, as the nearest whole number of cells shifts the image least.
 */
export function createShrinker({ width, height }: TargetSize, factor: Factor): Shrinker {
  const [columns, rows] = [Math.round(width / factor), Math.round(height / factor)]
  const bitmap = { pixels: new Uint8Array(columns * rows), width: columns, height: rows, channels: 1 as const }
  // Whole words, and room for the last column's copies.
  const stride = Math.ceil(Math.max(width, columns * factor) / 4) * 4
  const band = new Uint8Array(stride * factor)
  const cells = { band: new DataView(band.buffer), stride, columns, out: bitmap.pixels }
  const average = factor === 4 ? averageFours : averageTwos
  let [row, column] = [0, 0]

  const endRow = () => {
    const within = row % factor
    const start = within * stride
    band.fill(band[start + width - 1]!, start + width, start + stride)
    row++
    column = 0
    if (row === height)
      for (let next = within + 1; next < factor; next++) band.copyWithin(next * stride, start, start + stride)
    const filled = Math.ceil(row / factor)
    if ((row % factor === 0 || row === height) && filled <= rows) average(cells, (filled - 1) * columns)
  }

  return {
    bitmap,
    add(pixels) {
      let from = 0
      while (from < pixels.length) {
        if (row === height) return
        const count = Math.min(width - column, pixels.length - from)
        band.set(pixels.subarray(from, from + count), (row % factor) * stride + column)
        from += count
        column += count
        if (column === width) endRow()
      }
    },
  }
}

interface Cells {
  /** As many rows as a cell has. */
  readonly band: DataView
  readonly stride: number
  readonly columns: number
  readonly out: Uint8Array
}

/** Every other byte of a word: their sums have 16 bits to grow. */
const LANES = 0x00ff00ff

/** Averages a band of 4 × 4 cells, a word from each row at a time; writes from `to` on. */
function averageFours({ band, stride, columns, out }: Cells, to: number): void {
  for (let index = 0, at = 0; index < columns; index++, at += 4) {
    const one = band.getUint32(at, true)
    const two = band.getUint32(at + stride, true)
    const three = band.getUint32(at + 2 * stride, true)
    const four = band.getUint32(at + 3 * stride, true)
    const even = (one & LANES) + (two & LANES) + (three & LANES) + (four & LANES)
    const odd = ((one >>> 8) & LANES) + ((two >>> 8) & LANES) + ((three >>> 8) & LANES) + ((four >>> 8) & LANES)
    const sum = even + odd
    out[to + index] = ((sum & 0xffff) + (sum >>> 16) + 8) >> 4
  }
}

/** Averages a band of 2 × 2 cells, two of them at a time; writes from `to` on. */
function averageTwos({ band, stride, columns, out }: Cells, to: number): void {
  for (let index = 0, at = 0; index < columns; index += 2, at += 4) {
    const one = band.getUint32(at, true)
    const two = band.getUint32(at + stride, true)
    const sum = (one & LANES) + ((one >>> 8) & LANES) + (two & LANES) + ((two >>> 8) & LANES) + 0x00020002
    out[to + index] = (sum & 0xffff) >> 2
    if (index + 1 < columns) out[to + index + 1] = sum >>> 18
  }
}
