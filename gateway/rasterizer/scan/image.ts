import sharp from 'sharp'
import type { Sharp } from 'sharp'
import type { TargetSize } from '../../page/target-size.ts'
import type { Bitmap } from '../../prepare/bitmap.ts'
import type { PdfFile } from '../pdf-file.ts'
import type { Entries, Streams } from '../pdf-object.ts'
import type { Pdfium } from '../pdfium/module.ts'
import { decodeG4, decodeRegion } from './bilevel.ts'
import { decodeFlate, decodeJpeg, decodeWithPdfium } from './decode.ts'
import { colourChannels, filterOf, isAlike, isInverted, isPlain, rawContent } from './dictionary.ts'
import { readFax } from './fax.ts'
import { readJbig2 } from './jbig2.ts'
import { recognizeScan, type ScanPage } from './page.ts'

const FAX = '/CCITTFaxDecode'
/** A filter's name. */
export const JBIG2 = '/JBIG2Decode'
const DECODED_BY_PDFIUM = [FAX, JBIG2, '/FlateDecode', '/LZWDecode', '/RunLengthDecode']

interface ScanOptions {
  readonly streams: Streams
  readonly file: PdfFile
  readonly size: TargetSize
  readonly maxImagePixels: number
  /** Whether a layer of the document may be switched off. */
  readonly mayHideLayer: () => boolean
}

/** The pixels of an image that a page shows from edge to edge, and how it lies there. */
export interface Scan extends Pick<ScanPage, 'image' | 'hides' | 'isCovered'> {
  readonly bitmap: Bitmap
}

/**
 * Makes the pixels of an image that covers a page without drawing the page: decodes the image, at a fraction of its size
 * where possible, and resizes it. Returns null for a page that it does not fully understand; the rasterizer draws it.
 */
export async function drawScan(
  pdfium: Pdfium,
  page: number,
  { streams, file, size, maxImagePixels, mayHideLayer }: ScanOptions,
): Promise<Scan | null> {
  const scan = recognizeScan(pdfium, page, size, mayHideLayer)
  if (scan === null) return null
  const content = rawContent(pdfium, scan.image)
  if (content === null) return null
  const dictionaries = streams.dictionariesOf(content)
  const [dictionary] = dictionaries
  if (!dictionary || !isPlain(dictionary) || dictionaries.some((one) => !isAlike(one, dictionary))) return null
  const filter = filterOf(dictionary)
  const colours = colourChannels(dictionary.get('ColorSpace') ?? [], file)
  if (colours === null) return null
  const { whole, orientation } = scan
  const stored = orientation.angle === 0 ? whole : { width: whole.height, height: whole.width }
  const [width, height] = [Number(dictionary.get('Width')), Number(dictionary.get('Height'))]
  // The rasterizer enlarges at less cost, and has the error message for the limit.
  if (!(width >= stored.width && height >= stored.height && width * height <= maxImagePixels)) return null
  const image = { dictionary, filter, colours, width, height }
  const bilevel =
    colours === 1 ? decodeBilevel(content, { ...image, inverted: isInverted(dictionary) }, file, stored) : null
  const bitmap = bilevel ?? (await decode(pdfium, scan, content, image, stored))
  if (bitmap === null) return null
  const { image: object, hides, isCovered } = scan
  return { image: object, hides, isCovered, bitmap: whitened(await onPage(bitmap, scan, size), scan.white) }
}

interface StoredImage extends TargetSize {
  readonly dictionary: Entries
  readonly filter: string
  readonly colours: 0 | 1 | 3
}

interface BilevelImage extends Omit<StoredImage, 'colours'> {
  /** Whether what the code calls black is light, or the other way round where it says so itself. */
  readonly inverted: boolean
}

/** Decodes a gray image of CCITT group 4 or JBIG2; null for one that the decoders do not know, or that is damaged. */
export function decodeBilevel(
  content: Uint8Array,
  { dictionary, filter, width, height, inverted }: BilevelImage,
  file: PdfFile,
  size: TargetSize,
): Bitmap | null {
  if (filter === FAX) {
    const image = readFax(dictionary, { width, height }, inverted, file)
    return image === null ? null : decodeG4(content, image, size)
  }
  if (filter !== JBIG2 || dictionary.has('DecodeParms')) return null
  const region = readJbig2(content, { width, height })
  return region === null ? null : decodeRegion({ ...region, isLightOnDark: inverted }, size)
}

/** Decodes the image to a size, in the orientation in which it is stored. */
async function decode(
  pdfium: Pdfium,
  scan: ScanPage,
  content: Uint8Array<ArrayBuffer>,
  { dictionary, filter, colours, width, height }: StoredImage,
  size: TargetSize,
): Promise<Bitmap | null> {
  if (isInverted(dictionary)) return null
  const hasParameters = dictionary.has('DecodeParms')
  if (filter === '/DCTDecode') return hasParameters ? null : decodeJpeg(content, { width, height, colours }, size)
  if (!DECODED_BY_PDFIUM.includes(filter)) return null
  const isBytes = filter === '/FlateDecode' && dictionary.get('BitsPerComponent')?.[0] === '8' && !hasParameters
  // Gray or RGB in an ICC space: PDFium finds out how many channels there are.
  const isPdfiums = !isBytes || colours === 0
  // PDFium draws what is over the image, and then the image is drawn at no more cost.
  if (isPdfiums) return scan.isCovered ? null : decodeWithPdfium(pdfium, scan.image, size)
  return decodeFlate(content, { width, height, channels: colours }, size)
}

/** Turns the image upright and cuts off what lies outside of the page. */
async function onPage(bitmap: Bitmap, { orientation, whole, left, top }: ScanPage, size: TargetSize): Promise<Bitmap> {
  const { flop, flip, angle } = orientation
  const isWhole = whole.width === size.width && whole.height === size.height
  if (isWhole && !flop && !flip && angle === 0) return bitmap
  const { channels } = bitmap
  const image = opened(bitmap)
    .flop(flop)
    .flip(flip)
    .rotate(angle)
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
  const turned = { ...bitmap, ...whole, pixels: await image.raw().toBuffer() }
  if (isWhole) return turned
  const part = opened(turned)
    .extract({ left, top, ...size })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
  return { ...size, channels, pixels: await part.raw().toBuffer() }
}

function opened({ pixels, width, height, channels }: Bitmap): Sharp {
  return sharp(pixels, { raw: { width, height, channels }, limitInputPixels: false })
}

/** Whitens so many rows and columns at the top, right, bottom and left. */
function whitened(bitmap: Bitmap, [above = 0, right = 0, below = 0, left = 0]: readonly number[]): Bitmap {
  const { pixels, width, height, channels } = bitmap
  const stride = width * channels
  pixels.fill(255, 0, above * stride)
  pixels.fill(255, (height - below) * stride)
  for (let start = 0; start < pixels.length; start += stride) {
    pixels.fill(255, start, start + left * channels)
    pixels.fill(255, start + stride - right * channels, start + stride)
  }
  return bitmap
}
