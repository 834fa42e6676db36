import type { PageResult } from './page-event.ts'

// Measured over the corpus (docs/routing.md): pages that pass have nine of ten words right.
const MIN_CONFIDENCE = 0.93
const MIN_LOWEST_CONFIDENCE = 0.8
/** Fewer words are no sample of how well a page is read. */
const MIN_WORDS = 40

/** Tells whether Tesseract is so sure of a page of plain print that no other model need read it. */
export function isPlainReading({ status, isPlain, confidence, text }: PageResult): boolean {
  if (status !== 'ok' || isPlain !== true || confidence === null) return false
  if (confidence.mean < MIN_CONFIDENCE || confidence.lowest < MIN_LOWEST_CONFIDENCE) return false
  return (text.match(/\p{L}{2,}/gu)?.length ?? 0) >= MIN_WORDS
}
