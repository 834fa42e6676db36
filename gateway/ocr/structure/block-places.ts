import { markedFigures } from '../figures.ts'
import type { PageResult } from '../page-event.ts'
import { figureName } from '../page-figures.ts'
import type { OcrRequest } from '../../request/ocr-request.ts'
import type { Box } from '../../page/box.ts'
import { around, type Block, type BoxSides, type Span } from './block.ts'

/** A stretch of a page's Markdown whose place on the page is known. */
interface Placed {
  readonly start: number
  readonly end: number
  readonly box: BoxSides
  readonly confidence: number | null
}

/** Gives the blocks of a page the places that its engine knows, and those of pictures that its model marks. */
export function placeBlocks(
  markdown: string,
  spans: readonly Span[],
  page: number,
  result: PageResult,
  request: Pick<OcrRequest, 'model' | 'figures'>,
): Block[] {
  const read = engineBlocks(markdown, result)
  if (read.length > 0) return joined(spans, read)
  const figures = figurePlaces(markdown, page, result, request)
  const blocks = joined(spans, figures)
  // A picture within a text is not the place of the text.
  return blocks.map((block) => (block.type === 'figure' ? block : { ...block, box: null }))
}

/** What is done to a page's text may move, change or remove what was read; it is looked for so far ahead. */
const MAX_SEARCHED = 20_000

/** Finds what the engine has read in the page's Markdown, in its order. */
function engineBlocks(markdown: string, { text, blocks }: PageResult): Placed[] {
  const found: Placed[] = []
  let at = 0
  for (const { start, end, box, confidence } of blocks ?? []) {
    const part = text.slice(start, end)
    const within = part.trim() === '' ? -1 : markdown.slice(at, at + MAX_SEARCHED + part.length).indexOf(part)
    if (within < 0) continue
    const place = at + within
    at = place + part.length
    found.push({ start: place, end: at, box, confidence })
  }
  return found
}

/** Finds the pictures in the page's Markdown: marks as the model wrote them, and those that were cut out in their places. */
function figurePlaces(
  markdown: string,
  page: number,
  result: PageResult,
  { model, figures: wanted }: Pick<OcrRequest, 'model' | 'figures'>,
): Placed[] {
  const placed: Placed[] = markedFigures(markdown, result, model).map(({ start, end, place }) =>
    placedAt(start, end, place),
  )
  const embeds = wanted?.marks === 'embed'
  let at = 0
  for (const [index, figure] of (result.figures ?? []).entries()) {
    if (figure === null) continue
    const target = `](${embeds ? `data:${figure.mediaType};` : `${figureName(page, index + 1, figure)})`}`
    const start = markdown.indexOf(target, at)
    if (start < 0) continue
    at = start + target.length
    placed.push(placedAt(start, at, figure.place))
  }
  return placed.toSorted((a, b) => a.start - b.start)
}

function placedAt(start: number, end: number, place: Box): Placed {
  return { start, end, box: sidesOf(place), confidence: null }
}

/** Returns a rectangle as clients are told it. */
export function sidesOf({ left, top, right, bottom }: Box): BoxSides {
  return [left, top, right, bottom]
}

/** Of words that an engine is sure not to have read right. */
const MIN_CONFIDENCE = 1e-5

/** Gives each block the rectangle around what stands in it, and the mean of its confidences. Both are in order. */
function joined(spans: readonly Span[], places: readonly Placed[]): Block[] {
  let next = 0
  return spans.map((span) => {
    while ((places[next]?.end ?? Infinity) <= span.start) next += 1
    let box: BoxSides | null = null
    let [sum, weights] = [0, 0]
    for (let index = next; index < places.length && places[index]!.start < span.end; index += 1) {
      const place = places[index]!
      box = around(box, place.box)
      const weight = Math.min(place.end, span.end) - Math.max(place.start, span.start)
      if (place.confidence === null) continue
      sum += weight * Math.log(Math.max(MIN_CONFIDENCE, place.confidence))
      weights += weight
    }
    const confidence = weights === 0 ? null : Math.round(Math.exp(sum / weights) * 1000) / 1000
    return { ...span, box, confidence }
  })
}
