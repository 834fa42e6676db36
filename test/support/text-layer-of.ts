import { targetSize } from '../../gateway/page/target-size.ts'
import type { TextLayer } from '../../gateway/page/text-layer.ts'
import { openPdf, type PdfRasterizer } from '../../gateway/rasterizer/open-pdf.ts'

/** Draws the first page of a PDF and returns what its text layer was found to say; null when it has none. */
export async function textLayerOf(
  bytes: Uint8Array,
  rasterizer: PdfRasterizer = 'auto',
  longestEdge = 400,
): Promise<TextLayer | null> {
  await using document = await openPdf(bytes, rasterizer, {
    password: null,
    maxImagePixels: 50_000_000,
    maxMemoryBytes: 2 ** 30,
    reusesPixels: true,
  })
  const { textLayer = null } = await document.draw(
    1,
    (size) => targetSize(size, { longestEdge, maxPixels: longestEdge ** 2 }),
    () => false,
  )
  return textLayer
}
