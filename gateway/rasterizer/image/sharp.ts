import sharp from 'sharp'
import type { Metadata, SharpOptions } from 'sharp'
import { assertDecodable, decoded, singleImage } from './file.ts'
import type { ImageFile, ImagePage } from './file.ts'

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

/** Opens an image of a format that libvips decodes; of several frames, the first. */
export async function openWithSharp(bytes: Uint8Array<ArrayBuffer>, maxImagePixels: number): Promise<ImageFile> {
  return singleImage(await sharpPage(bytes, maxImagePixels))
}

/** Reads the header of an image, or of the first in a file, for libvips to decode. */
export async function sharpPage(bytes: Uint8Array<ArrayBuffer>, maxImagePixels: number): Promise<ImagePage> {
  const metadata = await readMetadata(bytes)
  const bytesPerPixel = metadata.channels * (BYTES_PER_SAMPLE[metadata.depth] ?? 1)
  const fewer = Math.min(1, USUAL_BYTES_PER_PIXEL / bytesPerPixel)
  assertDecodable(metadata.width, metadata.height, Math.floor(maxImagePixels * fewer))
  return {
    ...metadata.autoOrient,
    async decode() {
      return sharp(bytes, { ...readingOptions, limitInputPixels: maxImagePixels }).autoOrient()
    },
  }
}

/** Reads the header of an image, or of the first in a file. Throws `document_unreadable`. */
export function readMetadata(bytes: Uint8Array<ArrayBuffer>): Promise<Metadata> {
  return decoded(sharp(bytes, { ...readingOptions, limitInputPixels: false }).metadata())
}
