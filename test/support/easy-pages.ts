import { targetSize } from '../../gateway/page/target-size.ts'
import { openPdf } from '../../gateway/rasterizer/open-pdf.ts'
import { createAgreementLevel } from '../../gateway/read/evidence/agreement-level.ts'
import { readEasyLayer } from '../../gateway/read/easy-layer.ts'
import { grayPageImage, pageToRead } from './page-prompt.ts'

/** What the pages of a PDF are answered with that are easy by their text layer; null for every other page. */
export async function easyPagesOf(bytes: Uint8Array, maxPages = Infinity): Promise<(string | null)[]> {
  await using document = await openPdf(bytes, 'auto', {
    password: null,
    maxImagePixels: 100_000_000,
    maxMemoryBytes: 2 ** 30,
    reusesPixels: true,
  })
  const page = pageToRead({ level: createAgreementLevel() })
  const image = await grayPageImage()
  const texts: (string | null)[] = []
  for (let number = 1; number <= Math.min(maxPages, document.pageCount); number++) {
    const drawing = await document.draw(
      number,
      (size) => targetSize(size, { longestEdge: 1540, maxPixels: 1540 ** 2 }),
      () => false,
      true,
    )
    const answer = readEasyLayer(page, { ...image, textLayer: drawing.textLayer ?? null })
    texts.push(answer?.text ?? null)
  }
  return texts
}
