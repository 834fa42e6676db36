import { pixelBox, type Box } from '../page/box.ts'
import type { MarkedImage } from '../profile/marked-images.ts'
import type { OcrModel } from '../profile/question.ts'
import { cutBox } from '../read/cut-box.ts'
import type { PageToRead } from '../read/page-to-read.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { LedgerPage } from './ledger.ts'
import type { PageResult } from './page-event.ts'

/** A page with more pictures than this is no page. */
const MAX_PER_PAGE = 64
/** All pictures of an answer are held until its last page was read. */
const MAX_BYTES = 64 * 1024 * 1024

/** Cuts the pictures that the model marked out of a page that was read; null where none is wanted, or none is marked. */
export type CutFigures = (
  page: PageToRead,
  result: PageResult,
  signal: AbortSignal,
) => Promise<NonNullable<PageResult['figures']> | null>

/** Creates what cuts the pictures of one request's pages: of all of them together at most so many bytes. */
export function figureCutter({ model, figures: wanted = null }: OcrRequest, maxBytes = MAX_BYTES): CutFigures {
  let bytesLeft = maxBytes
  return async function cutFigures(page, result, signal) {
    if (wanted === null || wanted.limit === 0 || bytesLeft <= 0) return null
    const marked = markedFigures(result.text, result, model).slice(0, MAX_PER_PAGE)
    if (marked.length === 0) return null
    const image = await page.draw(signal)
    const figures: (Uint8Array | null)[] = []
    let cut = 0
    for (const figure of marked) {
      const isWanted = cut < wanted.limit && bytesLeft > 0 && isLarge(figure, wanted.minSize)
      const bytes = isWanted ? await cutBox(image, figure.box) : null
      cut += bytes === null ? 0 : 1
      bytesLeft -= bytes?.length ?? 0
      figures.push(bytes !== null && bytesLeft >= 0 ? bytes : null)
    }
    return figures
  }
}

/** A picture on a page: its mark in the page's text, and where it stands in pixels of the page image. */
export interface Figure extends MarkedImage {
  readonly place: Box
}

/** Finds the pictures that the model marked in a page's text; none where what it says of places is not about the page. */
export function markedFigures(
  text: string,
  { width, height, isTiled, isFallback }: Pick<LedgerPage, 'width' | 'height' | 'isTiled' | 'isFallback'>,
  { profile }: OcrModel,
): readonly Figure[] {
  if (isTiled || isFallback || width === null || height === null) return []
  const marks = profile.findImages?.(text) ?? []
  return marks.map((mark) => ({ ...mark, place: pixelBox(mark.box, { width, height }) }))
}

/** Tells whether a picture has so many pixels in both directions. */
export function isLarge({ place: { left, top, right, bottom } }: Figure, minSize: number): boolean {
  return right - left >= minSize && bottom - top >= minSize
}
