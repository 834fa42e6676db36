import sharp from 'sharp'
import type { PageImage } from '../page/page.ts'
import { type Bitmap, toGray } from './bitmap.ts'
import { encodePng, encodeSmallPng } from './png.ts'

export { type Bitmap, toGray } from './bitmap.ts'

/** Measured on text and scans at 1540 pixels: level 6 is a fifth smaller and takes two and a half times as long. */
const PNG_COMPRESSION_LEVEL = 1

const JPEG_QUALITY = 95

/** Gray pages of at most so many pixels are packed at once. At 1.8 million, dense text takes a quarter longer so. */
const SMALL_PIXELS = 2 ** 19

/** The longest edge of a preview, in pixels. */
const PREVIEW_EDGE = 800
/** Of a page of text, 60 to 90 KB. */
const PREVIEW_QUALITY = 70

/** Makes a small JPEG of a page's pixels, for people to look at. */
export async function encodePreview({ pixels, channels, ...size }: Bitmap): Promise<Uint8Array<ArrayBuffer>> {
  const image = sharp(pixels, { raw: { ...size, channels }, limitInputPixels: false })
  const small = image.resize({ width: PREVIEW_EDGE, height: PREVIEW_EDGE, fit: 'inside', withoutEnlargement: true })
  const plain = channels === 1 ? small.toColourspace('b-w') : small.removeAlpha()
  return new Uint8Array(await plain.jpeg({ quality: PREVIEW_QUALITY }).toBuffer())
}

/**
 * Encodes a page's pixels; as 8-bit gray when they have no colour, which halves the bytes. `isScan`: they come from an image
 * that fills the page.
 */
export async function encode(
  bitmap: Bitmap,
  mediaType: PageImage['mediaType'],
  isScan = false,
): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height } = bitmap
  const gray = toGray(bitmap)
  const pixels = gray ?? bitmap.pixels
  const channels = gray === null ? bitmap.channels : 1
  // Letters that a page of text draws come again to the pixel, and zlib finds them.
  const isOurs = channels === 3 || (channels === 1 && isScan)
  if (mediaType === 'image/png' && isOurs) return encodePng({ pixels, width, height, channels })
  if (mediaType === 'image/png' && channels === 1 && pixels.length <= SMALL_PIXELS) {
    return encodeSmallPng(pixels, width, height)
  }
  const image = sharp(pixels, { raw: { width, height, channels }, limitInputPixels: false })
  const plain = gray === null ? image.removeAlpha() : image.toColourspace('b-w')
  const encoded =
    mediaType === 'image/png'
      ? plain.png({ compressionLevel: PNG_COMPRESSION_LEVEL })
      : plain.jpeg({ quality: JPEG_QUALITY, chromaSubsampling: '4:4:4', optimiseCoding: false })
  // A copy, because the encoder's memory cannot be transferred to another thread.
  return new Uint8Array(await encoded.toBuffer())
}
