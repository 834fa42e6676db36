import type { PageSize } from './page.ts'

/** The size of page images for a model. Exactly one of `longestEdge` and `dpi` is set; `maxPixels` caps both. */
export interface PixelBudget {
  /**
   * Vector pages are drawn with exactly this longest edge, in pixels; raster pages are shrunk to it, never enlarged.
   */
  readonly longestEdge?: number
  /** Vector pages are drawn at this many dots per inch. */
  readonly dpi?: number
  /** No page image has more pixels than this. */
  readonly maxPixels: number
  /** A page image with a shorter side is padded with paper, in pixels. */
  readonly minEdge?: number
  /** A page image whose longer side is more times the shorter one is padded with paper. */
  readonly maxRatio?: number
  /** The height of an x, in pixels, below which the model does not read type. */
  readonly minTypeSize?: number
}

/** Width and height in whole pixels. */
export interface TargetSize {
  readonly width: number
  readonly height: number
}

const POINTS_PER_INCH = 72

/**
 * Returns the size in pixels at which a page is rasterized for a pixel budget. Keeps the aspect ratio to the nearest
 * pixel; no side is ever 0.
 */
export function targetSize(size: PageSize, budget: PixelBudget): TargetSize {
  const { maxPixels, maxRatio = Infinity } = budget
  const [area, longer] = [size.width * size.height, Math.max(size.width, size.height)]
  // The paper that a narrow strip is padded with counts, too.
  const scale = Math.min(
    wantedScale(size, budget),
    Math.sqrt(maxPixels / area),
    Math.sqrt(maxPixels * maxRatio) / longer,
  )
  const width = Math.max(1, Math.round(size.width * scale))
  const height = Math.max(1, Math.round(size.height * scale))
  // Rounding both sides up may exceed the budget by less than one row, which is taken from the longer side.
  if (width * height <= budget.maxPixels) return { width, height }
  return width >= height
    ? { width: Math.max(1, Math.floor(budget.maxPixels / height)), height }
    : { width, height: Math.max(1, Math.floor(budget.maxPixels / width)) }
}

function wantedScale(size: PageSize, { longestEdge, dpi }: PixelBudget): number {
  const largest = size.unit === 'px' ? 1 : Infinity
  if (longestEdge !== undefined) return Math.min(largest, longestEdge / Math.max(size.width, size.height))
  if (dpi !== undefined && size.unit === 'pt') return dpi / POINTS_PER_INCH
  return 1
}
