import type { PageWarning } from '../page/page.ts'
import type { Bitmap } from './bitmap.ts'
import { SURE_SKEW, type Skew } from './skew.ts'

/** What is known of the raster image that a page is, before it was drawn. */
export interface SourceImage {
  /** Pixels, upright. */
  readonly width: number
  readonly height: number
  /**
   * Dots per inch, from an image that fills a PDF's page or from a scanner's metadata; null without a credible value.
   */
  readonly dpi: number | null
  /** Its pixels are black or white; null when the source does not say. */
  readonly bilevel: boolean | null
}

/** A page as `findWarnings` sees it. */
export interface PageQuality {
  /** Null for pages that are drawn from text and lines. */
  readonly source: SourceImage | null
  /** The drawn page. */
  readonly bitmap: Bitmap
  /** Null where there is nothing that could be skewed. */
  readonly skew: Skew | null
}

const MIN_SIDE = 500
const MIN_DPI = 150
/** The shorter side of A5: hardly any page is smaller. */
const MIN_PAGE_WIDTH_INCHES = 148 / 25.4
/** Longer side by shorter one, from Letter to A4 with some cropping. */
const PAGE_SHAPE = [1.25, 1.48] as const
/** A page that is turned by more is warned of. */
export const MAX_SKEW_DEGREES = 1

/** Returns a warning for each property of a page that costs accuracy. */
export function findWarnings({ source, bitmap, skew }: PageQuality): PageWarning[] {
  const found = [
    ...(source === null ? [] : [smallImage(source) ?? lowResolution(source), bilevelImage(source, bitmap)]),
    skew === null ? null : skewedPage(skew),
  ]
  return found.filter((warning) => warning !== null)
}

function smallImage({ width, height }: SourceImage): PageWarning | null {
  if (Math.min(width, height) >= MIN_SIDE) return null
  const message = `The image is only ${width} × ${height} pixels. Send it with at least ${MIN_SIDE} pixels on its shorter side, or scan it at 300 dpi.`
  return { code: 'image_small', message }
}

function lowResolution({ width, height, dpi }: SourceImage): PageWarning | null {
  const remedy = 'Scan it at 300 dpi, or send the original.'
  if (dpi !== null) {
    if (dpi >= MIN_DPI) return null
    return {
      code: 'resolution_low',
      message: `The page has ${Math.round(dpi)} dpi; small type is lost below ${MIN_DPI}. ${remedy}`,
    }
  }
  const shape = height / width
  const most = Math.round(width / MIN_PAGE_WIDTH_INCHES)
  // The image gives no resolution. If it has the shape of a page, it is hardly a page smaller than A5.
  if (shape < PAGE_SHAPE[0] || shape > PAGE_SHAPE[1] || most >= MIN_DPI) return null
  const message = `The page has ${width} × ${height} pixels: ${most} dpi if it is as small as A5, and less if it is larger. ${remedy}`
  return { code: 'resolution_low', message }
}

function bilevelImage({ bilevel }: SourceImage, bitmap: Bitmap): PageWarning | null {
  if (!(bilevel ?? isBilevel(bitmap))) return null
  const message =
    'The image has only black and white pixels. Scan it in gray or colour: the shades hold the shape of small type.'
  return { code: 'image_bilevel', message }
}

/** Whether a drawn page has black and white pixels and nothing else. */
function isBilevel({ pixels, channels }: Bitmap): boolean {
  let [black, white] = [false, false]
  for (let at = 0; at < pixels.length; at++) {
    if (channels === 4 && at % 4 === 3) continue
    if (pixels[at] === 0) black = true
    else if (pixels[at] === 255) white = true
    else return false
  }
  return black && white
}

function skewedPage({ degrees, confidence }: Skew): PageWarning | null {
  if (confidence < SURE_SKEW || Math.abs(degrees) <= MAX_SKEW_DEGREES) return null
  const direction = degrees > 0 ? 'clockwise' : 'counterclockwise'
  const message = `The page is turned ${Math.abs(degrees).toFixed(1)}° ${direction}. Set ocr.prepare.deskew to have it levelled, or scan it straight.`
  return { code: 'page_skewed', message }
}
