import type { TextLayer } from './text-layer.ts'

/** A page as the document states it: points (1/72 inch) for vector pages, pixels for raster ones. Rotation already applied. */
export interface PageSize {
  readonly width: number
  readonly height: number
  readonly unit: 'pt' | 'px'
}

/** The gateway's rasterizers, as the ledger names them. */
export const rasterizers = ['pdfium', 'pdfjs', 'scan', 'sharp'] as const

/** Which of the gateway's rasterizers drew a page. */
export type Rasterizer = (typeof rasterizers)[number]

/** What may make a page's text less sure. */
export const warningCodes = ['image_small', 'resolution_low', 'image_bilevel', 'page_skewed'] as const

/** Something about a page that makes its text less sure, and what the caller can do about it. */
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
  /** There is nothing on the page that could be read, and no engine needs to see it. */
  readonly blank: boolean
  readonly warnings: readonly PageWarning[]
  /** Of its bytes and those of its tiles as they were encoded, in hexadecimal; only a whole page has it. */
  readonly sha256?: string
  /** Null for images, tiles, and pages of which a PDF says nothing. */
  readonly textLayer: TextLayer | null
  /** A page far beyond its target size, in overlapping pieces: rows from the top, each from the left. */
  readonly tiles?: readonly (readonly PageImage[])[]
}

/** Returns what of a page an engine is shown: the page, or each of its tiles, as far as there is ink on it. */
export function imagesToRead(image: PageImage): readonly PageImage[] {
  if (image.blank) return []
  return image.tiles?.flat().filter(({ blank }) => !blank) ?? [image]
}
