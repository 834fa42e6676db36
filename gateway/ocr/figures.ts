import { boxOnPage, hasExtent, pixelBox, type Box } from '../page/box.ts'
import type { PageImage } from '../page/page.ts'
import type { MarkedImage } from '../profile/marked-images.ts'
import type { OcrModel } from '../profile/question.ts'
import { cutBox } from '../read/cut-box.ts'
import { isOfLayer } from '../read/page-answer.ts'
import type { PageToRead } from '../read/page-to-read.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { readerOf } from './another-reading.ts'
import type { LedgerPage } from './ledger.ts'
import type { CutFigure, PageResult } from './page-event.ts'

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
export function figureCutter(request: OcrRequest, maxBytes = MAX_BYTES): CutFigures {
  const { figures: wanted = null } = request
  let bytesLeft = maxBytes
  return async function cutFigures(page, result, signal) {
    if (wanted === null || wanted.limit === 0 || bytesLeft <= 0) return null
    const marked = markedFigures(result.text, result, readerOf(request, result)).slice(0, MAX_PER_PAGE)
    if (marked.length === 0) return null
    const image = await drawLarge(page, result, signal)
    // Mistral's pictures are JPEGs, whatever they show.
    const mediaType = wanted.marks === 'keep' ? 'image/jpeg' : 'image/png'
    const figures: (CutFigure | null)[] = []
    let cut = 0
    for (const figure of marked) {
      const isCut = cut < wanted.limit && bytesLeft > 0 && hasExtent(figure.box)
      const isWanted = isCut && isLarge(figure, wanted.minSize)
      const part = isWanted ? await cutBox(image, figure.box, mediaType) : null
      signal.throwIfAborted()
      cut += part === null ? 0 : 1
      bytesLeft -= part?.bytes.length ?? 0
      figures.push(part !== null && bytesLeft >= 0 ? { ...part, place: figure.place } : null)
    }
    return figures
  }
}

/**
 * Draws a page with more pixels than the engine was shown; as the engine was shown it where that cannot be done, or would show
 * another part of the page: what the engine sees may be padded with paper.
 */
async function drawLarge(page: PageToRead, seen: PageResult, signal: AbortSignal): Promise<PageImage> {
  const large = await page.drawForFigures?.(signal).catch((error: unknown) => {
    if (signal.aborted) throw error
    return null
  })
  return large != null && hasShapeOf(large, seen) ? large : page.draw(signal)
}

type Size = Pick<PageResult, 'width' | 'height'>

/** Sides are rounded to whole pixels. */
function hasShapeOf(image: PageImage, { width, height }: Size): boolean {
  if (width === null || height === null || image.width < width) return false
  return Math.abs(image.width * height - image.height * width) <= image.width + image.height
}

/** A picture on a page: its mark in the page's text, and where it stands in pixels of the page image. */
export interface Figure extends MarkedImage {
  readonly place: Box
}

/** Finds the pictures that the model marked in a page's text; none where what it says of places is not about the page. */
export function markedFigures(
  text: string,
  { width, height, isTiled, ...page }: Pick<LedgerPage, 'width' | 'height' | 'isTiled' | 'isFallback' | 'isEasy'>,
  { profile }: OcrModel,
): readonly Figure[] {
  if (isTiled || isOfLayer(page) || width === null || height === null) return []
  const marks = profile.findImages?.(text) ?? []
  return marks.map((mark) => {
    const box = boxOnPage(mark.box)
    return { ...mark, box, place: pixelBox(box, { width, height }) }
  })
}

/** Tells whether a picture has so many pixels in both directions. */
export function isLarge({ place: { left, top, right, bottom } }: Figure, minSize: number): boolean {
  return right - left >= minSize && bottom - top >= minSize
}
