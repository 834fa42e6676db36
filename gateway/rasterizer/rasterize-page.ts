import sharp from 'sharp'
import type { PageImage, PageSize, TileImage } from '../page/page.ts'
import { targetSize } from '../page/target-size.ts'
import type { TargetSize } from '../page/target-size.ts'
import type { Bitmap } from '../prepare/bitmap.ts'
import { finishPage } from './finish-page.ts'
import type { Drawing, OpenedDocument } from './opened-document.ts'
import { prepare } from '../prepare/prepare.ts'
import type { Rasterization } from './messages.ts'
import { cutTiles } from '../prepare/cut-tiles.ts'
import { cutAgain, planCloserLook, planTiles } from '../prepare/tile.ts'
import type { TilePlan } from '../prepare/tile.ts'
import { chooseScale } from '../prepare/type-size.ts'

/** What rasterizing one page needs. */
export interface PageToRasterize {
  readonly document: OpenedDocument
  /** 1-based. */
  readonly page: number
  readonly rasterization: Rasterization
  readonly maxImagePixels: number
  readonly isAbandoned: () => boolean
}

/**
 * Draws a page at its target size, or as its preparation asks, and makes the page image. Only for rasterizer threads.
 */
export async function rasterizePage(work: PageToRasterize): Promise<PageImage> {
  const { rasterization } = work
  const { pixelBudget, preparation = {}, closer = false } = rasterization
  if (closer) return closerPage(work)
  let plan: TilePlan | null = null
  const drawing = await drawAt(work, (size) => {
    plan = preparation.tile === true ? planWithin(planTiles(size, pixelBudget), work) : null
    return plan ?? targetSize(size, pixelBudget)
  })
  if (plan !== null) return tiledPage(drawing, rasterization, (size) => planTiles(size, pixelBudget))
  return finishPage(preparation.resolution === 'auto' ? await redrawn(drawing, work) : drawing, rasterization)
}

/** Draws a page for a closer look, larger or in tiles; at its target size where that gains nothing. */
async function closerPage(work: PageToRasterize): Promise<PageImage> {
  const { rasterization } = work
  const { pixelBudget } = rasterization
  const planned: { plan: TilePlan | null } = { plan: null }
  const drawing = await drawAt(work, (size) => {
    planned.plan = planWithin(planCloserLook(size, pixelBudget), work)
    return planned.plan ?? targetSize(size, pixelBudget)
  })
  const { plan } = planned
  if (plan === null || plan.rows.flat().length === 1) return finishPage(drawing, rasterization)
  return tiledPage(drawing, rasterization, ({ width, height }) => cutAgain(plan, width, height))
}

function drawAt({ document, page, isAbandoned }: PageToRasterize, sizeFor: (size: PageSize) => TargetSize) {
  return document.draw(page, sizeFor, isAbandoned)
}

/** Returns the plan, or null when its whole page would exceed the limit on images: the page is then read as a whole. */
function planWithin(plan: TilePlan | null, { maxImagePixels }: PageToRasterize): TilePlan | null {
  return plan !== null && plan.width * plan.height <= maxImagePixels ? plan : null
}

/** Draws a page again if its type is too small, or larger than needed. */
async function redrawn(drawing: Drawing, work: PageToRasterize): Promise<Drawing> {
  const { pixelBudget } = work.rasterization
  const { bitmap, source = null } = drawing
  const factor = chooseScale(bitmap, pixelBudget, source === null ? undefined : source.width / bitmap.width)
  if (factor === 1) return drawing
  return drawAt(work, (size) => {
    const { width, height } = targetSize(size, pixelBudget)
    return { width: Math.max(1, Math.round(width * factor)), height: Math.max(1, Math.round(height * factor)) }
  })
}

/** Prepares the whole page, then cuts it into tiles: a single tile has too little text to tell which side is up. */
async function tiledPage(
  drawing: Drawing,
  rasterization: Rasterization,
  planFor: (size: PageSize) => TilePlan | null,
): Promise<PageImage> {
  const { pixelBudget, preparation = {} } = rasterization
  const { binarize = false, rotate = false, deskew = false } = preparation
  const { width, height } = drawing.bitmap
  const bitmap = await prepare(drawing.bitmap, { rotate, deskew }, { maxPixels: 2 * width * height })
  const ofPiece: Rasterization = { ...rasterization, preparation: binarize ? { binarize } : {} }
  const size: PageSize = { width: bitmap.width, height: bitmap.height, unit: 'px' }
  const overview = await finishPage(
    { ...drawing, bitmap: await shrink(bitmap, targetSize(size, pixelBudget)) },
    ofPiece,
  )
  const plan = planFor(size)
  if (plan === null || overview.blank) return overview
  const tiles: TileImage[][] = []
  for (const row of cutTiles(bitmap, plan, isDrawn(drawing))) {
    const images: TileImage[] = []
    for (const { bitmap: piece, ...seams } of row)
      images.push({ ...(await finishPage({ ...drawing, textLayer: null, bitmap: piece }, ofPiece)), ...seams })
    tiles.push(images)
  }
  return { ...overview, tiles }
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
