import { bodySize, toHeadings } from './blocks-heading.ts'
import type { Heading } from './blocks-heading.ts'
import { inReadingOrder, median } from './blocks-reading-order.ts'
import type { PlacedRegion, Region } from './blocks-reading-order.ts'
import { areRuled, tableParts } from './blocks-table.ts'
import { endsEarly, isNoise, joinText, lineText } from './blocks-text.ts'
import type { Block, Line } from './recognition.ts'

interface Item {
  readonly kind: 'item'
  /** `-`, or a number with its dot or bracket. */
  readonly marker: string
  text: string
  readonly lines: Line[]
}

interface Paragraph {
  readonly kind: 'paragraph'
  text: string
  readonly lines: Line[]
}

interface Table {
  readonly kind: 'table'
  /** All rows have the same length; an empty cell is an empty string. */
  readonly rows: readonly (readonly string[])[]
  readonly lines: Line[]
}

/** A piece of a page's text, as Tesseract read it. A line feed in it is a deliberate line break. */
export type Piece = Heading | Item | Paragraph | Table

/** Turns what Tesseract read on one page into pieces, in reading order and without noise. */
export function toPieces(blocks: readonly Block[]): Piece[] {
  const regions = blocks.flatMap(toRegions)
  const lines = regions.flatMap((region) => region.lines)
  const body = bodySize(lines)
  const pieces: Piece[] = []
  let previous: PlacedRegion | undefined
  for (const region of inReadingOrder(regions, median(lines.map((line) => line.height)))) {
    const unfinished = previous !== undefined && runsToTheEnd(previous)
    for (const piece of toRegionPieces(region, pieces.at(-1))) addPiece(pieces, piece, unfinished)
    previous = region
  }
  return pieces

  function toRegionPieces(region: PlacedRegion, before: Piece | undefined): Piece[] {
    if (region.kind === 'table') return tablePieces(region)
    const headings = toHeadings(region, body)
    return headings.length > 0 ? headings : textPieces(region, before)
  }
}

/** Adds a piece, or appends it to the last one where a column or a gap had split a paragraph or a heading. */
function addPiece(pieces: Piece[], piece: Piece, unfinished: boolean): void {
  const last = pieces.at(-1)
  const broken = unfinished && last?.kind === 'paragraph' && piece.kind === 'paragraph' && goesOn(last.text, piece.text)
  const brokenHeading = last?.kind === 'heading' && piece.kind === 'heading' && /^\p{Ll}/u.test(piece.text)
  if (broken || brokenHeading) {
    last.text = joinText(last.text, piece.text)
    last.lines.push(...piece.lines)
  } else pieces.push(piece)
}

/** In line heights. A line that ends further from the end of its column has a deliberate break. */
const RAGGED = 4

/** Whether a region's last line fills its column: a running head does not. */
function runsToTheEnd({ lines, right }: PlacedRegion): boolean {
  const last = lines.at(-1)
  return last !== undefined && right - last.box.x1 < RAGGED * last.height
}

/**
 * Whether a paragraph continues in the next column: its last sentence has no end, and the next text begins in lower
 * case.
 */
function goesOn(before: string, after: string): boolean {
  return /[\p{Ll},\u00ad-]$/u.test(before) && !before.includes('\n') && /^\p{Ll}{2,}/u.test(after)
}

/** A table stays whole; elsewhere Tesseract's paragraphs are the regions. */
function toRegions({ kind: found, box, paragraphs }: Block): Region[] {
  const all = paragraphs.flatMap((paragraph) => paragraph.lines)
  const kind: Region['kind'] = found === 'table' || areRuled(all) ? 'table' : 'text'
  const groups = kind === 'table' ? [{ box, lines: all }] : paragraphs
  return groups
    .map((group) => ({ kind, box: group.box, lines: group.lines.filter((line) => !isNoise(line)) }))
    .filter((region) => region.lines.length > 0)
}

function tablePieces(region: PlacedRegion): Piece[] {
  const pieces: Piece[] = []
  for (const part of tableParts(region.lines)) {
    const { lines } = part
    const last = pieces.at(-1)
    if ('rows' in part) pieces.push({ kind: 'table', rows: part.rows, lines })
    else if (last?.kind === 'paragraph') {
      last.text += `\n${part.text}`
      last.lines.push(...lines)
    } else pieces.push({ kind: 'paragraph', text: part.text, lines })
  }
  return pieces
}

function textPieces(region: PlacedRegion, before: Piece | undefined): Piece[] {
  const pieces: (Item | Paragraph)[] = []
  let previous: Line | undefined
  for (const line of region.lines) {
    const open = pieces.at(-1)
    const item = listItem(line, previous, open ?? before)
    const text = lineText(line.words, line.height)
    if (item !== null) pieces.push(item)
    else if (open === undefined || previous === undefined) pieces.push({ kind: 'paragraph', text, lines: [line] })
    else {
      open.text = endsEarly(previous, line, region) ? `${open.text}\n${text}` : joinText(open.text, text)
      open.lines.push(line)
    }
    previous = line
  }
  return pieces
}

const BULLET = /^[•‣◦▪▫■□●○◆◇►▶➢➤✓✔\-–—*+·«»°¢©=>.~oe]$/u
const NUMBER = /^(\d{1,3})[.)]$/

/**
 * Reads a bullet or number at the beginning of a line. Tesseract reads bullets as dots, dashes, `e`, `o` and the like.
 */
function listItem(line: Line, previous: Line | undefined, before: Piece | undefined): Item | null {
  const [first, ...rest] = line.words
  if (first === undefined || rest.length === 0) return null
  const text = lineText(rest, line.height)
  if (BULLET.test(first.text) && /^[\p{L}\p{N}"“'‘([$€£]/u.test(text))
    return { kind: 'item', marker: '-', text, lines: [line] }
  const number = NUMBER.exec(first.text)?.[1]
  if (number === undefined) return null
  // In the middle of a paragraph a number may be the end of a sentence: "as stated in section 3."
  const startsHere =
    previous === undefined ||
    /[.:;。：；]$/u.test(previous.words.at(-1)?.text ?? '') ||
    (before?.kind === 'item' && Number.parseInt(before.marker, 10) === Number(number) - 1)
  return startsHere ? { kind: 'item', marker: first.text, text, lines: [line] } : null
}
