import { readFileSync } from 'node:fs'
import type { TargetSize } from '../../page/target-size.ts'
import type { Bitmap } from '../../prepare/bitmap.ts'
import type { Pdfium } from './module.ts'

/** Pixels in PDFium's memory: blue, green, red and a byte that means nothing, without gaps between rows. */
export interface Pixels {
  readonly address: number
  /** How many there are. */
  readonly count: number
}

/** What is done to all pixels of a drawing, in PDFium's memory, where `ROOM_BEYOND` bytes follow the pixels. */
export interface PixelWork {
  /** Tells whether all pixels are white, or gray, or some have colour. */
  look(pixels: Pixels): 'white' | 'gray' | 'coloured'
  /** Makes each pixel one byte, in place; only for gray ones. Returns how many bytes they take. */
  toGray(pixels: Pixels): number
  /** Makes each pixel red, green and blue, in place. Returns how many bytes they take. */
  toRgb(pixels: Pixels): number
  /**
   * Writes how far two drawings of the same size differ at each pixel, in levels of a channel and one byte each, over
   * the first of them.
   */
  differences(one: Pixels, other: Pixels): void
}

/** Pixels are changed in groups: the last one may reach so far beyond them, in bytes. */
export const ROOM_BEYOND = 60

/** What pixels.as exports. */
interface Exports {
  readonly look: (at: number, end: number) => 0 | 1 | 2
  readonly toGray: (at: number, end: number) => void
  readonly toRgb: (at: number, end: number) => void
  readonly differences: (one: number, other: number, end: number) => void
}

const end = ({ address, count }: Pixels): number => address + 4 * count
const LOOKS = ['white', 'gray', 'coloured'] as const

/** Loads what works on the pixels in one memory: that of an instance of PDFium. */
export function pixelWork(memory: object): PixelWork {
  const module = new WebAssembly.Module(readFileSync(new URL('pixels.wasm', import.meta.url)))
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const { look, toGray, toRgb, differences } = exports as unknown as Exports
  return {
    look: (pixels) => LOOKS[look(pixels.address, end(pixels))],
    toGray(pixels) {
      toGray(pixels.address, end(pixels))
      return pixels.count
    },
    toRgb(pixels) {
      toRgb(pixels.address, end(pixels))
      return 3 * pixels.count
    },
    differences: (one, other) => differences(one.address, other.address, end(one)),
  }
}

/** A drawing's pixels as a bitmap, and whether all of them are white. */
export interface Converted {
  readonly bitmap: () => Bitmap
  readonly isWhite: boolean
}

/**
 * Converts a drawing where it lies: to gray when no pixel has colour, else to RGB. With new memory for each page, V8
 * would collect its whole heap once a page. Returns the bitmap anew at each call: PDFium's memory moves when it grows.
 */
export function convert(
  { pixels: work, bytes }: Pick<Pdfium, 'pixels' | 'bytes'>,
  pixels: Pixels,
  size: TargetSize,
): Converted {
  const look = work.look(pixels)
  const isColoured = look === 'coloured'
  const length = isColoured ? work.toRgb(pixels) : work.toGray(pixels)
  const form = isColoured ? ({ channels: 3, hasColour: true } as const) : ({ channels: 1 } as const)
  return {
    bitmap: () => ({ pixels: bytes(pixels.address, length), width: size.width, height: size.height, ...form }),
    isWhite: look === 'white',
  }
}
