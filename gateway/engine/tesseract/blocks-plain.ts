import { isNoise } from './blocks-text.ts'
import type { Block, Box, Line } from './recognition.ts'

/** Of a line's height: how far two lines may reach into each other. */
const MAX_OVERLAP = 0.4
/** In heights of a small letter: a wider space within a line is one between columns. */
const MAX_SPACE = 4
/** In heights of a line: in a larger space there is something that was not read. */
const MAX_GAP = 3
/** Signs of formulas and programs. */
const SIGNS = /[={}<>|^\\~∑∫√±×÷]/
/** Lines of fewer words are labels, headings and cells; a page of plain print has few. */
const MIN_WORDS = 4
const MIN_PROSE_SHARE = 0.7

/** Tells whether what was read of a page is plain print: lines of words in one column, with nothing between them. */
export function isPlainPrint(blocks: readonly Block[]): boolean {
  if (blocks.some(({ kind }) => kind === 'table')) return false
  const lines = blocks
    .flatMap(({ paragraphs }) => paragraphs.flatMap((paragraph) => paragraph.lines))
    .toSorted((one, other) => one.box.y0 - other.box.y0)
  if (lines.length === 0 || lines.some((line) => hasGap(line) || isNoise(line) || hasSigns(line))) return false
  const neighbours = lines.slice(1).map((line, index) => [lines[index]!, line] as const)
  if (neighbours.some(([above, { box }]) => standsBeside(box, above.box))) return false
  // Headers and footers stand apart.
  if (neighbours.slice(1, -1).some(([above, { box }]) => isFarBelow(box, above))) return false
  return lines.filter(({ words }) => words.length >= MIN_WORDS).length >= MIN_PROSE_SHARE * lines.length
}

function standsBeside(box: Box, above: Box): boolean {
  const smaller = Math.min(box.y1 - box.y0, above.y1 - above.y0)
  return above.y1 - box.y0 > MAX_OVERLAP * smaller
}

function isFarBelow(box: Box, { box: above, height }: Line): boolean {
  return box.y0 - above.y1 > MAX_GAP * height
}

function hasSigns({ words }: Line): boolean {
  return words.some(({ text }) => SIGNS.test(text))
}

function hasGap({ words, size }: Line): boolean {
  return words.some(({ box }, index) => index > 0 && box.x0 - words[index - 1]!.box.x1 > MAX_SPACE * size)
}
