import type { TextLayer } from './text-layer.ts'

/**
 * A page's size as the document states it: points (1/72 inch) for vector pages, pixels for raster ones. Rotation is
 * applied.
 */
export interface PageSize {
  readonly width: number
  readonly height: number
  readonly unit: 'pt' | 'px'
}

/** The gateway's rasterizers, as the ledger names them. */
export const rasterizers = ['pdfium', 'pdfjs', 'scan', 'sharp'] as const

/** Which of the gateway's rasterizers drew a page. */
export type Rasterizer = (typeof rasterizers)[number]

/** What may make a page's text less certain. */
export const warningCodes = [
  'image_small',
  'resolution_low',
  'image_bilevel',
  'page_skewed',
  'document_is_portfolio',
  'form_is_xfa',
  'annotation_not_drawn',
  'closed_by_gateway',
  'text_disagrees',
] as const

/** Something about a page that makes its text less certain, and what the caller can do about it. */
export interface PageWarning {
  readonly code: (typeof warningCodes)[number]
  readonly message: string
}

/** The encoded bitmap of one page, as an engine is shown it. */
export interface PageImage {
  readonly data: Uint8Array<ArrayBuffer>
  readonly mediaType: 'image/png' | 'image/jpeg'
  /** Pixels. */
  readonly width: number
  readonly height: number
  readonly rasterizer: Rasterizer
  /** The page has nothing to read, and is shown to no engine. */
  readonly blank: boolean
  readonly warnings: readonly PageWarning[]
  /** Hash of the encoded bytes of the page and its tiles, in hexadecimal; tiles have none. */
  readonly sha256?: string
  /** Null for images, tiles, and pages without a text layer. */
  readonly textLayer: TextLayer | null
  /** The overlapping tiles of a page far beyond its target size: rows from the top, each from the left. */
  readonly tiles?: readonly (readonly PageImage[])[]
}

/** Returns the images of a page that an engine is shown: the page, or each of its tiles that has ink. */
export function imagesToRead(image: PageImage): readonly PageImage[] {
  if (image.blank) return []
  return image.tiles?.flat().filter(({ blank }) => !blank) ?? [image]
}
