import { targetSize } from '../../gateway/page/target-size.ts'
import type { Bitmap } from '../../gateway/prepare/bitmap.ts'
import { openPdf } from '../../gateway/rasterizer/open-pdf.ts'

const budget = { longestEdge: 1540, maxPixels: 1540 * 1540 }

/** Draws a page of a PDF as large as LightOnOCR is shown it. */
export async function drawForEngine(bytes: Uint8Array, page = 1): Promise<Bitmap> {
  const options = { password: null, maxImagePixels: 50_000_000, maxMemoryBytes: 2 ** 30 }
  await using document = await openPdf(bytes, 'auto', options)
  const { bitmap } = await document.draw(
    page,
    (size) => targetSize(size, budget),
    () => false,
  )
  return bitmap
}
