import type { TextLine } from '../../page/text-line.ts'
import { layerToMarkdown } from './layer-to-markdown.ts'

/** Fewer words are a title page, a form or the caption of something that is not text. */
const MIN_WORDS = 40
/** Lines of fewer words are labels and cells; a page of plain print has few of them. Two ideographs count as a word. */
const MIN_WORDS_OF_LINE = 4
const MIN_PROSE_SHARE = 0.6
/** So many lines that end like this are a program. */
const MAX_CODE_LINES = 2
const CODE = /[;{}]$/

/** Of the lines that go on with a sentence so many begin in the middle of it. Those of lists, poems and receipts begin anew. */
const MIN_GOING_ON = 0.35
const GOING_ON = /^["'“‘«(]?\p{Ll}/u

/** As shares of the size of the page's most common type. */
const HEADING = 1.15
const SAME_SIZE = 0.06
/** As shares of the usual distance between two lines. */
const WIDE_LEADING = 1.3
/** In sizes of the type: how far the first line of a paragraph is moved in, and how far its last line ends before the others. */
const MIN_INDENT = 0.8
const MIN_SHORT = 4
const MAX_HEADING_LINES = 3

const IDEOGRAPH = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u
const SENTENCE_END = /[.!?:…。！？：]["'”’»)\]]*$/u
const LIST_SIGN = /^(?:[-–—•·▪‣◦*]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)])\s/iu
const BULLET = /^[•·▪‣◦]\s*/u

/** Lines that belong together. */
interface Paragraph {
  readonly lines: TextLine[]
  readonly isItem: boolean
}

/** Writes the lines of a page of plain print as Markdown; null where they are not mostly running text. */
export function easyText(lines: readonly TextLine[]): string | null {
  if (!isRunningText(lines)) return null
  const body = commonSize(lines)
  const paragraphs = paragraphsOf(lines)
  if (!goOn(paragraphs)) return null
  const sizes = headingSizes(paragraphs, body)
  const written = paragraphs.map((paragraph) => write(paragraph, sizes))
  return written.reduce((text, next, index) => {
    const together = paragraphs[index]!.isItem && paragraphs[index - 1]?.isItem === true
    return index === 0 ? next : `${text}${together ? '\n' : '\n\n'}${next}`
  }, '')
}

function isRunningText(lines: readonly TextLine[]): boolean {
  const words = lines.map(({ text }) => wordsIn(text))
  const total = words.reduce((sum, count) => sum + count, 0)
  const prose = words.filter((count) => count >= MIN_WORDS_OF_LINE).length
  const code = lines.filter(({ text }) => CODE.test(text)).length
  return total >= MIN_WORDS && prose >= MIN_PROSE_SHARE * lines.length && code <= MAX_CODE_LINES
}

/** Tells whether what was taken for paragraphs is running text, by how its lines begin. */
function goOn(paragraphs: readonly Paragraph[]): boolean {
  const following = paragraphs.flatMap(({ lines }) => lines.slice(1))
  const inside = following.filter(goesOn)
  return inside.length >= MIN_GOING_ON * following.length
}

function goesOn({ text }: TextLine): boolean {
  return GOING_ON.test(text) || IDEOGRAPH.test(text.at(0) ?? '')
}

function wordsIn(text: string): number {
  const ideographs = text.match(new RegExp(IDEOGRAPH, 'gu'))?.length ?? 0
  return ideographs / 2 + (text.match(/\p{L}+/gu)?.length ?? 0)
}

/** Returns the size of type in which most of the text is. */
function commonSize(lines: readonly TextLine[]): number {
  const bySize = lines.toSorted((one, other) => one.size - other.size)
  const total = bySize.reduce((sum, { text }) => sum + text.length, 0)
  let seen = 0
  return bySize.find(({ text }) => (seen += text.length) >= total / 2)?.size ?? 0
}

function paragraphsOf(lines: readonly TextLine[]): Paragraph[] {
  const leading = usualLeading(lines)
  const right = quantile(
    lines.map((line) => line.right),
    0.9,
  )
  const left = quantile(
    lines.map((line) => line.left),
    0.1,
  )
  const paragraphs: Paragraph[] = []
  for (const line of lines) {
    const last = paragraphs.at(-1)
    const isItem = LIST_SIGN.test(line.text)
    if (last === undefined || isItem || begins(line, last.lines.at(-1)!, { leading, left, right }))
      paragraphs.push({ lines: [line], isItem })
    else last.lines.push(line)
  }
  return paragraphs
}

interface Column {
  /** The usual distance between two lines. */
  readonly leading: number
  readonly left: number
  readonly right: number
}

/** Tells whether a line begins a paragraph, by how it stands to the one above it. */
function begins(line: TextLine, above: TextLine, { leading, left, right }: Column): boolean {
  const { size } = above
  if (Math.abs(line.size - size) > SAME_SIZE * size) return true
  if (above.baseline - line.baseline > WIDE_LEADING * Math.max(leading, size)) return true
  const indent = line.left - left
  if (indent > MIN_INDENT * size && line.left - above.left > MIN_INDENT * size) return true
  return right - above.right > MIN_SHORT * size && SENTENCE_END.test(above.text)
}

function usualLeading(lines: readonly TextLine[]): number {
  const distances = lines.slice(1).map(({ baseline }, index) => lines[index]!.baseline - baseline)
  return quantile(distances, 0.5)
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** Returns the sizes of headings, the largest first. */
function headingSizes(paragraphs: readonly Paragraph[], body: number): readonly number[] {
  const sizes = paragraphs.filter((it) => isHeading(it, body)).map(({ lines }) => lines[0]!.size)
  const different: number[] = []
  for (const size of sizes.toSorted((a, b) => b - a))
    if (different.length === 0 || different.at(-1)! - size > SAME_SIZE * size) different.push(size)
  return different
}

function isHeading({ lines, isItem }: Paragraph, body: number): boolean {
  return !isItem && lines.length <= MAX_HEADING_LINES && lines.every(({ size }) => size >= HEADING * body)
}

const MAX_LEVEL = 6

function write({ lines, isItem }: Paragraph, sizes: readonly number[]): string {
  const text = layerToMarkdown(joined(lines).replace(BULLET, '- '))
  const { size } = lines[0]!
  const smallest = sizes.at(-1)
  if (isItem || smallest === undefined || lines.length > MAX_HEADING_LINES || size < smallest * (1 - SAME_SIZE))
    return text
  const level = sizes.findIndex((it) => size >= it * (1 - SAME_SIZE)) + 1
  return `${'#'.repeat(Math.min(MAX_LEVEL, Math.max(1, level)))} ${text}`
}

/** Joins the lines of a paragraph; a word that the end of a line divides becomes one again. Verses stay lines. */
function joined(lines: readonly TextLine[]): string {
  const isProse = lines.slice(1).some(goesOn)
  return lines
    .map((line) => line.text)
    .reduce((text, line) => {
      if (text.endsWith('\u00AD'))
        return /^\p{Ll}/u.test(line) ? text.slice(0, -1) + line : `${text.slice(0, -1)}-${line}`
      const isIdeographic = IDEOGRAPH.test(text.at(-1) ?? '') && IDEOGRAPH.test(line.at(0) ?? '')
      if (isIdeographic || text.endsWith('-')) return text + line
      return `${text}${isProse ? ' ' : '\n'}${line}`
    })
}
