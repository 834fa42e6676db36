import type { Box } from '../page/box.ts'
import { imagesInThousandths, type MarkedImage } from './marked-images.ts'

/** A block that a model marks in a page's text, with its place on the page. */
export interface MarkedBlock {
  /** What the model calls it: `title`, `page_number`. */
  readonly label: string
  /** It goes on with the block before it. */
  readonly continues: boolean
  /** Where its mark stands in the text, and where its own text begins and ends. */
  readonly start: number
  readonly textStart: number
  readonly end: number
  readonly box: Box
}

const NUMBER = String.raw`[ \t]{0,9}(\d{1,4})[ \t]{0,9}`
/** After the authors' own expression: lightonocr/grounding.py. */
const MARK = new RegExp(
  String.raw`!\[([A-Za-z_][\w-]{0,40}?)(\+?)\]\(${[1, 2, 3, 4].map(() => NUMBER).join(',')}\)[ \t]{0,9}`,
  'g',
)

/** Finds blocks of the form `![label](112,80,640,455) text`: left, top, right, bottom in thousandths of the page. */
export function blocksInThousandths(text: string): MarkedBlock[] {
  const marks = [...text.matchAll(MARK)]
  return marks.map((match, index) => {
    const [mark, label = '', plus, ...numbers] = match
    const [left = 0, top = 0, right = 0, bottom = 0] = numbers.map((number) => Math.min(1, Number(number) / 1000))
    return {
      label,
      continues: plus === '+',
      start: match.index,
      textStart: match.index + mark.length,
      end: marks[index + 1]?.index ?? text.length,
      box: { left, top, right, bottom },
    }
  })
}

/** Finds the pictures among such blocks. */
export function imageBlocks(text: string): MarkedImage[] {
  const images = blocksInThousandths(text).filter(({ label }) => label === 'image')
  return images.map(({ start, textStart: end, box }, index) => {
    const name = `image_${index + 1}.png`
    return { name, alt: '', start, end, box }
  })
}

/** Finds pictures in either form: marked as blocks in the task `layout`, by name in any other. */
export function picturesInThousandths(text: string): MarkedImage[] {
  const named = imagesInThousandths(text)
  return named.length > 0 ? named : imageBlocks(text)
}
