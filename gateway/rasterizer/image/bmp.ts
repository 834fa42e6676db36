import { createCanvas, loadImage } from '@napi-rs/canvas'
import type { Image } from '@napi-rs/canvas'
import sharp from 'sharp'
import type { Sharp } from 'sharp'
import { assertDecodable, decoded, singleImage, unreadableImage } from './file.ts'
import type { ImageFile } from './file.ts'

// https://learn.microsoft.com/en-us/windows/win32/gdi/bitmap-storage
const FILE_HEADER_LENGTH = 14
const OS2_HEADER_LENGTH = 12
const RLE8 = 1
const RLE4 = 2

/** How many pixels are copied from Skia to sharp at a time. */
const BAND_PIXELS = 4_000_000

/** What a BMP's header says. */
interface BmpHeader {
  readonly width: number
  readonly height: number
  /** The length that the file must have to hold all pixels. */
  readonly minimumLength: number
}

/** Opens a BMP of any bit depth, run-length encoding included. Skia decodes it, which libvips cannot. */
export async function openBmp(bytes: Uint8Array<ArrayBuffer>, maxImagePixels: number): Promise<ImageFile> {
  const view = new DataView(bytes.buffer)
  const { width, height, minimumLength } = readHeader(view)
  assertDecodable(width, height, maxImagePixels)
  // Skia would leave missing pixels blank without an error.
  if (bytes.length < minimumLength) throw unreadableImage(new Error('a BMP without all its pixels'))
  // Skia needs the file's length to decode runs, and some writers leave it out.
  view.setUint32(2, bytes.length, true)
  return singleImage({
    width,
    height,
    async decode() {
      const image = await decoded(loadImage(bytes))
      return toSharp(image)
    },
  })
}

function readHeader(view: DataView): BmpHeader {
  try {
    const isOs2 = view.getUint32(FILE_HEADER_LENGTH, true) === OS2_HEADER_LENGTH
    return isOs2 ? readOs2Header(view) : readWindowsHeader(view)
  } catch (error) {
    throw unreadableImage(error)
  }
}

function readOs2Header(view: DataView): BmpHeader {
  const [width, height] = [view.getUint16(18, true), view.getUint16(20, true)]
  return { width, height, minimumLength: plainEnd(view, width, height, view.getUint16(24, true)) }
}

function readWindowsHeader(view: DataView): BmpHeader {
  const width = view.getInt32(18, true)
  // A negative height means that the rows begin at the top.
  const height = Math.abs(view.getInt32(22, true))
  if (width < 1 || height < 1) throw new RangeError(`a BMP of ${width} × ${height} pixels`)
  const compression = view.getUint32(30, true)
  const isRunLength = compression === RLE8 || compression === RLE4
  const minimumLength = isRunLength
    ? view.getUint32(10, true) + view.getUint32(34, true)
    : plainEnd(view, width, height, view.getUint16(28, true))
  return { width, height, minimumLength }
}

/** Rows are padded to four bytes; some writers leave the padding of the last one out. */
function plainEnd(view: DataView, width: number, height: number, bitsPerPixel: number): number {
  const rowLength = Math.ceil((width * bitsPerPixel) / 32) * 4
  return view.getUint32(10, true) + rowLength * (height - 1) + Math.ceil((width * bitsPerPixel) / 8)
}

/** Copies an image's pixels band by band: a canvas for the whole image would double the memory. */
function toSharp(image: Image): Sharp {
  const { width, height } = image
  const bandHeight = Math.max(1, Math.min(height, Math.floor(BAND_PIXELS / width)))
  const canvas = createCanvas(width, bandHeight)
  const context = canvas.getContext('2d')
  const pixels = new Uint8Array(width * height * 3)
  for (let top = 0; top < height; top += bandHeight) {
    context.fillStyle = '#ffffff'
    context.fillRect(0, 0, width, bandHeight)
    context.drawImage(image, 0, -top)
    copyOpaque(canvas.data(), pixels.subarray(top * width * 3, (top + bandHeight) * width * 3))
  }
  // Frees the pixels now: to the garbage collector these are small objects.
  canvas.width = 0
  canvas.height = 0
  return sharp(pixels, { raw: { width, height, channels: 3 }, limitInputPixels: false })
}

function copyOpaque(rgba: Uint8Array, rgb: Uint8Array): void {
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!
    rgb[to + 1] = rgba[from + 1]!
    rgb[to + 2] = rgba[from + 2]!
  }
}
