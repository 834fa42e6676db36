import { openDocument } from '../../gateway/document/open.ts'
import type { PageImage } from '../../gateway/page/page.ts'
import { createRasterizer, type Rasterizer } from '../../gateway/rasterizer/pool.ts'
import { makeSource } from '../support/make-source.ts'
import { someone } from '../support/turn.ts'

/** What clients without a gateway draw pages at: 200 dots for each inch; images are sent as they are. */
const DPI = 200
const LIMITS = { pageTimeoutSeconds: 60, openTimeoutSeconds: 60, maxImagePixels: 178_956_970 }
const MAX_DOCUMENT_BYTES = 100 * 1024 * 1024

/** Draws pages as a simple client would: each at one size, and nothing is done to it. */
export interface PageDrawer extends AsyncDisposable {
  /** Draws the first pages of a document, `most` at most; null for a page that cannot be drawn. */
  draw(bytes: Uint8Array, mediaType: string, most: number): Promise<readonly (PageImage | null)[]>
}

/** Makes a drawer of so many processes. */
export function createPageDrawer(threads: number): PageDrawer {
  const rasterizer = createRasterizer({ threads, ...LIMITS })
  return {
    draw: (bytes, mediaType, most) => drawWith(rasterizer, bytes, mediaType, most),
    [Symbol.asyncDispose]: () => rasterizer.close(),
  }
}

async function drawWith(
  rasterizer: Rasterizer,
  bytes: Uint8Array,
  mediaType: string,
  most: number,
): Promise<readonly (PageImage | null)[]> {
  const { signal } = new AbortController()
  const source = makeSource(bytes, { declaredMediaType: mediaType })
  const open = { maxDocumentBytes: MAX_DOCUMENT_BYTES, turn: someone }
  await using document = await openDocument(source, rasterizer, open, signal)
  const rasterization = { pixelBudget: { dpi: DPI, maxPixels: 1e8 }, mediaType: 'image/png' } as const
  const numbers = Array.from({ length: Math.min(most, document.pageCount) }, (_, index) => index + 1)
  return await Promise.all(numbers.map((number) => document.rasterize(number, rasterization, signal).catch(() => null)))
}
