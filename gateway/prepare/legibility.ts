import { loadTesseract } from '../tesseract/load.ts'
import type { Language } from '../tesseract/load.ts'
import type { GrayImage } from './gray.ts'

/** Returns how sure Tesseract is of what it reads in a piece of a page: 0 to 100; 0 when it reads nothing. */
export type MeasureLegibility = (piece: GrayImage, language: Language) => Promise<number>

/** Tesseract's `PSM_SINGLE_BLOCK`: without looking for columns, pictures and tables. */
const SINGLE_BLOCK = '6'

/**
 * Loads Tesseract into this thread, to tell whether a piece of a page is upright: upright text is read with more
 * confidence. It holds some 150 MB from the first piece on. Only for drawers.
 */
export async function loadLegibility(): Promise<MeasureLegibility> {
  const tesseract = await loadTesseract({ tessedit_pageseg_mode: SINGLE_BLOCK })

  return async function measureLegibility(piece, language) {
    const confidence = await tesseract.read(portableGraymap(piece), language, (reading) => reading.MeanTextConf())
    return confidence ?? 0
  }
}

/** The simplest image format that Tesseract reads: https://netpbm.sourceforge.net/doc/pgm.html. */
function portableGraymap({ pixels, width, height }: GrayImage): Uint8Array {
  return Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), pixels])
}
