import type { TargetSize } from '../page/target-size.ts'
import type { PageImage, PageSize } from '../page/page.ts'
import type { TextLayer } from '../page/text-layer.ts'
import type { Bitmap } from '../prepare/bitmap.ts'
import type { SourceImage } from '../prepare/quality.ts'

/** A page that was drawn: its pixels, and by what. */
export interface Drawing {
  readonly bitmap: Bitmap
  readonly rasterizer: PageImage['rasterizer']
  /** Left out for pages that are drawn from text and lines. */
  readonly source?: SourceImage | null
  /** Left out for images. */
  readonly textLayer?: TextLayer | null
}

/** A document parsed inside a rasterizer thread. */
export interface OpenedDocument extends AsyncDisposable {
  readonly pageCount: number
  /** Draws a page, 1-based, at the size that `sizeFor` wants for it; `isAbandoned` is asked now and then. */
  draw(page: number, sizeFor: (size: PageSize) => TargetSize, isAbandoned: () => boolean): Promise<Drawing>
}

/** What PDFs are opened with. */
export interface PdfOptions {
  readonly password: string | null
  /** Pixels of one image within a page; a page that holds a larger one is refused. */
  readonly maxImagePixels: number
  /** What PDFium may take for itself, in bytes. */
  readonly maxMemoryBytes: number
  /** Whether a drawing's pixels need to last only until the next page is drawn, of whatever document. */
  readonly reusesPixels?: boolean
}
