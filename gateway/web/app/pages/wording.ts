import type { Standing } from '../state/reading.ts'
import type { Change } from '../stream/events.ts'

/** What a badge says. */
export const STANDING_WORDS: Readonly<Record<Standing, string>> = {
  ok: 'ok',
  repaired: 'repaired',
  fallback: 'fallback',
  blank: 'blank',
  failed: 'failed',
  pending: 'pending',
  read: 'read',
  drawn: 'reading',
  waiting: 'waiting',
}

/** What a badge means. */
export const STANDING_MEANINGS: Readonly<Record<Standing, string>> = {
  ok: 'The answer counted at once.',
  repaired: 'An answer counted after it was mended, or after another try.',
  fallback: 'No answer of the model counted: this is what the PDF itself says stands on the page.',
  blank: 'There is nothing on the page.',
  failed: 'The page could not be read.',
  pending: 'The page was not read before the time was up.',
  read: 'The page is read. Its story comes when the whole document is.',
  drawn: 'The page is drawn, and being read.',
  waiting: 'The page waits for its turn.',
}

/** Says in words what was done to a page before the model saw it. */
export function changeWords(change: Change): string {
  const { code, degrees, factor, boxes } = change
  switch (code) {
    case 'rotated':
      return `turned by ${String(degrees)}°`
    case 'deskewed':
      return `levelled by ${String(degrees)}°`
    case 'binarized':
      return 'made black and white'
    case 'padded':
      return 'given a margin'
    case 'resized':
      return `drawn ${String(factor)} times as large`
    case 'tiled':
      return `read in ${Array.isArray(boxes) ? boxes.length : 'several'} parts`
    default:
      return code
  }
}

/** Writes a share in percent. */
export function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`
}

/** Writes how long something takes, as far as that matters. */
export function timeInWords(seconds: number): string {
  if (seconds < 1) return 'a moment'
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}

/** Writes how many of something there are. */
export function counted(count: number, one: string, more = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : more}`
}
