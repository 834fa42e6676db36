import type { GrayImage } from './gray.ts'

/**
 * k and R of J. Sauvola and M. Pietikäinen, "Adaptive document image binarization", Pattern Recognition 33 (2000), who
 * set R = 128 for 8 bits and k = 0.5; F. Shafait, D. Keysers and T. M. Breuel, "Efficient implementation of local
 * adaptive thresholding techniques using integral images", SPIE 6815 (2008), measured the best recognition at k = 0.2
 * to 0.34.
 */
const K = 0.2
const R = 128

/** The window is about three lines of 10-point type; Shafait et al. found that its size matters little. */
const WINDOW_SHARE = 1 / 40
const MIN_WINDOW = 15

/**
 * Returns the page in black (0) and white (255): black is what is darker than its surroundings by Sauvola's rule,
 * T = m · (1 + k · (s/R − 1)) for mean m and standard deviation s of the window around each pixel.
 */
export function binarize({ pixels, width, height }: GrayImage): GrayImage {
  const reach = Math.max(MIN_WINDOW, Math.round(Math.max(width, height) * WINDOW_SHARE)) >> 1
  const result = new Uint8Array(pixels.length)
  const columns: ColumnSums = { sums: new Float64Array(width), squares: new Float64Array(width) }
  for (let y = 0; y < Math.min(reach, height); y++) addRow(columns, pixels, y * width, 1)
  for (let y = 0; y < height; y++) {
    if (y + reach < height) addRow(columns, pixels, (y + reach) * width, 1)
    if (y - reach > 0) addRow(columns, pixels, (y - reach - 1) * width, -1)
    const rows = Math.min(height - 1, y + reach) - Math.max(0, y - reach) + 1
    thresholdRow(pixels.subarray(y * width, (y + 1) * width), result.subarray(y * width), columns, { rows, reach })
  }
  return { pixels: result, width, height }
}

/**
 * For each column, the sums over the window's rows. They are updated row by row, and added up pixel by pixel: the
 * result is that of the integral images of Shafait et al., in two rows of memory instead of two images of 64-bit
 * numbers.
 */
interface ColumnSums {
  readonly sums: Float64Array
  readonly squares: Float64Array
}

function addRow({ sums, squares }: ColumnSums, pixels: Uint8Array, start: number, sign: 1 | -1): void {
  for (let x = 0; x < sums.length; x++) {
    const value = pixels[start + x]!
    sums[x]! += sign * value
    squares[x]! += sign * value * value
  }
}

function thresholdRow(
  row: Uint8Array,
  result: Uint8Array,
  { sums, squares }: ColumnSums,
  { rows, reach }: { readonly rows: number; readonly reach: number },
): void {
  const width = row.length
  let [sum, square] = [0, 0]
  for (let x = 0; x < Math.min(reach, width); x++) {
    sum += sums[x]!
    square += squares[x]!
  }
  for (let x = 0; x < width; x++) {
    if (x + reach < width) {
      sum += sums[x + reach]!
      square += squares[x + reach]!
    }
    if (x - reach > 0) {
      sum -= sums[x - reach - 1]!
      square -= squares[x - reach - 1]!
    }
    const count = rows * (Math.min(width - 1, x + reach) - Math.max(0, x - reach) + 1)
    const mean = sum / count
    const deviation = Math.sqrt(Math.max(0, square / count - mean * mean))
    result[x] = row[x]! > mean * (1 + K * (deviation / R - 1)) ? 255 : 0
  }
}
