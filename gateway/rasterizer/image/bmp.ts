import { createCanvas, loadImage } from '@napi-rs/canvas'
import sharp from 'sharp'
import type { Sharp } from 'sharp'
import { assertDecodable, decoded, singleImage, unreadableImage } from './file.ts'
import type { ImageFile } from './file.ts'
import { assertFits } from './memory.ts'
import type { ImageLimits } from './memory.ts'

// https://learn.microsoft.com/en-us/windows/win32/gdi/bitmap-storage
const FILE_HEADER_LENGTH = 14
const OS2_HEADER_LENGTH = 12
/** The longest header with masks and a palette has less; the rest is a gap, or a profile that Skia does not read. */
const MOST_BEFORE_PIXELS = 2048
const RLE8 = 1
const RLE4 = 2

/** How many pixels Skia decodes, and are copied to sharp, at a time. */
const BAND_PIXELS = 4_000_000

/** Skia's four bytes of a pixel, twice, in an image that it must decode as a whole; and those that sharp is given. */
const HELD_OF_WHOLE = 8
const HELD_OF_BANDS = 3
const BAND_BYTES = 3 * 4 * BAND_PIXELS

/** What a BMP's header says. */
interface BmpHeader {
  readonly width: number
  readonly height: number
  /** The length that the file must have to hold all pixels. */
  readonly minimumLength: number
  /** How the rows lie in the file; null where they are encoded by their runs. */
  readonly rows: BmpRows | null
}

interface BmpRows {
  readonly start: number
  /** Bytes from a row to the next. */
  readonly length: number
  /** The last row of most BMPs comes first. */
  readonly fromTop: boolean
}

/** Opens a BMP of any bit depth, run-length encoding included. Skia decodes it, which libvips cannot. */
export async function openBmp(bytes: Uint8Array<ArrayBuffer>, limits: ImageLimits): Promise<ImageFile> {
  const view = new DataView(bytes.buffer)
  const header = readHeader(view)
  const { width, height, minimumLength, rows } = header
  assertDecodable(width, height, limits.maxImagePixels)
  const held = HELD_OF_BANDS + (rows === null ? HELD_OF_WHOLE : 0)
  assertFits({ width, height, held, passed: 3, besides: BAND_BYTES }, limits)
  // Skia would leave missing pixels blank without an error.
  if (bytes.length < minimumLength) throw unreadableImage(new Error('a BMP without all its pixels'))
  // Skia needs the file's length to decode runs, and some writers leave it out.
  view.setUint32(2, bytes.length, true)
  return singleImage({ width, height, decode: () => decoded(decode(bytes, header)) })
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
  return { width, height, ...plainRows(view, { width, height, bitsPerPixel: view.getUint16(24, true) }) }
}

function readWindowsHeader(view: DataView): BmpHeader {
  const width = view.getInt32(18, true)
  // A negative height means that the rows begin at the top.
  const signedHeight = view.getInt32(22, true)
  const height = Math.abs(signedHeight)
  if (width < 1 || height < 1) throw new RangeError(`a BMP of ${width} × ${height} pixels`)
  const compression = view.getUint32(30, true)
  if (compression === RLE8 || compression === RLE4) {
    return { width, height, minimumLength: view.getUint32(10, true) + view.getUint32(34, true), rows: null }
  }
  const size = { width, height, bitsPerPixel: view.getUint16(28, true), fromTop: signedHeight < 0 }
  return { width, height, ...plainRows(view, size) }
}

interface PlainSize {
  readonly width: number
  readonly height: number
  readonly bitsPerPixel: number
  readonly fromTop?: boolean
}

/** Rows are padded to four bytes; some writers leave the padding of the last one out. */
function plainRows(view: DataView, { width, height, bitsPerPixel, fromTop = false }: PlainSize) {
  const start = view.getUint32(10, true)
  const length = Math.ceil((width * bitsPerPixel) / 32) * 4
  const minimumLength = start + length * (height - 1) + Math.ceil((width * bitsPerPixel) / 8)
  return { minimumLength, rows: { start, length, fromTop } }
}

/** Decodes an image band by band: Skia's image and a canvas for all of it would take four times the memory. */
async function decode(bytes: Uint8Array<ArrayBuffer>, header: BmpHeader): Promise<Sharp> {
  const { width, height, rows } = header
  const bandHeight = Math.max(1, Math.min(height, Math.floor(BAND_PIXELS / width)))
  const whole = rows === null ? await loadImage(bytes) : null
  const canvas = createCanvas(width, bandHeight)
  const context = canvas.getContext('2d')
  const pixels = new Uint8Array(width * height * 3)
  for (let top = 0; top < height; top += bandHeight) {
    context.fillStyle = '#ffffff'
    context.fillRect(0, 0, width, bandHeight)
    const band = { ...header, top, bandHeight: Math.min(bandHeight, height - top) }
    if (whole !== null) context.drawImage(whole, 0, -top)
    else context.drawImage(await loadImage(bandOf(bytes, band)), 0, 0)
    copyOpaque(canvas.data(), pixels.subarray(top * width * 3, (top + bandHeight) * width * 3))
  }
  // Frees the pixels now: to the garbage collector these are small objects.
  canvas.width = 0
  canvas.height = 0
  return sharp(pixels, { raw: { width, height, channels: 3 }, limitInputPixels: false })
}

interface Band extends BmpHeader {
  readonly top: number
  readonly bandHeight: number
}

/** Makes a BMP of some of the rows. */
function bandOf(bytes: Uint8Array<ArrayBuffer>, { height, rows, top, bandHeight }: Band): Buffer {
  const { start, length, fromTop } = rows!
  const first = start + length * (fromTop ? top : height - top - bandHeight)
  const head = bytes.subarray(0, Math.min(start, MOST_BEFORE_PIXELS))
  const band = Buffer.concat([head, bytes.subarray(first, first + length * bandHeight)])
  band.writeUInt32LE(band.length, 2)
  band.writeUInt32LE(head.length, 10)
  if (band.readUInt32LE(FILE_HEADER_LENGTH) === OS2_HEADER_LENGTH) band.writeUInt16LE(bandHeight, 20)
  else {
    band.writeInt32LE(fromTop ? -bandHeight : bandHeight, 22)
    band.writeUInt32LE(0, 34)
  }
  return band
}

function copyOpaque(rgba: Uint8Array, rgb: Uint8Array): void {
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!
    rgb[to + 1] = rgba[from + 1]!
    rgb[to + 2] = rgba[from + 2]!
  }
}
