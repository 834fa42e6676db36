import type { PDFPageProxy } from 'pdfjs-dist/legacy/build/pdf.mjs'
import type { TextItem } from 'pdfjs-dist/types/src/display/api.js'
import type { TextLayer } from '../../page/text-layer.ts'
import type { Bitmap } from '../../prepare/bitmap.ts'
import { hasLetters, isTooSmall } from '../../prepare/ink-in-box.ts'
import type { InkMask } from '../../prepare/ink-mask.ts'
import { type Box, boxOf } from '../scan/geometry.ts'
import { shareOf } from '../text-place.ts'

const MAX_CHARACTERS = 100_000

/** The page as it was drawn. */
interface DrawnPage {
  readonly bitmap: Bitmap
  readonly ink: InkMask
}

/**
 * Returns the text that pdf.js finds on a page, without text that begins outside of it or has no ink where it lies; null
 * when there is none, or pdf.js fails. pdf.js does not tell which text is invisible or has no Unicode, so the layer is
 * never marked as whole.
 */
export async function readTextLayer(page: PDFPageProxy, draw: () => DrawnPage): Promise<TextLayer | null> {
  try {
    const [left = 0, bottom = 0, right = 0, top = 0] = page.view
    const box = { left, bottom, right, top }
    let drawn: DrawnPage | null = null
    const pieces: string[] = []
    let length = 0
    for await (const { items } of page.streamTextContent()) {
      for (const item of items) {
        if (!('str' in item)) continue
        const [, , , , x = 0, y = 0]: number[] = item.transform
        if (x < left || x > right || y < bottom || y > top) continue
        const isSeen = item.str.trim() === '' || showsText(item, box, page.rotate / 90, (drawn ??= draw()))
        const text = isSeen ? item.str : ''
        pieces.push(item.hasEOL ? `${text}\n` : text)
        length += text.length
      }
      if (length > MAX_CHARACTERS) break
    }
    const text = pieces.join('').slice(0, MAX_CHARACTERS).trim()
    return text === '' ? null : { text, unmapped: 0, isOcr: false, isWhole: false }
  } catch {
    return null
  }
}

/** How far letters reach below the line that they stand on, as a share of their height. */
const DESCENT = 0.25

function showsText(item: TextItem, page: Box, turns: number, { bitmap, ink }: DrawnPage): boolean {
  const [a = 1, b = 0, c = 0, d = 1, x = 0, y = 0]: number[] = item.transform
  const [along, up] = [item.width / Math.hypot(a, b), item.height / Math.hypot(c, d)]
  if (!(along > 0 && up > 0 && Number.isFinite(along + up))) return true
  const corner = (right: number, height: number) =>
    [x + right * along * a + height * up * c, y + right * along * b + height * up * d] as const
  const bounds = boxOf([corner(0, -DESCENT), corner(1, -DESCENT), corner(0, 1), corner(1, 1)])
  const share = shareOf(bounds, page, turns)
  const letters = (item.height * bitmap.height) / (turns % 2 === 0 ? page.top - page.bottom : page.right - page.left)
  return !isTooSmall(letters) && hasLetters(bitmap, ink, share, 0)
}
