import { findComponents } from './components.ts'
import { findGap } from './gap.ts'
import type { Gap } from './gap.ts'
import type { InkMask } from './ink-mask.ts'

/** How wide paper between columns is, in heights of a letter: more than a wide space between words. */
const GUTTER = 1.8
/** How wide a space between words is, where there is only one line: letters stand closer together. */
const WORD_SPACE = 0.4
const MIN_WIDTH = 2
const MIN_LETTER_HEIGHT = 3

/**
 * Finds a way from the top to the bottom of a zone, between columns; of a single line, between words. Null where there
 * is none. The gap's `rows` are the columns that it runs through, from the top.
 */
export function findGutter(mask: InkMask): Gap | null {
  const heights = [...findComponents(mask)]
    .map(({ top, bottom }) => bottom - top + 1)
    .filter((height) => height >= MIN_LETTER_HEIGHT)
  const size = heights.toSorted((a, b) => a - b)[heights.length >> 1] ?? 0
  const width = Math.max(MIN_WIDTH, Math.round(size * (countLines(mask) > 1 ? GUTTER : WORD_SPACE)))
  return findGap(turned(mask), { first: 0, end: mask.width }, width >> 1)
}

/** Counts the runs of rows with ink that are as high as a letter. */
function countLines({ pixels, width, height }: InkMask): number {
  let [lines, run] = [0, 0]
  for (let y = 0; y <= height; y++) {
    const hasInk = y < height && pixels.subarray(y * width, (y + 1) * width).includes(1)
    if (!hasInk && run >= MIN_LETTER_HEIGHT) lines++
    run = hasInk ? run + 1 : 0
  }
  return lines
}

/** Returns the mask with its rows and columns exchanged. */
function turned(mask: InkMask): InkMask {
  const { pixels, width, height } = mask
  const result = new Uint8Array(pixels.length)
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) if (pixels[at] === 1) result[x * height + y] = 1
  return { ...mask, pixels: result, width: height, height: width }
}
