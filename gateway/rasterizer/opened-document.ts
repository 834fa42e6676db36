import type { TargetSize } from '../page/target-size.ts'
import type { PageImage, PageSize, PageWarning } from '../page/page.ts'
import type { TextLayer } from '../page/text-layer.ts'
import type { Bitmap } from '../prepare/bitmap.ts'
import type { InkMask } from '../prepare/ink-mask.ts'
import type { SourceImage } from '../prepare/quality.ts'
import type { FactLimits, PdfFacts } from './document-facts.ts'

/** A drawn page: its pixels, and which rasterizer drew it. */
export interface Drawing {
  readonly bitmap: Bitmap
  readonly rasterizer: PageImage['rasterizer']
  /** Pixels for each inch of the page; left out while a document draws, null for images. */
  readonly dpi?: number | null
  /** Left out for pages that are drawn from text and lines. */
  readonly source?: SourceImage | null
  /** A PDF's page shows pictures; left out where that is not known. */
  readonly hasImages?: boolean
  /** Left out for images. */
  readonly textLayer?: TextLayer | null
  /** What the drawing lacks. */
  readonly warnings?: readonly PageWarning[]
  /** Where a bitmap has ink, and which: pages are cut, turned and shrunk after they were drawn. Left out where not looked for. */
  readonly ink?: { readonly of: Bitmap; readonly mask: InkMask } | null
}

/** A document parsed inside a drawer. */
export interface OpenedDocument extends AsyncDisposable {
  readonly pageCount: number
  /**
   * Draws a page, 1-based, at the size that `sizeFor` returns. Calls `isAbandoned` at intervals, and gives up on true. Where
   * `lines` are wanted, and can be told, its text layer has them. `object` is the number of the page's object in a PDF, where
   * that is known: the page is not looked for then.
   */
  draw(
    page: number,
    sizeFor: (size: PageSize) => TargetSize,
    isAbandoned: () => boolean,
    lines?: boolean,
    object?: number | null,
  ): Promise<Drawing>
  /** Reads what the document says of itself beside its pages; absent for images. What cannot be read is left out. */
  readonly facts?: (limits: FactLimits) => Promise<PdfFacts>
}

/** Limits and choices for opening a PDF. */
export interface PdfOptions {
  readonly password: string | null
  /** Pixels of one image within a page; a page that holds a larger one is refused. */
  readonly maxImagePixels: number
  /** Limit of PDFium's own memory, in bytes. */
  readonly maxMemoryBytes: number
  /** Whether a drawing's pixels may be overwritten when the next page is drawn, of any document. */
  readonly reusesPixels?: boolean
}
