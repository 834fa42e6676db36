import type { PageSize } from '../page/page.ts'
import { targetSize } from '../page/target-size.ts'
import type { PixelBudget } from '../page/target-size.ts'
import type { Bitmap } from './bitmap.ts'

/** A rectangle of the drawn page, in pixels from its upper left corner. */
export interface TileRect {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** How a page is read in tiles. */
export interface TilePlan {
  /** The size that the whole page is to be drawn at, in pixels. */
  readonly width: number
  readonly height: number
  /** Rows of tiles from the top, each from the left. */
  readonly rows: readonly (readonly TileRect[])[]
}

/** A page is tiled when its type is legible only with so many times the pixels of its target size. */
const FAR_BEYOND = 3
const MAX_TILES = 24
/** Overlap of neighbouring tiles as a share of their side: four lines of type vertically, three words horizontally. */
const OVERLAP_DOWN = 0.09
const OVERLAP_ACROSS = 0.12
const POINTS_PER_INCH = 72
/** The longer side of A4, in inches: the page that the longest edge of a budget is chosen for. */
const USUAL_EDGE = 297 / 25.4

/**
 * Plans the reading of a page in overlapping tiles, each within the budget; null when the page is not far larger than
 * its target size. All pixels of a raster page count, unless its `dpi` tells how large it is on paper.
 */
export function planTiles(size: PageSize, budget: PixelBudget, dpi: number | null = null): TilePlan | null {
  const scale = readableScale(size, budget, dpi)
  const target = targetSize(size, budget)
  if (size.width * size.height * scale ** 2 < FAR_BEYOND * target.width * target.height) return null
  return planTilesAt(size, budget, scale)
}

/**
 * Plans tiles for a page that is drawn at so many pixels per unit of it; null when one tile holds it. A page that would
 * take more than 24 tiles, or more than `maxPixels`, is drawn smaller.
 */
export function planTilesAt(size: PageSize, budget: PixelBudget, scale: number, maxPixels = Infinity): TilePlan | null {
  const most = Math.sqrt(maxPixels / (size.width * size.height))
  for (let factor = Math.min(scale, most); ; factor *= 0.95) {
    const width = Math.max(1, Math.round(size.width * factor))
    const height = Math.max(1, Math.round(size.height * factor))
    const rows = fewestTiles(width, height, budget)
    if (rows !== null) return rows.length * rows[0]!.length > 1 ? { width, height, rows } : null
  }
}

/** Counts the tiles of a plan. */
export function countTiles({ rows }: TilePlan): number {
  return rows.reduce((sum, row) => sum + row.length, 0)
}

/** Pixels per unit of the page at which type of the usual size is read well. */
export function readableScale(
  { unit }: PageSize,
  { dpi: wanted, longestEdge }: PixelBudget,
  dpi: number | null,
): number {
  const readable = wanted ?? (longestEdge === undefined ? 150 : longestEdge / USUAL_EDGE)
  if (unit === 'pt') return readable / POINTS_PER_INCH
  return dpi === null ? 1 : Math.min(1, readable / dpi)
}

/**
 * Finds the grid of the fewest tiles within the budget. Of two grids it takes the one with fewer columns, which cut
 * fewer lines.
 */
function fewestTiles(width: number, height: number, budget: PixelBudget): TileRect[][] | null {
  let best: { readonly across: Span[]; readonly down: Span[] } | null = null
  for (let columns = 1; columns <= MAX_TILES; columns++)
    for (let rows = 1; rows * columns <= MAX_TILES; rows++) {
      const across = spansOf(width, columns, OVERLAP_ACROSS)
      const down = spansOf(height, rows, OVERLAP_DOWN)
      if (!fits(across[0]!.length, down[0]!.length, budget)) continue
      if (best === null || rows * columns < best.across.length * best.down.length) best = { across, down }
      break
    }
  return best === null ? null : cutGrid(width, height, best.across.length, best.down.length)
}

function cutGrid(width: number, height: number, columns: number, rows: number): TileRect[][] {
  const across = spansOf(width, columns, OVERLAP_ACROSS)
  return spansOf(height, rows, OVERLAP_DOWN).map((row) =>
    across.map((column) => ({ left: column.start, top: row.start, width: column.length, height: row.length })),
  )
}

/** A closer look that enlarges each side by less is not worth its tokens. */
const MIN_GAIN = 1.2
/** Leaves room for rounding: tiles are rounded up to whole pixels, and must still fit the budget. */
const ROUNDING = 0.998
/** Type beyond twice the usual size is read no better. */
const MAX_GAIN = 2

/**
 * Plans a closer look at a page: as a whole if the budget has room for that, else in two halves of its longer side,
 * else (if it is nearly square) in quarters, each as large as the budget allows. Null when no plan gains enough, as for
 * images, which are never enlarged.
 */
export function planCloserLook(size: PageSize, budget: PixelBudget): TilePlan | null {
  const usual = targetSize(size, budget).width / size.width
  for (const { columns, rows } of closerGrids(size)) {
    const width = size.width / spansPerSide(columns, OVERLAP_ACROSS)
    const height = size.height / spansPerSide(rows, OVERLAP_DOWN)
    const scale = Math.min(largestScale({ width, height, unit: size.unit }, budget), usual * MAX_GAIN)
    if (scale < MIN_GAIN * usual) continue
    const drawn = { width: Math.floor(size.width * scale), height: Math.floor(size.height * scale) }
    return { ...drawn, rows: cutGrid(drawn.width, drawn.height, columns, rows) }
  }
  return null
}

/** Cuts a drawn page by the grid of its closer look; its preparation may have turned it or changed its size since. */
export function cutAgain({ rows }: TilePlan, width: number, height: number): TilePlan {
  const [down, across] = [rows.length, rows[0]!.length]
  const isTurned = down !== across && width > height !== across > down
  return {
    width,
    height,
    rows: isTurned ? cutGrid(width, height, down, across) : cutGrid(width, height, across, down),
  }
}

function closerGrids({ width, height }: PageSize): { columns: number; rows: number }[] {
  const halves = width > height ? { columns: 2, rows: 1 } : { columns: 1, rows: 2 }
  return [{ columns: 1, rows: 1 }, halves, { columns: 2, rows: 2 }]
}

/** Returns the pixels per unit of the page at which it just fits the budget. */
function largestScale({ width, height, unit }: PageSize, { longestEdge = Infinity, maxPixels }: PixelBudget): number {
  const scale = Math.min(longestEdge / Math.max(width, height), Math.sqrt(maxPixels / (width * height)))
  return unit === 'px' ? Math.min(1, scale) : scale * ROUNDING
}

/** Returns the length of a side in lengths of the overlapping spans that cover it. */
function spansPerSide(count: number, overlap: number): number {
  return count - (count - 1) * overlap
}

function fits(width: number, height: number, budget: PixelBudget): boolean {
  return width * height <= budget.maxPixels && Math.max(width, height) <= usualEdge(budget)
}

/** Returns the longer side of an A4 page within a budget: no tile is longer. */
export function usualEdge({ longestEdge, dpi }: PixelBudget): number {
  return longestEdge ?? (dpi === undefined ? Infinity : Math.round(dpi * USUAL_EDGE))
}

interface Span {
  readonly start: number
  readonly length: number
}

/** Covers a side with equal spans that overlap by the given share of their length, or by a pixel more. */
function spansOf(side: number, count: number, overlap: number): Span[] {
  const length = Math.min(side, Math.ceil(side / spansPerSide(count, overlap)))
  return Array.from({ length: count }, (_, index) => {
    const start = count === 1 ? 0 : Math.round((index * (side - length)) / (count - 1))
    return { start, length }
  })
}

/** Copies a tile out of the drawn page. */
export function cutTile(
  { pixels, width: pageWidth, channels }: Bitmap,
  { left, top, width, height }: TileRect,
): Bitmap {
  const tile = new Uint8Array(width * height * channels)
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * pageWidth + left) * channels
    tile.set(pixels.subarray(start, start + width * channels), y * width * channels)
  }
  return { pixels: tile, width, height, channels }
}
