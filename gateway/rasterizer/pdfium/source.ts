import { OBJECT_IMAGE, OBJECT_TEXT, TEXT_INVISIBLE } from './content.ts'
import type { Pdfium } from './module.ts'
import type { SourceImage } from '../../prepare/quality.ts'

/** A page with more objects is no scan: a scan has one image and the invisible words over it. */
const MAX_OBJECTS = 20_000
/** An image that covers a smaller share of the page is a picture on it, and not the page. */
const MIN_SHARE = 0.8
const POINTS_PER_INCH = 72

/** fpdf_edit.h: FPDF_IMAGEOBJ_METADATA, of which the fifth field is `bits_per_pixel`. */
const METADATA_BYTES = 28
const BITS_PER_PIXEL = 4

/** An image that may be all that a page shows. */
interface FoundSource {
  /** FPDF_PAGEOBJECT */
  readonly object: number
  readonly image: SourceImage
}

/** Returns the image of a page that shows one image from edge to edge and no text; null for any other page. */
export function findSourceImage(pdfium: Pdfium, page: number): FoundSource | null {
  const { library } = pdfium
  const count = library.FPDFPage_CountObjects(page)
  if (count > MAX_OBJECTS) return null
  let image: number | null = null
  for (let index = 0; index < count; index++) {
    const object = library.FPDFPage_GetObject(page, index)
    const type = library.FPDFPageObj_GetType(object)
    if (type === OBJECT_TEXT && library.FPDFTextObj_GetTextRenderMode(object) !== TEXT_INVISIBLE) return null
    if (type === OBJECT_IMAGE) image = image === null || isLarger(pdfium, object, image) ? object : image
  }
  const found = image === null ? null : describe(pdfium, page, image)
  return image === null || found === null ? null : { object: image, image: found }
}

function describe(pdfium: Pdfium, page: number, image: number): SourceImage | null {
  const { library } = pdfium
  const { width: across, height: down } = boundsOf(pdfium, image)
  // The page's size already has its rotation applied. The share that an object covers is the same either way.
  const area = library.FPDF_GetPageWidthF(page) * library.FPDF_GetPageHeightF(page)
  if (across * down < MIN_SHARE * area) return null
  using room = pdfium.allocate(METADATA_BYTES)
  if (!library.FPDFImageObj_GetImageMetadata(image, page, room.address)) return null
  const metadata = pdfium.integers(room.address, METADATA_BYTES / 4)
  const [width = 0, height = 0] = metadata
  if (width === 0 || height === 0) return null
  const dpi = Math.sqrt((width * height) / (across * down)) * POINTS_PER_INCH
  const bilevel = metadata[BITS_PER_PIXEL] === 1
  const lies = library.FPDFPage_GetRotation(page) % 2 === 1
  return lies ? { width: height, height: width, dpi, bilevel } : { width, height, dpi, bilevel }
}

function isLarger(pdfium: Pdfium, object: number, other: number): boolean {
  const [one, two] = [boundsOf(pdfium, object), boundsOf(pdfium, other)]
  return one.width * one.height > two.width * two.height
}

/** Points. */
function boundsOf(pdfium: Pdfium, object: number): { width: number; height: number } {
  using room = pdfium.allocate(16)
  const { address } = room
  if (!pdfium.library.FPDFPageObj_GetBounds(object, address, address + 4, address + 8, address + 12)) {
    return { width: 0, height: 0 }
  }
  const [left = 0, bottom = 0, right = 0, top = 0] = pdfium.floats(address, 4)
  return { width: right - left, height: top - bottom }
}
