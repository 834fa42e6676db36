import type { TargetSize } from '../../page/target-size.ts'
import type { Bitmap } from '../../prepare/bitmap.ts'
import { readJpeg2000Header } from '../image/jpeg2000-header.ts'
import type { PdfFile } from '../pdf-file.ts'
import type { Entries, Stream, Streams } from '../pdf-object.ts'
import type { Pdfium } from '../pdfium/module.ts'
import { createPainter, type DecodedImage, type Painter, READ_BEYOND } from '../pdfium/paint.ts'
import type { Pixels } from '../pdfium/pixels.ts'
import { MIN_CHANGE } from '../pdfium/redraw.ts'
import { colourChannels, filterOf, isInverted, isPlain, rawContent, tellingEntries } from './dictionary.ts'
import { decodeBilevel, JBIG2 } from './image.ts'
import { decodeJbig2 } from './jbig2-decoder.ts'
import { recognizeLayers } from './page.ts'
import { createReducer } from './reduce.ts'

interface LayerOptions {
  readonly streams: Streams
  readonly file: PdfFile
  readonly size: TargetSize
  readonly maxImagePixels: number
  readonly isAbandoned: () => boolean
  /** Whether content with a value of /OC is shown; null where that is not known. */
  readonly isShown: (value: readonly string[]) => boolean | null
}

/** The images of a page that shows nothing else, one over the other, as a scanner stores paper, ink and its mask. */
export interface Layers extends Disposable {
  /** Paints them into the memory of the page's pixels. */
  paint(): Pixels
  /** Whether the page would look different without one of its objects. */
  isSeen(object: number): boolean
}

/**
 * Decodes the images of a page that shows one from edge to edge, or several over each other, some through a bilevel mask. Each is
 * decoded once, and its mask straight to the size that is wanted. Returns null for a page that it does not fully understand; the
 * rasterizer draws it.
 */
export async function openLayers(pdfium: Pdfium, page: number, options: LayerOptions): Promise<Layers | null> {
  const objects = recognizeLayers(pdfium, page, options.size)
  if (objects === null) return null
  const found: FoundLayer[] = []
  for (const object of objects) {
    const layer = findLayer(pdfium, object, options)
    if (layer === null) return null
    if (layer !== 'hidden') found.push(layer)
  }
  const bytes = found.reduce((sum, { width, height }) => sum + MAX_CHANNELS * width * height, 0)
  if (found.length === 0 || bytes > MAX_HELD_BYTES) return null
  const shares: (Uint8Array | null)[] = []
  for (const { mask } of found) {
    const share = mask === null ? null : await decodeMask(mask, options)
    if (share === undefined) return null
    shares.push(share)
  }
  return decodeLayers(pdfium, found, shares, options)
}

const MAX_CHANNELS = 4
/** All images of a page are held at once; where they take more, PDFium draws them one by one. */
const MAX_HELD_BYTES = 64 * 2 ** 20

/** A layer before it is decoded. */
interface FoundLayer extends TargetSize {
  /** FPDF_PAGEOBJECT */
  readonly object: number
  readonly mask: Mask | null
}

interface Mask extends TargetSize {
  readonly stream: Stream
  /** It says which pixels are left out, not how far each covers: /Mask, not /SMask. */
  readonly isStencil: boolean
}

/** An image that does not say otherwise is enlarged with steps between its pixels by PDFium, where its area grows by so much or more. */
const MAX_SMOOTH = 8
/** From such a reduction on, PDFium decodes JPEG 2000 at a lower level. */
const MIN_LEVEL = 2

function findLayer(pdfium: Pdfium, object: number, options: LayerOptions): FoundLayer | 'hidden' | null {
  const { streams, file, size, maxImagePixels, isShown } = options
  const content = rawContent(pdfium, object)
  const all = content === null ? [] : streams.dictionariesOf(content)
  // A PDF may hold the same content twice: it is unknown which one is on the page.
  const hidden = all.map((one) => one !== null && one.has('OC') && isShown(one.get('OC')!) === false)
  if (all.length > 0 && hidden.every(Boolean)) return 'hidden'
  const [dictionary] = all
  if (!dictionary || all.some((one) => one === null || tellingEntries(one) !== tellingEntries(dictionary))) return null
  const layer = dictionary.get('OC')
  if (layer !== undefined && isShown(layer) !== true) return null
  if (!all.every((one) => isPlain(unmasked(one!))) || isInverted(dictionary)) return null
  if (colourChannels(dictionary.get('ColorSpace') ?? [], file) === null) return null
  const [width, height] = [Number(dictionary.get('Width')), Number(dictionary.get('Height'))]
  const isSmooth =
    dictionary.get('Interpolate')?.[0] === 'true' || size.width * size.height < MAX_SMOOTH * width * height
  const isLess = width <= size.width && height <= size.height
  const isMore =
    width >= size.width && height >= size.height && width < MIN_LEVEL * size.width && height < MIN_LEVEL * size.height
  if (!(Math.min(width, height) >= 2 && width * height <= maxImagePixels && isSmooth && (isLess || isMore))) return null
  if (!isAsLarge(content!, filterOf(dictionary), { width, height })) return null
  const mask = findMask(dictionary, options)
  return mask === undefined ? null : { object, width, height, mask }
}

const JPEG_2000 = '/JPXDecode'

/** Whether JPEG 2000 has the size that the PDF says: PDFium decodes a larger one as a whole, or as little of it as it draws. */
function isAsLarge(content: Uint8Array<ArrayBuffer>, filter: string, { width, height }: TargetSize): boolean {
  if (filter !== JPEG_2000) return !filter.includes(JPEG_2000)
  try {
    const header = readJpeg2000Header(content)
    return header.width === width && header.height === height && header.components <= MAX_CHANNELS
  } catch {
    return false
  }
}

function unmasked(dictionary: Entries): Entries {
  return new Map([...dictionary].filter(([key]) => !['SMask', 'Mask', 'OC'].includes(key)))
}

/** Returns the mask of an image, null for one that has none, and undefined for one that is not known to be bilevel. */
function findMask(dictionary: Entries, { streams, size, maxImagePixels }: LayerOptions): Mask | null | undefined {
  const [soft, hard] = [dictionary.get('SMask'), dictionary.get('Mask')]
  const reference = soft ?? hard
  if (reference === undefined) return null
  if ((soft !== undefined && hard !== undefined) || !/^\d+ 0 R$/.test(reference.join(' '))) return undefined
  const stream = streams.streamOf(Number(reference[0]))
  if (stream === null) return undefined
  const isStencil = hard !== undefined
  const entries = new Map(stream.dictionary)
  const isOne = entries.get('ImageMask')?.[0] === 'true'
  const isGray = entries.get('ColorSpace')?.join(' ') === '/DeviceGray' && entries.get('BitsPerComponent')?.[0] === '1'
  entries.delete('ImageMask')
  if (isOne !== isStencil || !(isStencil || isGray) || !isPlain(entries)) return undefined
  const [width, height] = [Number(entries.get('Width')), Number(entries.get('Height'))]
  const isReduced = width >= size.width && height >= size.height && width * height <= maxImagePixels
  return isReduced ? { stream, isStencil, width, height } : undefined
}

/** Decodes a mask to how far each pixel covers what is beneath, of 255; undefined where it is damaged or unknown. */
async function decodeMask(
  { stream: { dictionary, content }, isStencil, width, height }: Mask,
  { file, size }: LayerOptions,
): Promise<Uint8Array | undefined> {
  // What is painted through a stencil is 0, and what a soft mask shows is 1.
  const inverted = isInverted(dictionary) !== isStencil
  const filter = filterOf(dictionary)
  const image = { dictionary, filter, width, height, inverted }
  const made: Bitmap | null = decodeBilevel(content, image, file, size)
  if (made !== null) return made.pixels
  if (filter !== JBIG2 || dictionary.has('DecodeParms')) return undefined
  return (await decodeJbig2(content, { width, height, isLightOnDark: inverted }, size))?.pixels
}

/** So many rows are painted with and without an image before they are compared. */
const BAND = 64

function decodeLayers(
  pdfium: Pdfium,
  found: readonly FoundLayer[],
  shares: readonly (Uint8Array | null)[],
  { size, isAbandoned }: LayerOptions,
): Layers | null {
  using releasing = new DisposableStack()
  const painters: { readonly object: number; readonly painter: Painter }[] = []
  for (const [index, layer] of found.entries()) {
    const image = isAbandoned() ? null : decodeImage(pdfium, layer, size, releasing)
    if (image === null) return null
    const painter = releasing.use(createPainter(pdfium, image, shares[index] ?? null, size))
    painters.push({ object: layer.object, painter })
  }
  const { width, height } = size
  const paintRows = (first: number, end: number, to: number, without?: number) => {
    pdfium.bytes(to, 4 * width * (end - first)).fill(255)
    for (const { object, painter } of painters) if (object !== without) painter.paint(first, end, to)
  }
  const count = width * height
  const held = releasing.move()
  return {
    paint() {
      const address = pdfium.pixelRoom(count)
      paintRows(0, height, address)
      return { address, count }
    },
    isSeen(object) {
      if (painters.every((one) => one.object !== object)) return false
      const most = width * Math.min(BAND, height)
      using one = pdfium.allocatePixels(most)
      using other = pdfium.allocatePixels(most)
      for (let first = 0; first < height; first += BAND) {
        const end = Math.min(height, first + BAND)
        paintRows(first, end, one.address)
        paintRows(first, end, other.address, object)
        const pixels = width * (end - first)
        pdfium.pixels.differences({ address: one.address, count: pixels }, { address: other.address, count: pixels })
        const changes = pdfium.bytes(one.address, pixels)
        for (let at = 0; at < pixels; at++) if (changes[at]! > MIN_CHANGE) return true
      }
      return false
    },
    [Symbol.dispose]: () => held.dispose(),
  }
}

/** fpdfview.h: `FPDFBitmap_Gray`, `FPDFBitmap_BGR` and `FPDFBitmap_BGRx`. */
const CHANNELS_BY_FORMAT = new Map<number, 1 | 3 | 4>([
  [1, 1],
  [2, 3],
  [3, 4],
])

/** Decodes an image, without its mask, and reduces one that is larger than the page; it lies in PDFium's memory until it is released. */
function decodeImage(
  pdfium: Pdfium,
  { object, width, height }: FoundLayer,
  size: TargetSize,
  releasing: DisposableStack,
): DecodedImage | null {
  const { library } = pdfium
  const bitmap = library.FPDFImageObj_GetBitmap(object)
  if (bitmap === 0) return null
  releasing.defer(() => library.FPDFBitmap_Destroy(bitmap))
  const channels = CHANNELS_BY_FORMAT.get(library.FPDFBitmap_GetFormat(bitmap))
  if (channels === undefined) return null
  if (library.FPDFBitmap_GetWidth(bitmap) !== width || library.FPDFBitmap_GetHeight(bitmap) !== height) return null
  const [address, stride] = [library.FPDFBitmap_GetBuffer(bitmap), library.FPDFBitmap_GetStride(bitmap)]
  const image = { address, width, height, stride, channels }
  return width <= size.width && height <= size.height ? image : reduced(pdfium, image, size, releasing)
}

function reduced(
  pdfium: Pdfium,
  { address, width, height, stride, channels }: DecodedImage,
  size: TargetSize,
  releasing: DisposableStack,
): DecodedImage | null {
  if (channels === 4) return null
  using reducer = createReducer({ width, height, channels }, size)
  const rows = pdfium.bytes(address, stride * height)
  for (let row = 0; row < height; row++) reducer.add(rows.subarray(row * stride, row * stride + width * channels))
  const { pixels } = reducer.bitmap
  const room = releasing.use(pdfium.allocate(pixels.length + READ_BEYOND))
  pdfium.bytes(room.address, pixels.length).set(pixels)
  return { address: room.address, ...size, stride: size.width * channels, channels }
}
