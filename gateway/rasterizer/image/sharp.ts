import sharp from 'sharp'
import type { Metadata, SharpOptions } from 'sharp'
import { assertDecodable, decoded, singleImage } from './file.ts'
import type { ImageFile, ImagePage } from './file.ts'
import { assertFits } from './memory.ts'
import type { ImageLimits } from './memory.ts'

// It would decode a phone's photo and its gain map as wholes, and show the same as the JPEG within.
sharp.block({ operation: ['VipsForeignLoadUhdr'] })

/** Broken pixels are an error; a decoder's mere warnings (a stray byte between markers) are not. */
const readingOptions = { failOn: 'error', pages: 1 } as const satisfies SharpOptions

/**
 * Four channels of 16 bits. An image with more bytes per pixel may have fewer pixels, so that memory stays the same.
 */
const USUAL_BYTES_PER_PIXEL = 8

const BYTES_PER_SAMPLE: Readonly<Record<string, number>> = {
  char: 1,
  uchar: 1,
  short: 2,
  ushort: 2,
  int: 4,
  uint: 4,
  float: 4,
  complex: 8,
  double: 8,
  dpcomplex: 16,
}

/** What a decoder holds besides the rows that it hands on. */
interface Held {
  /** Of the whole image, in bytes a pixel. */
  readonly held: number
  /** Of a size of its own. */
  readonly besides?: number
  readonly shrinksOnLoad?: boolean
  /** What to do when that is too much. */
  readonly remedy?: string
}

/** Opens an image of a format that libvips decodes; of several frames, the first. Its metadata must be few. */
export async function openWithSharp(
  bytes: Uint8Array<ArrayBuffer>,
  limits: ImageLimits,
  heldBy: (metadata: Metadata) => Held,
): Promise<ImageFile> {
  return singleImage(await sharpPage(bytes, limits, heldBy))
}

/** Reads the header of an image, or of the first in a file, for libvips to decode. */
export async function sharpPage(
  bytes: Uint8Array<ArrayBuffer>,
  limits: ImageLimits,
  heldBy: (metadata: Metadata) => Held,
): Promise<ImagePage> {
  const { maxImagePixels } = limits
  const metadata = await readMetadata(bytes)
  const { width, height } = metadata
  const passed = bytesPerPixel(metadata)
  const fewer = Math.min(1, USUAL_BYTES_PER_PIXEL / passed)
  assertDecodable(width, height, Math.floor(maxImagePixels * fewer))
  const { remedy, shrinksOnLoad = false, ...held } = heldBy(metadata)
  assertFits({ width, height, passed, ...held }, limits, remedy)
  return {
    ...metadata.autoOrient,
    shrinksOnLoad,
    async decode() {
      return sharp(bytes, { ...readingOptions, limitInputPixels: maxImagePixels }).autoOrient()
    },
  }
}

/** Returns the bytes of a decoded pixel. */
export function bytesPerPixel({ channels, depth }: Metadata): number {
  return channels * (BYTES_PER_SAMPLE[depth] ?? 1)
}

/** Reads the header of an image, or of the first in a file. Throws `document_unreadable`. */
export function readMetadata(bytes: Uint8Array<ArrayBuffer>): Promise<Metadata> {
  return decoded(sharp(bytes, { ...readingOptions, limitInputPixels: false }).metadata())
}
