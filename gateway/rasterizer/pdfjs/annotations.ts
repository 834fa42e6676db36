import type { PDFPageProxy } from 'pdfjs-dist/legacy/build/pdf.mjs'
import { areaOf, intersect } from '../scan/geometry.ts'

/** The part of pdf.js's annotations used here. */
interface Annotation {
  readonly subtype?: string
  readonly hasAppearance?: boolean
  readonly annotationFlags?: number
  readonly rect?: readonly number[]
  readonly borderStyle?: { readonly width: number }
}

/** Hidden, and not for viewers: ISO 32000-1, table 165. */
const UNSEEN_FLAGS = 2 | 32
const NOT_MADE = ['Stamp', 'Watermark', 'FreeText', 'Caret']
/** Drawn by pdf.js only where the document says how wide their border is. */
const MADE_WITH_BORDER = ['Square', 'Circle']

/** Returns the subtypes of the annotations that a viewer would show and pdf.js does not draw. */
export async function findNotDrawn(page: PDFPageProxy): Promise<string[]> {
  const annotations: readonly Annotation[] = await page.getAnnotations({ intent: 'display' }).catch(() => [])
  const [left = 0, bottom = 0, right = 0, top = 0] = page.view
  return annotations.flatMap(({ subtype = '', hasAppearance = false, annotationFlags = 0, rect = [], borderStyle }) => {
    const [x = 0, y = 0, otherX = 0, otherY = 0] = rect
    const isMade =
      hasAppearance || !(NOT_MADE.includes(subtype) || (MADE_WITH_BORDER.includes(subtype) && borderStyle?.width === 0))
    const seen = intersect({ left, bottom, right, top }, { left: x, bottom: y, right: otherX, top: otherY })
    const isHidden = (annotationFlags & UNSEEN_FLAGS) !== 0
    return !isMade && !isHidden && areaOf(seen) > 0 ? [subtype] : []
  })
}
