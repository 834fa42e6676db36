import { scanBlocks } from '../markdown/blocks.ts'

/** Neighbouring lines with no empty line between them. */
export interface TextBlock {
  /** Offsets into the text: of the first line, and of the end of the last one, without white space behind it. */
  readonly start: number
  readonly end: number
  readonly lines: readonly string[]
  /** Whether it holds code. */
  readonly isCode: boolean
}

/** More than a page's: what lies further from its edges is of no interest. */
const MAX_BLOCKS = 24

/** The blocks at the edges of a page's Markdown. */
export interface EdgeBlocks {
  readonly first: readonly TextBlock[]
  /** From the last one on. */
  readonly last: readonly TextBlock[]
}

/** Splits the edges of a page's Markdown into blocks; none where something is left open at its end. */
export function edgeBlocks(markdown: string): EdgeBlocks {
  const { lines, open } = scanBlocks(markdown)
  if (open !== null) return { first: [], last: [] }
  const blocks: TextBlock[] = []
  let start = 0
  let found: { start: number; end: number; lines: string[]; isCode: boolean } | null = null
  let offset = 0
  for (const [index, line] of markdown.split('\n').entries()) {
    const isBlank = line.trim() === ''
    const isCode = lines[index]?.role !== 'text'
    if (isBlank && !isCode) {
      if (found !== null) blocks.push(found)
      found = null
    } else {
      start = offset
      found ??= { start, end: start, lines: [], isCode: false }
      found.end = offset + line.trimEnd().length
      found.lines.push(line)
      found.isCode ||= isCode
    }
    offset += line.length + 1
  }
  if (found !== null) blocks.push(found)
  return { first: blocks.slice(0, MAX_BLOCKS), last: blocks.slice(-MAX_BLOCKS).toReversed() }
}

const MARK = /^ {0,3}(?:#{1,6}(?:[ \t]|$)|>|```|~~~|\||!\[|\$\$|\\\[|<(?:!--|\/?[a-z])|\[\^|\[[ x]\]|\\begin\{)/i
const ITEM = /^\s*(?:[-+*•▪◦‣⁃·●○■□–—]|\\?[(（]?(?:\p{Nd}{1,4}|[a-z]|[ivxlc]{1,6})[.)）]|§)(?:\s|$)/iu
const CJK_ITEM =
  /^\s*(?:[（(]?[一二三四五六七八九十百\p{Nd}]{1,4}[）)、.．]|第\s?[一二三四五六七八九十百千\p{Nd}]{1,6}\s?[章节節条條款项項编篇部回課课]|[①-⑳])/u
const RULE = /^ {0,3}(?:[-*_=] ?){3,}$/
const CAPTION =
  /^\W*(?:fig(?:ure)?s?|table|tab|abb(?:ildung)?|tabelle|tableau|tabla|figura|cuadro|gráfico|quadro|grafik|diagram|chart|plate|scheme|box|listing|algorithm|图|圖|表|図|그림|표|рис(?:унок)?|таблица|شكل|جدول)\.?\s?[\p{Nd}A-Z]/iu

/** Tells whether a block is plain text: no heading, list, table, code, quote, picture, caption or formula. */
export function isPlain({ lines, isCode }: TextBlock): boolean {
  const [first = ''] = lines
  if (isCode || /^(?: {4}|\t|\u3000)/.test(first) || CAPTION.test(first)) return false
  return !lines.some((line) => MARK.test(line) || RULE.test(line) || ITEM.test(line) || CJK_ITEM.test(line))
}

/** A star with a space behind it begins a list. */
const FOOTNOTE =
  /^ {0,3}(?:\[\^[^\]\s]{1,20}\]:|<sup>|\$\^\{?|(?:\\\*){1,3}|\*{1,3}(?=\p{L}[^*]*$)|[†‡§¶]{1,3}(?=[\s\p{L}])|[¹²³⁴-⁹⁰]+|\^\p{Nd}{1,3}\^?)/u

/** Tells whether a block is a footnote. */
export function isFootnote({ lines, isCode }: TextBlock): boolean {
  return !isCode && FOOTNOTE.test(lines[0] ?? '')
}
