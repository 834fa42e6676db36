import type { PDFPageProxy } from 'pdfjs-dist/legacy/build/pdf.mjs'
import type { TextLayer } from '../../page/text-layer.ts'

const MAX_CHARACTERS = 100_000

/**
 * Returns what pdf.js takes for a page's text, as far as it begins on the page; null when that is nothing, or it fails.
 * It does not tell what is drawn invisibly, or what has no Unicode: such a layer is never whole.
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
