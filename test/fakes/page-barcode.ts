/** The share of a page's height, from its top, that the barcode takes. */
export const BARCODE_HEIGHT = 0.04

/** Cells across the full width: 12 bits of the number, most significant first, then 4 bits that prove it. */
export const BARCODE_CELLS = 16

const MAX_NUMBER = 4095
const CHECK_MASK = 0b1010

/** Raw pixels, row by row, as sharp gives them. */
export interface Pixels {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: number
}

/** Returns the cells of a page number, true for black. A page without a strip reads as nothing, as 0 has a proof too. */
export function pageBarcode(number: number): readonly boolean[] {
  if (!Number.isInteger(number) || number < 0 || number > MAX_NUMBER) throw new RangeError(`no barcode for ${number}`)
  const bits = (number << 4) | checkOf(number)
  return Array.from({ length: BARCODE_CELLS }, (_, cell) => ((bits >> (BARCODE_CELLS - 1 - cell)) & 1) === 1)
}

/** Reads the page number from the top of a page image; null when there is none, or the page stands on another side. */
export function readPageBarcode(pixels: Pixels): number | null {
  const row = Math.floor((pixels.height * BARCODE_HEIGHT) / 2)
  let bits = 0
  for (let cell = 0; cell < BARCODE_CELLS; cell += 1) {
    const column = Math.floor(((cell + 0.5) * pixels.width) / BARCODE_CELLS)
    const light = brightness(pixels, column, row)
    // Anything in between is no cell of a strip, and no guess is made.
    if (light > 80 && light < 175) return null
    bits = (bits << 1) | (light <= 80 ? 1 : 0)
  }
  const number = bits >> 4
  return (bits & 0b1111) === checkOf(number) ? number : null
}

function checkOf(number: number): number {
  return (number & 0b1111) ^ CHECK_MASK
}

function brightness({ data, width, channels }: Pixels, column: number, row: number): number {
  const at = (row * width + column) * channels
  const colours = Math.min(channels, 3)
  let sum = 0
  for (let channel = 0; channel < colours; channel += 1) sum += data[at + channel] ?? 0
  return sum / colours
}
