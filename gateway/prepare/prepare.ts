import type { Preparation } from '../page/preparation.ts'
import type { PixelBudget } from '../page/target-size.ts'
import { binarize } from './binarize.ts'
import type { Bitmap } from './bitmap.ts'
import { readBrightness } from './gray.ts'
import { loadLegibility } from './legibility.ts'
import type { MeasureLegibility } from './legibility.ts'
import { levelPage, turnPage } from './level.ts'
import { SURE_SKEW } from './quality.ts'
import { measureSkew, MIN_SKEW_DEGREES } from './skew.ts'
import { findTurn } from './upright.ts'

let loading: Promise<MeasureLegibility> | null = null

/** Prepares a drawn page as asked: turns it upright, levels it, makes it black and white, in this order. */
export async function prepare(bitmap: Bitmap, preparation: Preparation, budget: PixelBudget): Promise<Bitmap> {
  let prepared = bitmap
  if (preparation.rotate) prepared = await turnPage(prepared, await findTurn(prepared, measureLegibility))
  if (preparation.deskew) prepared = await level(prepared, budget)
  if (!preparation.binarize) return prepared
  return { ...binarize(readBrightness(prepared)), channels: 1 }
}

/** Levels a page whose skew is sure, and keeps the result only if that helped: turning softens the page. */
async function level(bitmap: Bitmap, budget: PixelBudget): Promise<Bitmap> {
  const { degrees, confidence } = measureSkew(bitmap)
  if (confidence < SURE_SKEW || Math.abs(degrees) < MIN_SKEW_DEGREES) return bitmap
  const levelled = await levelPage(bitmap, degrees, budget)
  return Math.abs(measureSkew(levelled).degrees) <= Math.abs(degrees) / 2 ? levelled : bitmap
}

/** Tesseract is loaded once per thread, when a page's orientation must be confirmed for the first time. */
async function measureLegibility(...piece: Parameters<MeasureLegibility>): Promise<number> {
  loading ??= loadLegibility()
  const measure = await loading
  return measure(...piece)
}
