import type { Box } from './box.ts'
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
  'type_small',
  'document_is_portfolio',
  'form_is_xfa',
  'annotation_not_drawn',
  'converted',
  'closed_by_gateway',
  'blocks_coarse',
  'figure_not_cut',
  'page_not_joined',
  'left_as_written',
  'text_disagrees',
  'fallback_not_used',
  'answer_cut',
  'answer_repaired',
] as const

/** Something about a page that makes its text less certain, and what the caller can do about it. */
export interface PageWarning {
  readonly code: (typeof warningCodes)[number]
  readonly message: string
}

/** How the image of a tile follows on that of a neighbour. */
export interface Seam {
  /** `gap`: the cut runs through paper, and no line is in both. `overlap`: both show what lies between them. */
  readonly kind: 'gap' | 'overlap'
  /** The share of a tile that is, or was planned to be, in both: hardly more of their texts can be the same. */
  readonly share: number
  /** The gap is wider than those between the lines around it. */
  readonly isWide: boolean
  /** Which of the lines next to the gap look the same; null where that is not seen. */
  readonly looks: LineLooks | null
}

/** The lines above and below a gap, the nearest first. Lines that look the same have the same number. */
export interface LineLooks {
  readonly above: readonly number[]
  readonly below: readonly number[]
}

/** What was done to a page before an engine is shown it. */
export type PageChange =
  /** Drawn larger or smaller than its target size, by so much. */
  | { readonly code: 'resized'; readonly factor: number }
  /** Clockwise. */
  | { readonly code: 'rotated'; readonly degrees: 90 | 180 | 270 }
  /** Clockwise; negative: the other way. */
  | { readonly code: 'deskewed'; readonly degrees: number }
  | { readonly code: 'binarized' }
  /** Paper was added at the right and the lower edge. */
  | { readonly code: 'padded' }
  /** Each of these parts is an image of its own; in pixels of the whole page. */
  | { readonly code: 'tiled'; readonly boxes: readonly Box[] }

/** A small picture of a page image, for people. */
export interface PagePreview {
  /** A JPEG. */
  readonly data: Uint8Array<ArrayBuffer>
  /** In the order in which they were done. */
  readonly changes: readonly PageChange[]
}

/** The encoded bitmap of one page, as an engine is shown it. */
export interface PageImage {
  readonly data: Uint8Array<ArrayBuffer>
  readonly mediaType: 'image/png' | 'image/jpeg'
  /** Pixels. */
  readonly width: number
  readonly height: number
  /** Pixels for each inch of a PDF's page; left out, or null, for images. */
  readonly dpi?: number | null
  readonly rasterizer: Rasterizer
  /** The page has nothing to read, and is shown to no engine. */
  readonly blank: boolean
  readonly warnings: readonly PageWarning[]
  /** Hash of the encoded bytes of the page and its tiles, in hexadecimal; tiles have none. */
  readonly sha256?: string
  /** Null for images, tiles, and pages without a text layer. */
  readonly textLayer: TextLayer | null
  /** Left out where none was asked for. It is no part of what is read: whoever asked takes it away. */
  readonly preview?: PagePreview
  /** The tiles of a page far beyond its target size: rows from the top, each from the left. */
  readonly tiles?: readonly (readonly TileImage[])[]
}

/** The image of a tile. */
export interface TileImage extends PageImage {
  /** To the tile above; null in the first row. */
  readonly above: Seam | null
  /** To the tile at the left; null in the first column. */
  readonly left: Seam | null
}

/** Returns the images of a page that an engine is shown: the page, or each of its tiles that has ink. */
export function imagesToRead(image: PageImage): readonly PageImage[] {
  if (image.blank) return []
  return image.tiles?.flat().filter(({ blank }) => !blank) ?? [image]
}
