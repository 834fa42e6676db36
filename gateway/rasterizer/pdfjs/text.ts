import type { PDFPageProxy } from 'pdfjs-dist/legacy/build/pdf.mjs'
import type { TextLayer } from '../../page/text-layer.ts'

const MAX_CHARACTERS = 100_000

/**
 * Returns the text that pdf.js finds on a page, without text that begins outside of it; null when there is none, or
 * pdf.js fails. pdf.js does not tell which text is invisible or has no Unicode, so the layer is never marked as whole.
 */
export async function readTextLayer(page: PDFPageProxy): Promise<TextLayer | null> {
  try {
    const [left = 0, bottom = 0, right = 0, top = 0] = page.view
    const pieces: string[] = []
    let length = 0
    for await (const { items } of page.streamTextContent()) {
      for (const item of items) {
        if (!('str' in item)) continue
        const [, , , , x = 0, y = 0]: number[] = item.transform
        if (x < left || x > right || y < bottom || y > top) continue
        pieces.push(item.hasEOL ? `${item.str}\n` : item.str)
        length += item.str.length
      }
      if (length > MAX_CHARACTERS) break
    }
    const text = pieces.join('').slice(0, MAX_CHARACTERS).trim()
    return text === '' ? null : { text, unmapped: 0, isOcr: false, isWhole: false }
  } catch {
    return null
  }
}
