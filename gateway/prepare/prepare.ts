import type { PageChange } from '../page/page.ts'
import type { Preparation } from '../page/preparation.ts'
import type { PixelBudget } from '../page/target-size.ts'
import { binarize } from './binarize.ts'
import type { Bitmap } from './bitmap.ts'
import { readBrightness } from './gray.ts'
import { loadLegibility } from './legibility.ts'
import type { MeasureLegibility } from './legibility.ts'
import { levelPage, turnPage } from './level.ts'
import { measureSkew, MIN_SKEW_DEGREES, SURE_SKEW } from './skew.ts'
import { findTurn } from './upright.ts'

let loading: Promise<MeasureLegibility> | null = null

/** A page that was prepared, and what that has changed. */
export interface Prepared {
  readonly bitmap: Bitmap
  readonly changes: readonly PageChange[]
}

/** Prepares a drawn page as asked: turns it upright, levels it, makes it black and white, in this order. */
export async function prepare(bitmap: Bitmap, preparation: Preparation, budget: PixelBudget): Promise<Prepared> {
  const { rotate = false, deskew = false } = preparation
  const upright = rotate ? await turnUpright(bitmap) : unchanged(bitmap)
  const levelled = deskew ? await level(upright.bitmap, budget) : unchanged(upright.bitmap)
  const changes = [...upright.changes, ...levelled.changes]
  if (!preparation.binarize) return { bitmap: levelled.bitmap, changes }
  const black: Bitmap = { ...binarize(readBrightness(levelled.bitmap)), channels: 1 }
  return { bitmap: black, changes: [...changes, { code: 'binarized' }] }
}

/** Returns a page as one that nothing was done to. */
export function unchanged(bitmap: Bitmap): Prepared {
  return { bitmap, changes: [] }
}

async function turnUpright(bitmap: Bitmap): Promise<Prepared> {
  const degrees = await findTurn(bitmap, measureLegibility)
  if (degrees === 0) return unchanged(bitmap)
  return { bitmap: await turnPage(bitmap, degrees), changes: [{ code: 'rotated', degrees }] }
}

/** Levels a page whose skew is sure, and keeps the result only if that helped: turning softens the page. */
async function level(bitmap: Bitmap, budget: PixelBudget): Promise<Prepared> {
  const { degrees, confidence } = measureSkew(bitmap)
  if (confidence < SURE_SKEW || Math.abs(degrees) < MIN_SKEW_DEGREES) return unchanged(bitmap)
  const levelled = await levelPage(bitmap, degrees, budget)
  if (Math.abs(measureSkew(levelled).degrees) > Math.abs(degrees) / 2) return unchanged(bitmap)
  return { bitmap: levelled, changes: [{ code: 'deskewed', degrees: -Math.round(degrees * 10) / 10 }] }
}

/** Tesseract is loaded once per thread, when a page's orientation must be confirmed for the first time. */
async function measureLegibility(...piece: Parameters<MeasureLegibility>): Promise<number> {
  loading ??= loadLegibility()
  const measure = await loading
  return measure(...piece)
}
