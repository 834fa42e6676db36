import { endsEarly, hasHan, joinText, lineText } from './blocks-text.ts'
import { median } from './blocks-reading-order.ts'
import type { PlacedRegion } from './blocks-reading-order.ts'
import type { Line } from './recognition.ts'

/** A heading, or a line of one. */
export interface Heading {
  readonly kind: 'heading'
  readonly level: 1 | 2 | 3
  text: string
  readonly lines: Line[]
}

/** The type size of most of the page's text, in pixels. */
export interface BodySize {
  readonly size: number
  readonly wordHeight: number
}

/** Measures the type size that most words of a page are set in. */
export function bodySize(lines: readonly Line[]): BodySize {
  const weighted = lines.flatMap((line) => line.words.map(() => line))
  return { size: median(weighted.map((line) => line.size)), wordHeight: median(weighted.map(wordHeight)) }
}

/** The height of a line's words. Chinese type has no baseline, so that the height of its ink is the better measure. */
function wordHeight(line: Line): number {
  return median(line.words.map((word) => word.box.y1 - word.box.y0))
}

/** Relative to the body's type size. HTML's own sizes for h1 to h3 are 2, 1.5 and 1.17. */
const HEADING_SIZES = [
  { level: 1, atLeast: 1.7 },
  { level: 2, atLeast: 1.35 },
  { level: 3, atLeast: 1.15 },
] as const
const MAX_HEADING_WORDS = 20
const MAX_HEADING_LINES = 3

/** Returns a region's headings when all of it is larger than the body and reads like a heading; else none. */
export function toHeadings(region: PlacedRegion, body: BodySize): Heading[] {
  const { lines } = region
  const words = lines.reduce((sum, line) => sum + line.words.length, 0)
  const ratio = Math.min(...lines.map((line) => sizeRatio(line, body)))
  const level = HEADING_SIZES.find((size) => ratio >= size.atLeast)?.level
  if (level === undefined || lines.length > MAX_HEADING_LINES || words > MAX_HEADING_WORDS) return []
  const headings: Heading[] = []
  let previous: Line | undefined
  for (const line of lines) {
    const text = lineText(line.words, line.height)
    const open = headings.at(-1)
    if (open === undefined || previous === undefined || endsEarly(previous, line, region))
      headings.push({ kind: 'heading', level, text, lines: [line] })
    else {
      open.text = joinText(open.text, text)
      open.lines.push(line)
    }
    previous = line
  }
  return headings.every((heading) => readsLikeHeading(heading.text)) ? headings : []
}

/** Whether a text has no full stop at its end or inside and no address. */
function readsLikeHeading(text: string): boolean {
  return /\p{L}{2}/u.test(text) && !/[.。;；,，]$|\p{Ll}{2}[.;] \p{Lu}|。|:\/\//u.test(text)
}

function sizeRatio(line: Line, body: BodySize): number {
  const bySize = line.size / body.size
  return hasHan(line.words.map((word) => word.text).join(''))
    ? Math.min(bySize, wordHeight(line) / body.wordHeight)
    : bySize
}
