import sharp from 'sharp'
import type { Box } from '../page/box.ts'
import type { PageChange, PageImage, PageSize, TileImage } from '../page/page.ts'
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
  const { bitmap, changes } = await prepare(drawing.bitmap, asked, { maxPixels: 2 * width * height })
  const ofWhole: Rasterization = { ...rasterization, preparation: binarize ? { binarize } : {} }
  const ofPiece: Rasterization = { ...ofWhole, preview: false }
  const size: PageSize = { width: bitmap.width, height: bitmap.height, unit: 'px' }
  const overview = await finishPage(
    { ...drawing, bitmap: await shrink(bitmap, targetSize(size, pixelBudget)) },
    ofWhole,
  )
  const plan = planFor(size)
  if (plan === null) return withChanges(overview, changes, [])
  const tiles: TileImage[][] = []
  for (const row of cutTiles(bitmap, plan, isDrawn(drawing))) {
    const images: TileImage[] = []
    for (const { bitmap: piece, ...seams } of row)
      images.push({ ...(await finishPage({ ...drawing, textLayer: null, bitmap: piece }, ofPiece)), ...seams })
    tiles.push(images)
  }
  // Shrunk to the size of a whole page, a long strip may look blank.
  const blank = tiles.flat().every((tile) => tile.blank)
  const page = { ...overview, blank, width: bitmap.width, height: bitmap.height, tiles }
  return withChanges(page, changes, [{ code: 'tiled', boxes: boxesOf(plan) }])
}

/** Where the tiles were planned; they are cut a little beside that, where a gap is. */
function boxesOf({ rows }: TilePlan): Box[] {
  return rows.flat().map(({ left, top, width, height }) => ({ left, top, right: left + width, bottom: top + height }))
}

/** Adds what was done to a page before and after it was finished, where somebody will see it. */
export function withChanges(image: PageImage, before: readonly PageChange[], after: readonly PageChange[]): PageImage {
  const { preview } = image
  if (preview === undefined) return image
  return { ...image, preview: { ...preview, changes: [...before, ...preview.changes, ...after] } }
}

async function shrink({ pixels, channels, ...from }: Bitmap, { width, height }: TargetSize): Promise<Bitmap> {
  const data = await sharp(pixels, { raw: { ...from, channels }, limitInputPixels: false })
    .resize({ width, height, fit: 'fill' })
    // Without being told, sharp makes three channels of one.
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer()
  return { pixels: data, width, height, channels }
}

/** Tells whether a page was drawn from letters and lines, and not from an image. */
function isDrawn({ rasterizer, source = null }: Drawing): boolean {
  return source === null && (rasterizer === 'pdfium' || rasterizer === 'pdfjs')
}
