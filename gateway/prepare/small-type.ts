import type { PageSize, PageWarning } from '../page/page.ts'
import type { PixelBudget } from '../page/target-size.ts'
import type { Lettering } from '../page/text-layer.ts'
import type { Bitmap } from './bitmap.ts'
import type { SourceImage } from './quality.ts'
import { countTiles, planTilesAt, readableScale, usualEdge } from './tile.ts'
import type { TilePlan } from './tile.ts'
import { measureTypeSize } from './type-size.ts'

/** A page as it was drawn whole, at its target size. */
export interface WholePage {
  readonly size: PageSize
  readonly bitmap: Bitmap
  readonly source: SourceImage | null
  readonly lettering: Lettering | null
  /** The page is drawn from letters and lines alone: drawn larger, it shows more. */
  readonly isVector: boolean
}

/** Why a page cannot be read as a whole, and how it is to be drawn instead. */
export interface SmallType {
  readonly plan: TilePlan
  /** How many times larger than whole the tiles are drawn. */
  readonly gain: number
  /** The page's type, in pixels where it is whole; null where only its shape tells that it is small. */
  readonly typeSize: number | null
  /** The size was measured where letters can hardly be told from specks: the tiles must confirm it. */
  readonly isGuess: boolean
}

/** A page that is more times as long as it is wide is a strip. */
const MAX_RATIO = 4
/** So much larger tiles must be to be worth their prompts. */
const MIN_GAIN = 1.25
/** Type in tiles is to have this many times the least size. */
const COMFORT = 1.5
/** A strip that is shrunk by less loses nothing. */
const MIN_LOSS = 1.1
/** The longer side of A3 in points: letters that a page of that size shows are legible on it. */
const LARGE_PAGE = 1200
/** Of a page without a letter, so many times the pixels are looked at for any. */
const FAR_LARGER = 3

/**
 * Tells whether a page's type is too small for the model where the page is whole, and would be large enough in tiles:
 * by what the document says of its letters, else by those that are seen; or the page is a long strip. Null for every
 * other page.
 */
export function findSmallType(page: WholePage, budget: PixelBudget, maxPixels: number): SmallType | null {
  const { size, bitmap, source } = page
  const whole = bitmap.width / size.width
  const most = source === null ? Infinity : (whole * source.width) / bitmap.width
  const readable = Math.min(most, readableScale(size, budget, null))
  const strip = isStrip(page, budget, readable / whole)
  const found = seenTypeSize(page, budget, most / whole)
  // Whatever is seen of its letters, a strip is read in tiles.
  const seen = strip && found?.isGuess === true ? null : found
  if (seen === null && !strip) return null
  const wanted = seen?.typeSize == null ? readable : (whole * COMFORT * (budget.minTypeSize ?? 0)) / seen.typeSize
  const plan = planTilesAt(size, budget, Math.min(most, Math.max(readable, wanted)), maxPixels)
  if (plan === null) return null
  const gain = plan.width / bitmap.width
  if (gain < MIN_GAIN && !strip) return null
  return { plan, gain, typeSize: seen?.typeSize ?? null, isGuess: seen?.isGuess ?? false }
}

/** Tells whether a page is a strip that is shrunk as a whole, or longer than any page that models were trained on. */
function isStrip({ size, bitmap }: WholePage, budget: PixelBudget, largest: number): boolean {
  const [longer, shorter] = [Math.max(size.width, size.height), Math.min(size.width, size.height)]
  const isLong = Math.max(bitmap.width, bitmap.height) >= MIN_GAIN * usualEdge(budget)
  return longer > MAX_RATIO * shorter && (largest >= MIN_GAIN || isLong)
}

/** Returns the size of a page's type where it is too small; null where it is not, or nothing tells. */
function seenTypeSize(
  { size, bitmap, source, lettering, isVector }: WholePage,
  { minTypeSize: least = 0 }: PixelBudget,
  largest: number,
): (Pick<SmallType, 'isGuess'> & { readonly typeSize: number | null }) | null {
  if (lettering?.size != null) {
    const typeSize = lettering.size * Math.max(bitmap.width, bitmap.height)
    return typeSize < least ? { typeSize, isGuess: false } : null
  }
  const hasMore = source === null ? isVector && Math.max(size.width, size.height) > LARGE_PAGE : largest >= MIN_GAIN
  const typeSize = hasMore ? measureTypeSize(bitmap) : null
  if (!hasMore || (typeSize === null ? largest < FAR_LARGER : typeSize >= least)) return null
  return { typeSize, isGuess: true }
}

/** Tells whether the page, drawn for its tiles, has the small type that was guessed, and is large enough now. */
export function confirmsGuess(drawn: Bitmap, gain: number, { minTypeSize: least = 0 }: PixelBudget): boolean {
  const typeSize = measureTypeSize(drawn)
  return typeSize !== null && typeSize >= least && typeSize / gain < least
}

/** What becomes of a page whose type is small. */
export type Remedy = 'whole' | 'tiled' | 'asked'

/** Returns a warning that a page's type is small; null where the caller asked for tiles and these are large enough. */
export function smallTypeWarning(
  { plan, gain, typeSize }: SmallType,
  { minTypeSize: least = 0 }: PixelBudget,
  remedy: Remedy,
): PageWarning | null {
  const tiles = countTiles(plan)
  const reached = typeSize === null ? Infinity : typeSize * gain
  if (remedy !== 'whole' && reached < least) {
    const message = `Even in ${tiles} tiles (ocr.prepare.tile) the page's type is only ${pixels(reached)} high; the model reads type from ${pixels(least)} on. Send the page in parts.`
    return { code: 'type_small', message }
  }
  if (remedy === 'asked' || (typeSize === null && gain < MIN_LOSS)) return null
  const seen =
    typeSize === null
      ? `The page is a long strip, and as a whole is shown to the model at ${percent(1 / gain)} of its size.`
      : `As a whole, the page has type that is only ${pixels(typeSize)} high; the model reads type from ${pixels(least)} on.`
  const done =
    remedy === 'whole'
      ? `Set ocr.prepare.tile to true to have it read in ${tiles} tiles.`
      : `So it was read in ${tiles} tiles, with a prompt for each; set ocr.prepare.tile to false to have it read as a whole.`
  return { code: 'type_small', message: `${seen} ${done}` }
}

const pixels = (size: number): string => `${size.toFixed(size < 10 ? 1 : 0).replace(/\.0$/, '')} pixels`
const percent = (share: number): string => `${Math.min(100, Math.max(1, Math.round(share * 100)))} %`
