import type { Box } from '../page/box.ts'

/** A picture that a model marks in a page's Markdown, with its place on the page. */
export interface MarkedImage {
  /** What the mark calls it: `image_1.png`. */
  readonly name: string
  /** What the mark says that it shows; empty where it says nothing. */
  readonly alt: string
  /** Where the mark stands in the Markdown, its numbers included. */
  readonly start: number
  readonly end: number
  readonly box: Box
}

const NUMBER = String.raw`[ \t]*(\d{1,4})[ \t]*`
const MARK = new RegExp(
  String.raw`!\[([^[\]\n]{0,200})\]\(([^\s()<>]{1,200})\)${[1, 2, 3, 4].map(() => NUMBER).join(',')}`,
  'g',
)

/** Finds marks of the form `![image](image_1.png)112,80,640,455`: left, top, right, bottom in thousandths of the page. */
export function imagesInThousandths(markdown: string): MarkedImage[] {
  if (!markdown.includes('](')) return []
  return [...markdown.matchAll(MARK)].flatMap((match) => {
    const [all, alt = '', name = '', ...numbers] = match
    const [left = 0, top = 0, right = 0, bottom = 0] = numbers.map((number) => Math.min(1, Number(number) / 1000))
    const end = match.index + all.trimEnd().length
    // What has no extent is no picture, and its numbers are text.
    return left < right && top < bottom
      ? [{ name, alt, start: match.index, end, box: { left, top, right, bottom } }]
      : []
  })
}
