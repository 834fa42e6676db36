import sharp from 'sharp'
import type { PageImage, PageSize, TileImage } from '../page/page.ts'
import { targetSize } from '../page/target-size.ts'
import type { TargetSize } from '../page/target-size.ts'
import type { Bitmap } from '../prepare/bitmap.ts'
import { cutTiles } from '../prepare/cut-tiles.ts'
import { prepare } from '../prepare/prepare.ts'
import type { TilePlan } from '../prepare/tile.ts'
import { finishPage } from './finish-page.ts'
import type { Rasterization } from './messages.ts'
import type { Drawing } from './opened-document.ts'

/**
 * Prepares the whole page, then cuts it into tiles: a single tile has too little text to tell which side is up. The
 * page's size is that which its tiles were cut from.
 */
export async function tiledPage(
  drawing: Drawing,
  rasterization: Rasterization,
  planFor: (size: PageSize) => TilePlan | null,
): Promise<PageImage> {
  const { pixelBudget, preparation = {} } = rasterization
  const { binarize = false, rotate = false, deskew = false } = preparation
  const { width, height } = drawing.bitmap
  const isLevel = drawing.textLayer?.lettering?.isLevel === true
  const asked = { rotate, deskew: deskew && !isLevel }
  const bitmap = await prepare(drawing.bitmap, asked, { maxPixels: 2 * width * height })
  const ofPiece: Rasterization = { ...rasterization, preparation: binarize ? { binarize } : {} }
  const size: PageSize = { width: bitmap.width, height: bitmap.height, unit: 'px' }
  const overview = await finishPage(
    { ...drawing, bitmap: await shrink(bitmap, targetSize(size, pixelBudget)) },
    ofPiece,
  )
  const plan = planFor(size)
  if (plan === null) return overview
  const tiles: TileImage[][] = []
  for (const row of cutTiles(bitmap, plan, isDrawn(drawing))) {
    const images: TileImage[] = []
    for (const { bitmap: piece, ...seams } of row)
      images.push({ ...(await finishPage({ ...drawing, textLayer: null, bitmap: piece }, ofPiece)), ...seams })
    tiles.push(images)
  }
  // Shrunk to the size of a whole page, a long strip may look blank.
  const blank = tiles.flat().every((tile) => tile.blank)
  return { ...overview, blank, width: bitmap.width, height: bitmap.height, tiles }
}

async function shrink({ pixels, channels, ...from }: Bitmap, { width, height }: TargetSize): Promise<Bitmap> {
  const data = await sharp(pixels, { raw: { ...from, channels }, limitInputPixels: false })
    .resize({ width, height, fit: 'fill' })
    .raw()
    .toBuffer()
  return { pixels: data, width, height, channels }
}

/** Tells whether a page was drawn from letters and lines, and not from an image. */
function isDrawn({ rasterizer, source = null }: Drawing): boolean {
  return source === null && (rasterizer === 'pdfium' || rasterizer === 'pdfjs')
}
