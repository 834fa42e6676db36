import type { TargetSize } from '../page/target-size.ts'
import type { PageImage, PageSize } from '../page/page.ts'
import type { Bitmap } from './encode.ts'

/** A document parsed inside a rasterizer thread. */
export interface OpenedDocument extends AsyncDisposable {
  readonly pageCount: number
  readonly rasterizer: PageImage['rasterizer']
  /** Draws a page, 1-based, at the size that `sizeFor` wants for it; `isAbandoned` is asked now and then. */
  draw(page: number, sizeFor: (size: PageSize) => TargetSize, isAbandoned: () => boolean): Promise<Bitmap>
}
