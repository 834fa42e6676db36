import type { Metadata } from 'sharp'
import { unreadableImage } from './file.ts'
import type { ImageFile } from './file.ts'
import { HELD } from './memory.ts'
import type { ImageLimits } from './memory.ts'
import { MAX_PROFILE_BYTES } from './metadata-limits.ts'
import { bytesPerPixel, sharpPage } from './sharp.ts'

// Names from TIFF 6.0 (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf) and BigTIFF.
const NEW_SUBFILE_TYPE = 254
const OLD_SUBFILE_TYPE = 255
const REDUCED_RESOLUTION = 0x1
const TRANSPARENCY_MASK = 0x4
const OLD_REDUCED_RESOLUTION = 2

const PLANAR_CONFIGURATION = 284
const COMPRESSION = 259
const TILE_WIDTH = 322
const TILE_LENGTH = 323
const COLOUR_PROFILE = 34675
const SEPARATE_PLANES = 2
const WEBP = 50_001

/**
 * The tags that say how an image is stored and how it looks. All others are texts, programs' own data and other images,
 * and libtiff reads each: any number of them may share the same bytes.
 */
const KEPT_TAGS = new Set([
  254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 292, 293, 296, 301, 317, 318,
  319, 320, 322, 323, 324, 325, 332, 334, 336, 338, 339, 340, 341, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529,
  530, 531, 532, 32_995, 32_996, 32_997, 34_675, 37_439, 50_674,
]) // prettier-ignore

/** Where the pixels are, and how long: as many as there are strips or tiles. */
const PLACES = new Set([273, 279, 324, 325])
/** A palette of 16 bits a pixel takes 384 KiB. */
const MAX_TAG_BYTES = 512 * 1024

/** No file of `GATEWAY_MAX_DOCUMENT_BYTES` has so many that show anything. */
const MAX_IMAGES = 100_000

/** Without these tags an image looks different, and libtiff decodes it all the same when it cannot read them. */
const ESSENTIAL_TAGS = [258, 273, 279, 320, 324, 325, 347]

/** Bytes of a value by its type, from 1: BYTE, ASCII, SHORT, LONG and on, up to BigTIFF's. */
const TYPE_LENGTHS = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8]

/** How offsets and counts are written in a TIFF. */
interface Layout {
  readonly littleEndian: boolean
  readonly entryLength: number
  readonly countLength: number
  readonly offsetLength: number
}

const classic = { entryLength: 12, countLength: 2, offsetLength: 4 }
const big = { entryLength: 20, countLength: 8, offsetLength: 8 }

/**
 * Opens a TIFF: every image is a page, except previews and masks of other images. A page's header and pixels are read
 * when it is drawn; one page at a time.
 */
export async function openTiff(bytes: Uint8Array<ArrayBuffer>, limits: ImageLimits): Promise<ImageFile> {
  const view = new DataView(bytes.buffer)
  const layout = layoutOf(view)
  const chain = [...directories(view, layout)]
  const pages = pagesAmong(chain, view, layout)
  if (pages.length === 0) throw unreadableImage(new Error('a TIFF without images'))
  // libvips counts a file's images each time it opens one: with 3,000 images that takes longer than all else. So the
  // chain of images is cut, and the image to decode becomes the only one in the file.
  for (const directory of chain) writeOffset(view, directoryEnd(view, layout, directory), 0, layout)
  const page = (number: number) => {
    const directory = pages[number - 1]!
    if (isCutOff(view, layout, directory)) throw unreadableImage(new Error('a TIFF without all its values'))
    leaveOutMetadata(view, layout, directory)
    writeOffset(view, layout.offsetLength, directory, layout)
    return sharpPage(bytes, limits, (metadata) => heldBy(storageOf(view, layout, directory), metadata))
  }
  // If the only page is bad, the document is refused at once.
  if (pages.length === 1) await page(1)
  return { pageCount: pages.length, page: async (number) => page(number) }
}

/** Returns those of a file's images, as the offsets of their directories, that are pages. */
function pagesAmong(chain: readonly number[], view: DataView, layout: Layout): readonly number[] {
  const pages = chain.filter((directory) => !isSecondary(view, layout, directory))
  // If all images are marked as previews, the writer of the file used the mark for something else.
  return pages.length === 0 ? chain : pages
}

function layoutOf(view: DataView): Layout {
  const littleEndian = view.getUint8(0) === 0x49
  return { littleEndian, ...(view.getUint16(2, littleEndian) === 43 ? big : classic) }
}

/** Yields the offset of each image's directory. Ends where the chain leaves the file or repeats itself. */
function* directories(view: DataView, layout: Layout): Generator<number> {
  const { offsetLength } = layout
  const seen = new Set<number>()
  let directory = readNumber(view, offsetLength, offsetLength, layout)
  let length = 0
  while (directory > 0 && !seen.has(directory) && seen.size < MAX_IMAGES) {
    const end = directoryEnd(view, layout, directory)
    length += end - directory
    // Together they are longer than the file only where they overlap, to be read without end.
    if (end + offsetLength > view.byteLength || length > view.byteLength) return
    seen.add(directory)
    yield directory
    directory = readNumber(view, end, offsetLength, layout)
  }
}

/** Returns where a directory's entries end, and the offset of the next directory is. */
function directoryEnd(view: DataView, layout: Layout, directory: number): number {
  const count = readNumber(view, directory, layout.countLength, layout)
  return directory + layout.countLength + count * layout.entryLength
}

/** Whether an image only repeats another at a lower resolution, or is the mask of another. */
function isSecondary(view: DataView, layout: Layout, directory: number): boolean {
  for (const { tag, valueAt } of entries(view, layout, directory)) {
    if (tag === NEW_SUBFILE_TYPE)
      return (readNumber(view, valueAt, 4, layout) & (REDUCED_RESOLUTION | TRANSPARENCY_MASK)) !== 0
    if (tag === OLD_SUBFILE_TYPE) return readNumber(view, valueAt, 2, layout) === OLD_REDUCED_RESOLUTION
  }
  return false
}

/** Whether the file ends before values that it points to. */
function isCutOff(view: DataView, layout: Layout, directory: number): boolean {
  return entries(view, layout, directory).some(({ tag, length, valueAt }) => {
    const isElsewhere = ESSENTIAL_TAGS.includes(tag) && length > layout.offsetLength
    return isElsewhere && readNumber(view, valueAt, layout.offsetLength, layout) + length > view.byteLength
  })
}

/** Takes the tags out of a directory, in place, that neither say how the image is stored nor change how it looks. */
function leaveOutMetadata(view: DataView, layout: Layout, directory: number): void {
  const { countLength, entryLength } = layout
  const seen = new Set<number>()
  let to = directory + countLength
  for (const { tag, length, at } of [...entries(view, layout, directory)]) {
    const most = tag === COLOUR_PROFILE ? MAX_PROFILE_BYTES : PLACES.has(tag) ? Infinity : MAX_TAG_BYTES
    if (!KEPT_TAGS.has(tag) || seen.has(tag) || length > most) continue
    seen.add(tag)
    new Uint8Array(view.buffer).copyWithin(to, at, at + entryLength)
    to += entryLength
  }
  writeNumber(view, directory, (to - directory - countLength) / entryLength, { ...layout, length: countLength })
  writeOffset(view, to, 0, layout)
}

/** How an image's pixels are stored. */
type Storage = ReadonlyMap<number, number>

/** Returns the numbers of those tags that have one each. */
function storageOf(view: DataView, layout: Layout, directory: number): Storage {
  return new Map(
    entries(view, layout, directory).flatMap(({ tag, length, valueAt }) =>
      length === 2 || length === 4 ? [[tag, readNumber(view, valueAt, length, layout)] as const] : [],
    ),
  )
}

/** What libtiff holds: an image of separate planes as a whole, and of tiles a row; else rows are handed on. */
function heldBy(storage: Storage, metadata: Metadata) {
  const bytes = bytesPerPixel(metadata)
  const [tileWidth, tileLength] = [storage.get(TILE_WIDTH), storage.get(TILE_LENGTH)]
  if (tileWidth !== undefined && tileLength !== undefined) {
    const rowWidth = Math.ceil(metadata.width / Math.max(1, tileWidth)) * tileWidth
    return { held: 0, besides: 2 * rowWidth * tileLength * bytes }
  }
  if (storage.get(PLANAR_CONFIGURATION) === SEPARATE_PLANES) return { held: 2 * bytes }
  return { held: storage.get(COMPRESSION) === WEBP ? HELD.webp : 0 }
}

/** One tag of a directory; its value, or where that is, and how long. */
interface Entry {
  readonly tag: number
  readonly length: number
  readonly at: number
  readonly valueAt: number
}

function* entries(view: DataView, layout: Layout, directory: number): Generator<Entry> {
  const { countLength, entryLength, offsetLength } = layout
  const end = directoryEnd(view, layout, directory)
  for (let at = directory + countLength; at < end; at += entryLength) {
    const typeLength = TYPE_LENGTHS[readNumber(view, at + 2, 2, layout)] ?? 0
    const length = typeLength * readNumber(view, at + 4, offsetLength, layout)
    yield { tag: readNumber(view, at, 2, layout), length, at, valueAt: at + 4 + offsetLength }
  }
}

/** Returns an unsigned number of 2, 4 or 8 bytes; 0 where the file has ended. */
function readNumber(view: DataView, at: number, length: number, { littleEndian }: Layout): number {
  if (at + length > view.byteLength) return 0
  if (length === 2) return view.getUint16(at, littleEndian)
  return length === 4 ? view.getUint32(at, littleEndian) : Number(view.getBigUint64(at, littleEndian))
}

function writeOffset(view: DataView, at: number, offset: number, layout: Layout): void {
  writeNumber(view, at, offset, { ...layout, length: layout.offsetLength })
}

function writeNumber(
  view: DataView,
  at: number,
  value: number,
  { littleEndian, length }: { readonly littleEndian: boolean; readonly length: number },
): void {
  if (length === 2) view.setUint16(at, value, littleEndian)
  else if (length === 4) view.setUint32(at, value, littleEndian)
  else view.setBigUint64(at, BigInt(value), littleEndian)
}
