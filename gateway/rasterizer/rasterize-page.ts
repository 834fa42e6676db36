import type { PageChange, PageImage, PageSize, PageWarning } from '../page/page.ts'
import { targetSize } from '../page/target-size.ts'
import type { PixelBudget, TargetSize } from '../page/target-size.ts'
import { confirmsGuess, findSmallType, smallTypeWarning } from '../prepare/small-type.ts'
import { countTiles, cutAgain, planCloserLook, planTiles, planTilesAt } from '../prepare/tile.ts'
import type { TilePlan } from '../prepare/tile.ts'
import { chooseScale } from '../prepare/type-size.ts'
import { finishPage } from './finish-page.ts'
import type { Rasterization } from './messages.ts'
import type { Drawing, OpenedDocument } from './opened-document.ts'
import { tiledPage, withChanges } from './tiled-page.ts'

/** What rasterizing one page needs. */
export interface PageToRasterize {
  readonly document: OpenedDocument
  /** 1-based. */
  readonly page: number
  /** The number of its object, where that is known. */
  readonly object?: number | null
  readonly rasterization: Rasterization
  readonly maxImagePixels: number
  readonly isAbandoned: () => boolean
}

/**
 * Draws a page at its target size, or as its preparation asks, and makes the page image. A page whose type would be too
 * small for the model is drawn larger and cut into tiles, unless its preparation forbids that. Only for
 * drawers.
 */
export async function rasterizePage(work: PageToRasterize): Promise<PageImage> {
  const { rasterization } = work
  const { pixelBudget, preparation = {}, closer = false } = rasterization
  if (closer) return closerPage(work)
  const planned: { plan: TilePlan | null; size: PageSize | null } = { plan: null, size: null }
  const drawing = await drawAt(work, (size) => {
    planned.size = size
    planned.plan = preparation.tile === true ? planWithin(planTiles(size, pixelBudget), work) : null
    return planned.plan ?? targetSize(size, pixelBudget)
  })
  if (planned.size === null) throw new TypeError('the page was drawn without a size')
  if (planned.plan !== null) return askedTiles(drawing, planned.plan, planned.size, rasterization)
  return wholePage(drawing, planned.size, work)
}

/** Makes the tiles that were asked for, with a warning where the type is too small in them, too. */
async function askedTiles(drawing: Drawing, plan: TilePlan, size: PageSize, rasterization: Rasterization) {
  const { pixelBudget } = rasterization
  const image = await tiledPage(drawing, rasterization, replanned(pixelBudget))
  const lettering = drawing.textLayer?.lettering?.size ?? null
  const gain = plan.width / targetSize(size, pixelBudget).width
  const typeSize = lettering === null ? null : (lettering * Math.max(plan.width, plan.height)) / gain
  return withWarning(image, smallTypeWarning({ plan, gain, typeSize, isGuess: false }, pixelBudget, 'asked'))
}

/** Makes the image of a page that was drawn whole; if that leaves its type too small, draws it once more in tiles. */
async function wholePage(drawing: Drawing, size: PageSize, work: PageToRasterize): Promise<PageImage> {
  const { rasterization, maxImagePixels } = work
  const { pixelBudget, preparation = {} } = rasterization
  const { bitmap, source = null, textLayer = null, rasterizer, hasImages = true } = drawing
  const isVector = rasterizer === 'pdfium' && !hasImages
  const lettering = textLayer?.lettering ?? null
  const small = findSmallType({ size, bitmap, source, lettering, isVector }, pixelBudget, maxImagePixels)
  if (small === null) {
    const chosen = preparation.resolution === 'auto' ? await redrawn(drawing, work) : drawing
    const factor = Number((chosen.bitmap.width / bitmap.width).toFixed(2))
    const resized: PageChange[] = factor === 1 ? [] : [{ code: 'resized', factor }]
    return withChanges(await finishPage(chosen, rasterization), resized, [])
  }
  const isWhole = preparation.tile === false
  if (isWhole && !small.isGuess) {
    return withWarning(await finishPage(drawing, rasterization), smallTypeWarning(small, pixelBudget, 'whole'))
  }
  // The memory of its pixels is used again for the next drawing.
  const kept: Drawing = { ...drawing, bitmap: { ...bitmap, pixels: bitmap.pixels.slice() } }
  const larger = await drawAt(work, () => small.plan)
  if (small.isGuess && !confirmsGuess(larger.bitmap, small.gain, pixelBudget)) return finishPage(kept, rasterization)
  const image = isWhole
    ? await finishPage(kept, rasterization)
    : await tiledPage(larger, rasterization, replanned(pixelBudget))
  const remedy = isWhole ? 'whole' : preparation.tile === true ? 'asked' : 'tiled'
  return withWarning(image, image.blank ? null : smallTypeWarning(small, pixelBudget, remedy))
}

/** Plans the tiles once more, for the page as its preparation has turned it or changed its size. */
const replanned = (budget: PixelBudget) => (size: PageSize) => planTilesAt(size, budget, 1)

function withWarning(image: PageImage, warning: PageWarning | null): PageImage {
  return warning === null ? image : { ...image, warnings: [...image.warnings, warning] }
}

/** Draws a page for a closer look, larger or in tiles; at its target size where that gains nothing. */
async function closerPage(work: PageToRasterize): Promise<PageImage> {
  const { rasterization } = work
  const { pixelBudget, preparation = {} } = rasterization
  const planned: { plan: TilePlan | null } = { plan: null }
  const drawing = await drawAt(work, (size) => {
    const plan = planWithin(planCloserLook(size, pixelBudget), work)
    planned.plan = preparation.tile === false && plan !== null && countTiles(plan) > 1 ? null : plan
    return planned.plan ?? targetSize(size, pixelBudget)
  })
  const { plan } = planned
  if (plan === null || countTiles(plan) === 1) return finishPage(drawing, rasterization)
  return tiledPage(drawing, rasterization, ({ width, height }) => cutAgain(plan, width, height))
}

async function drawAt(
  { document, page, object = null, isAbandoned, rasterization }: PageToRasterize,
  sizeFor: (size: PageSize) => TargetSize,
): Promise<Drawing> {
  const found: { size: PageSize | null } = { size: null }
  const size = (one: PageSize) => sizeFor((found.size = one))
  const drawing = await document.draw(page, size, isAbandoned, rasterization.lines, object)
  return { ...drawing, dpi: found.size === null ? null : dpiOf(drawing, found.size) }
}

const POINTS_PER_INCH = 72

function dpiOf({ bitmap }: Drawing, { width, unit }: PageSize): number | null {
  return unit === 'px' ? null : Math.max(1, Math.round((bitmap.width / width) * POINTS_PER_INCH))
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
