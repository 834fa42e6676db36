import { areaOf, intersect } from '../scan/geometry.ts'
import { withinClip } from '../scan/page.ts'
import { OBJECT_IMAGE, OBJECT_TEXT, TEXT_INVISIBLE } from './content.ts'
import type { Pdfium } from './module.ts'
import { boundsOf, pageBox } from './text-content.ts'
import type { SourceImage } from '../../prepare/quality.ts'

/** A page with more objects is no scan: a scan has one image and the invisible words over it. */
const MAX_OBJECTS = 20_000
/** An image that covers a smaller share of the page is a picture on it, and not the page. */
const MIN_SHARE = 0.8
const POINTS_PER_INCH = 72
/** Of an image's shorter side, in pixels: a smaller one is a colour or a pattern, which no letter has room in. */
const MIN_SIDE = 8

/** fpdf_edit.h: FPDF_IMAGEOBJ_METADATA, of which the fifth field is `bits_per_pixel`. */
const METADATA_BYTES = 28
const BITS_PER_PIXEL = 4
const JPEG_2000 = 'JPXDecode'

/** An image that may be all that a page shows. */
interface FoundSource {
  /** FPDF_PAGEOBJECT */
  readonly object: number
  readonly image: SourceImage
}

/** Of more images over the whole page, all but the last are hardly seen. */
const MAX_CANDIDATES = 3

/**
 * Returns the images that may be all that a page without text shows from edge to edge, the likeliest first; a layer may
 * hide them. None for any other page.
 */
export function findSourceImages(pdfium: Pdfium, page: number): readonly FoundSource[] {
  const { library } = pdfium
  const count = library.FPDFPage_CountObjects(page)
  if (count > MAX_OBJECTS) return []
  const images: number[] = []
  for (let index = 0; index < count; index++) {
    const object = library.FPDFPage_GetObject(page, index)
    const type = library.FPDFPageObj_GetType(object)
    if (type === OBJECT_TEXT && library.FPDFTextObj_GetTextRenderMode(object) !== TEXT_INVISIBLE) return []
    if (type === OBJECT_IMAGE) images.push(object)
  }
  return images
    .map((object) => ({ object, seen: seenArea(pdfium, page, object) }))
    .toSorted((one, other) => other.seen - one.seen)
    .slice(0, MAX_CANDIDATES)
    .flatMap(({ object, seen }) => {
      const image = describe(pdfium, page, object, seen)
      return image === null ? [] : [{ object, image }]
    })
}

/** Returns the area of an image within the page and its clip, in square points. */
function seenArea(pdfium: Pdfium, page: number, image: number): number {
  using room = pdfium.allocate(16)
  const bounds = boundsOf(pdfium, image, room.address)
  return areaOf(withinClip(pdfium, image, intersect(bounds, pageBox(pdfium, page, room.address))))
}

function describe(pdfium: Pdfium, page: number, image: number, seen: number): SourceImage | null {
  const { library } = pdfium
  using room = pdfium.allocate(METADATA_BYTES)
  const box = pageBox(pdfium, page, room.address)
  const bounds = boundsOf(pdfium, image, room.address)
  if (seen < MIN_SHARE * areaOf(box)) return null
  if (!library.FPDFImageObj_GetImagePixelSize(image, room.address, room.address + 4)) return null
  const [width = 0, height = 0] = pdfium.integers(room.address, 2)
  if (Math.min(width, height) < MIN_SIDE) return null
  const dpi = Math.sqrt((width * height) / areaOf(bounds)) * POINTS_PER_INCH
  const bilevel = isBilevel(pdfium, page, image)
  const lies = library.FPDFPage_GetRotation(page) % 2 === 1
  return lies ? { width: height, height: width, dpi, bilevel } : { width, height, dpi, bilevel }
}

/** Whether an image has one bit a pixel. To tell that of JPEG 2000, which PDFium makes 8 bits of, it would be decoded. */
function isBilevel(pdfium: Pdfium, page: number, image: number): boolean {
  const { library } = pdfium
  using room = pdfium.allocate(METADATA_BYTES)
  const last = library.FPDFImageObj_GetImageFilterCount(image) - 1
  const length = last < 0 ? 0 : library.FPDFImageObj_GetImageFilter(image, last, room.address, METADATA_BYTES)
  const filter = Buffer.from(pdfium.bytes(room.address, Math.min(length, METADATA_BYTES))).toString('latin1')
  if (filter === `${JPEG_2000}\0`) return false
  if (!library.FPDFImageObj_GetImageMetadata(image, page, room.address)) return false
  return pdfium.integers(room.address, METADATA_BYTES / 4)[BITS_PER_PIXEL] === 1
}
