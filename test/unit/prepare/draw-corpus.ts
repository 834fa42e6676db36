import sharp from 'sharp'
import type { Bitmap } from '../../../gateway/prepare/bitmap.ts'
import { openPdf } from '../../../gateway/rasterizer/open-pdf.ts'
import { targetSize } from '../../../gateway/page/target-size.ts'
import { readCorpus } from '../../support/documents.ts'

const budget = { longestEdge: 1540, maxPixels: 1540 * 1540 }

/** Draws a page of a PDF of the corpus. */
export async function drawCorpus(path: string, page = 1): Promise<Bitmap> {
  const options = { password: null, maxImagePixels: 50_000_000, maxMemoryBytes: 2 ** 30 }
  await using document = await openPdf(readCorpus(path), 'auto', options)
  const { bitmap } = await document.draw(
    page,
    (size) => targetSize(size, budget),
    () => false,
  )
  return bitmap
}

/** Turns a page clockwise, on white. */
export async function turn({ pixels, ...raw }: Bitmap, degrees: number): Promise<Bitmap> {
  const turned = sharp(pixels, { raw })
    .rotate(degrees, { background: '#ffffff' })
    .removeAlpha()
    .toColourspace('b-w')
    .raw()
  const { data, info } = await turned.toBuffer({ resolveWithObject: true })
  return { pixels: data, width: info.width, height: info.height, channels: 1 }
}
