import type { TargetSize } from '../page/target-size.ts'

/** To which sizes a model's own processor brings an image. */
export interface ResizeRule {
  /** Sides become multiples of this, in pixels: the side of the square that one token sees. */
  readonly grid: number
  /** Smaller images are enlarged. */
  readonly minPixels: number
  /** Larger images are shrunk. */
  readonly maxPixels: number
}

/**
 * Returns the size to which the processors of the Qwen2-VL family bring an image: `smart_resize` in qwen_vl_utils, in
 * transformers, and copied into the clients of dots.ocr and Infinity-Parser2.
 */
export function smartResize({ width, height }: TargetSize, { grid, minPixels, maxPixels }: ResizeRule): TargetSize {
  const whole = (side: number, round: (value: number) => number): number => Math.max(grid, round(side / grid) * grid)
  const near = { width: whole(width, halfToEven), height: whole(height, halfToEven) }
  const pixels = near.width * near.height
  if (pixels > maxPixels) {
    const shrink = Math.sqrt((width * height) / maxPixels)
    return { width: whole(width / shrink, Math.floor), height: whole(height / shrink, Math.floor) }
  }
  if (pixels >= minPixels) return near
  const growth = Math.sqrt(minPixels / (width * height))
  return { width: whole(width * growth, Math.ceil), height: whole(height * growth, Math.ceil) }
}

/** Python's `round`. */
function halfToEven(value: number): number {
  const rounded = Math.round(value)
  return rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded
}

/** Returns a count of the tokens that an image costs: one for each square of the grid. */
export function squareTokens(rule: ResizeRule): (size: TargetSize) => number {
  return (size) => {
    const { width, height } = smartResize(size, rule)
    return (width / rule.grid) * (height / rule.grid)
  }
}
