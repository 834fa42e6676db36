import { createInflate } from 'node:zlib'
import sharp from 'sharp'
import type { Sharp } from 'sharp'
import type { TargetSize } from '../../page/target-size.ts'
import type { Bitmap } from '../../prepare/bitmap.ts'
import { assertFewScans, reduceJpeg } from '../image/jpeg.ts'
import type { Pdfium } from '../pdfium/module.ts'
import { shrinkBilevel } from './bilevel.ts'
import { createReducer } from './reduce.ts'

/** Nearer to PDFium's own reduction than `linear`, and a quarter cheaper than `lanczos3`. */
const KERNEL = 'cubic'

/**
 * From such a reduction on, sharp has libjpeg decode a JPEG at a half, a quarter or an eighth of its size. Below it libjpeg
 * decodes everything, and reducing that is ours.
 */
const MIN_JPEG_REDUCTION = 3
/** A larger image is not held as a whole, in bytes: a page of A3 at 300 dpi in colour takes less. */
const MAX_WHOLE_BYTES = 64 * 2 ** 20

/**
 * Decodes a JPEG and reduces it to a size.
 * Null when it is damaged, or of another size or with other channels than the PDF says.
 * Throws `page_too_large` for more scans than there is time for.
 */
export async function decodeJpeg(
  content: Uint8Array<ArrayBuffer>,
  stored: TargetSize & { readonly colours: 0 | 1 | 3 },
  size: TargetSize,
): Promise<Bitmap | null> {
  const outline = reduceJpeg(content)
  if (outline?.width !== stored.width || outline.height !== stored.height) return null
  assertFewScans(outline)
  try {
    // A viewer uses the PDF's colour space, not the profile within the JPEG.
    const image = sharp(content, { failOn: 'error', limitInputPixels: false, ignoreIcc: true })
    const { channels } = await image.metadata()
    if ((channels !== 1 && channels !== 3) || (stored.colours !== 0 && stored.colours !== channels)) return null
    const reduction = Math.min(stored.width / size.width, stored.height / size.height)
    const isHeld = stored.width * stored.height * channels <= MAX_WHOLE_BYTES
    if (reduction >= MIN_JPEG_REDUCTION || !isHeld) return await resized(image, size, channels)
    const whole = await image
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer()
    using reducer = createReducer({ ...stored, channels }, size)
    reducer.add(whole)
    release(whole)
    return reducer.bitmap
  } catch {
    return null
  }
}

/** Gives memory back at once: V8 would look through all of its heap every 64 MB to find out that nobody needs it. */
function release({ buffer, byteLength }: Buffer): void {
  // Small buffers share their memory with others.
  if (buffer.byteLength === byteLength) (buffer as ArrayBuffer).transfer(0)
}

/** fpdfview.h: `FPDFBitmap_Gray` and `FPDFBitmap_BGR`; bilevel images come as gray. */
const CHANNELS_BY_FORMAT = new Map<number, 1 | 3>([
  [1, 1],
  [2, 3],
])

/** Some writers add a line feed at the end, or a few bytes more. */
const MAX_EXCESS_BYTES = 64
/** As much as stays in a core's cache; a quarter of it takes a third more time. */
const CHUNK_BYTES = 2 ** 18

/**
 * Decodes an image of 8 bits per channel and no predictor with zlib, and reduces it piece by piece. Null when it is
 * damaged.
 */
export async function decodeFlate(
  content: Uint8Array,
  stored: TargetSize & { readonly channels: 1 | 3 },
  size: TargetSize,
): Promise<Bitmap | null> {
  using reducer = createReducer(stored, size)
  const wanted = stored.width * stored.height * stored.channels
  const inflate = createInflate({ chunkSize: CHUNK_BYTES })
  inflate.end(content)
  let length = 0
  try {
    for await (const piece of inflate as AsyncIterable<Buffer>) {
      length += piece.length
      if (length > wanted + MAX_EXCESS_BYTES) return null
      reducer.add(piece)
      // The stream has taken new memory when it has filled this.
      if (piece.length === CHUNK_BYTES) release(piece)
    }
  } catch {
    return null
  }
  return length < wanted ? null : reducer.bitmap
}

/** Decodes an image with PDFium at its own size, and reduces it. Null for what does not come as gray or as RGB. */
export function decodeWithPdfium(pdfium: Pdfium, image: number, size: TargetSize): Bitmap | null {
  const { library } = pdfium
  const bitmap = library.FPDFImageObj_GetBitmap(image)
  if (bitmap === 0) return null
  try {
    const channels = CHANNELS_BY_FORMAT.get(library.FPDFBitmap_GetFormat(bitmap))
    const [width, height] = [library.FPDFBitmap_GetWidth(bitmap), library.FPDFBitmap_GetHeight(bitmap)]
    const stride = library.FPDFBitmap_GetStride(bitmap)
    if (channels === undefined || stride % channels !== 0) return null
    const pixels = pdfium.bytes(library.FPDFBitmap_GetBuffer(bitmap), stride * height)
    const bilevel = channels === 1 ? shrinkBilevel(pixels, { width, height, stride }, size) : null
    if (bilevel !== null) return bilevel
    using reducer = createReducer({ width, height, channels }, size)
    for (let row = 0; row < height; row++) reducer.add(pixels.subarray(row * stride, row * stride + width * channels))
    return channels === 1 ? reducer.bitmap : { ...reducer.bitmap, pixels: swapped(reducer.bitmap.pixels) }
  } finally {
    library.FPDFBitmap_Destroy(bitmap)
  }
}

/** Converts blue, green, red to red, green, blue. */
function swapped(pixels: Uint8Array): Uint8Array {
  for (let at = 0; at < pixels.length; at += 3) {
    const blue = pixels[at]!
    pixels[at] = pixels[at + 2]!
    pixels[at + 2] = blue
  }
  return pixels
}

async function resized(image: Sharp, { width, height }: TargetSize, channels: 1 | 3): Promise<Bitmap> {
  const pixels = await image
    .resize({ width, height, fit: 'fill', kernel: KERNEL, fastShrinkOnLoad: true })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer()
  return { pixels, width, height, channels }
}
