import { GatewayError } from '../../errors.ts'

/** What may be decoded. */
export interface ImageLimits {
  /** Pixels of one image. */
  readonly maxImagePixels: number
  /** Bytes that decoding one image may take, beside the file. */
  readonly maxMemoryBytes: number
}

/** What decoding an image takes, by its header. */
interface DecodingCost {
  /** As stored, in pixels. */
  readonly width: number
  readonly height: number
  /** Bytes a pixel that are held of the whole image. */
  readonly held: number
  /** Bytes a pixel of the rows that are handed on. */
  readonly passed: number
  /** Further bytes, whatever the image's size. */
  readonly besides?: number
}

/**
 * What decoders hold of a whole image, in bytes a pixel; the others hand on rows. Peaks of resident memory, measured on
 * pages and noise of 12 to 60 megapixels: docs/decisions/2026-11-28-decoder-memory.md.
 */
export const HELD = {
  webp: 8,
  webpReduced: 1.2,
  losslessWebpReduced: 5,
  gif: 4,
  avif: 17,
  /** Of 10 and 12 bits a sample. */
  deepAvif: 23,
  heic: 9.5,
  /** OpenJPEG's four bytes a sample, and the pixels that it makes of them. */
  jpeg2000: 2.7,
  jpeg2000Sample: 4.5,
  deepHeic: 12,
} as const

/** Code, tables and the drawing of the page. */
const BASE_BYTES = 60 * 2 ** 20

/** How many rows are held at once while an image is reduced: so many at most, and of low images so many. */
const MOST_ROWS = 1400
const FEWEST_ROWS = 250
const SHARE_OF_ROWS = 0.6

/** Returns the bytes that decoding and reducing an image takes. */
function decodingBytes({ width, height, held, passed, besides = 0 }: DecodingCost): number {
  const rows = Math.min(MOST_ROWS, FEWEST_ROWS + SHARE_OF_ROWS * height)
  return BASE_BYTES + besides + width * height * held + width * passed * rows
}

/** Throws `page_too_large` when decoding an image would take more memory than it may. `remedy` is a sentence. */
export function assertFits(cost: DecodingCost, limits: ImageLimits, remedy?: string): void {
  if (!fits(cost, limits)) throw doesNotFit(cost, limits, remedy)
}

/** Whether decoding an image takes no more memory than it may. */
export function fits(cost: DecodingCost, { maxMemoryBytes }: ImageLimits): boolean {
  return decodingBytes(cost) <= maxMemoryBytes
}

/** Makes the failure of an image that would take too much memory. */
export function doesNotFit(cost: DecodingCost, { maxMemoryBytes }: ImageLimits, remedy = SMALLER): GatewayError {
  const { width, height } = cost
  const message = `Decoding the image of ${width} × ${height} pixels would take ${inMegabytes(decodingBytes(cost))} MB, of at most ${inMegabytes(maxMemoryBytes)}. ${remedy}`
  return new GatewayError('page_too_large', message)
}

const SMALLER = 'Send it at a lower resolution.'

function inMegabytes(bytes: number): number {
  return Math.ceil(bytes / 1e6)
}
