import type { TextLayer } from '../../page/text-layer.ts'
import { marksIn, type PageShare } from '../../prepare/ink-in-box.ts'
import { readLettering } from './lettering.ts'
import type { Pdfium } from './module.ts'
import { readPlainLines } from './plain-lines.ts'
import { type DrawnPage, findSeenText, type SeenText } from './seen-text.ts'
import { lookOverText, type TextContent } from './text-content.ts'
import { shareOf } from '../text-place.ts'

/** A longer text layer is cut off: for comparing, these are enough. */
const MAX_CHARACTERS = 100_000
/** So many are a sample of how many have no Unicode: asking for all would cost as much as reading the page. */
const SAMPLED_CHARACTERS = 500
/**
 * A picture over such a share of the page may show text of its own; invisible words above or beneath it are its OCR
 * layer.
 */
const LARGE_PICTURE = 0.5
/** What `FPDFText_GetUnicode` gives for a hyphen at a line's end (cpdf_textpage.cpp). */
const LINE_END_HYPHEN = 2
const SPACE = 0x20
const SOFT_HYPHEN = '\u00AD'
const REPLACEMENT = '\uFFFD'

/**
 * Returns the text of a page's text objects, as far as the drawn page shows it; null when there is none. Text that is
 * not painted counts only where a picture shows it. May make PDFium's memory grow. `wantsLines`: tells the lines of a page of plain
 * print, too.
 */
export function readTextLayer(
  pdfium: Pdfium,
  page: number,
  draw: () => DrawnPage,
  wantsLines = false,
): TextLayer | null {
  const { library } = pdfium
  const content = lookOverText(pdfium, page)
  if (content === null) return null
  const seen = findSeenText(pdfium, page, content, draw())
  if (seen.painted.size + seen.pictured.size === 0) return null
  const textPage = library.FPDFText_LoadPage(page)
  if (textPage === 0) return null
  try {
    const count = Math.min(library.FPDFText_CountChars(textPage), MAX_CHARACTERS)
    if (count <= 0) return null
    const { visible, hidden } = readCharacters(
      pdfium,
      { textPage, count, turns: library.FPDFPage_GetRotation(page) },
      content,
      seen,
    )
    const isPictured = content.pictured >= LARGE_PICTURE
    const isOcr = isPictured && hidden.length > visible.length
    const text = (isOcr ? hidden : visible).trim()
    if (text === '') return null
    const isWhole = (isOcr || !isPictured) && !content.hasTypedAnnotations
    const lettering = isPictured ? null : readLettering(pdfium, textPage, count, content, seen)
    const lines = wantsLines ? { lines: readPlainLines(pdfium, { page, textPage }, content, seen) } : {}
    return { text, unmapped: unmappedShare(pdfium, textPage, count), isOcr, isWhole, lettering, ...lines }
  } finally {
    library.FPDFText_ClosePage(textPage)
  }
}

/** FPDF_TEXTPAGE, its characters, and how the page is turned. */
interface TextPage {
  readonly textPage: number
  readonly count: number
  readonly turns: number
}

interface Characters {
  readonly visible: string
  readonly hidden: string
}

function readCharacters(pdfium: Pdfium, text: TextPage, content: TextContent, seen: SeenText): Characters {
  const { painted, pictured, partial } = seen
  if (partial.size > 0 || (painted.size > 0 && pictured.size > 0)) return sortCharacters(pdfium, text, content, seen)
  const all = readAll(pdfium, text.textPage, text.count)
  return pictured.size > 0 ? { visible: '', hidden: all } : { visible: all, hidden: '' }
}

/** Reads the text in one call when every character counts: a call for each character takes several milliseconds. */
function readAll(pdfium: Pdfium, textPage: number, count: number): string {
  using room = pdfium.allocate(2 * (count + 1))
  const written = pdfium.library.FPDFText_GetText(textPage, 0, count, room.address)
  const units = Buffer.from(pdfium.bytes(room.address, 2 * Math.max(0, written - 1))).toString('utf16le')
  return units
    .replaceAll('\r\n', '\n')
    .replaceAll('\x02', SOFT_HYPHEN)
    .replaceAll('\uFFFE', SOFT_HYPHEN)
    .replaceAll('\0', REPLACEMENT)
}

/** Sorts the characters into visible and hidden ones, by their objects. Leaves out those that are not seen. */
function sortCharacters(
  pdfium: Pdfium,
  { textPage, count, turns }: TextPage,
  { box }: TextContent,
  { pictured, partial }: SeenText,
): Characters {
  const { library } = pdfium
  const found = { visible: [] as string[], hidden: [] as string[] }
  let last = found.visible
  using room = pdfium.allocate(32)
  const { address } = room
  for (let index = 0; index < count; index++) {
    const unicode = library.FPDFText_GetUnicode(textPage, index)
    if (library.FPDFText_IsGenerated(textPage, index) === 1) {
      // Spaces and line ends belong to the character before them.
      if (unicode !== 13) last.push(unicode === 10 ? '\n' : ' ')
      continue
    }
    const object = library.FPDFText_GetTextObject(textPage, index)
    const marks = partial.get(object)
    if (marks !== undefined && unicode !== SPACE) {
      if (!library.FPDFText_GetCharBox(textPage, index, address, address + 8, address + 16, address + 24)) continue
      const [left = 0, right = 0, bottom = 0, top = 0] = pdfium.doubles(address, 4)
      const share = shareOf({ left, right, bottom, top }, box, turns)
      if (!liesWithin(share) || marksIn(marks, share) === 'none') continue
    }
    last = pictured.has(object) ? found.hidden : found.visible
    last.push(character(unicode))
  }
  return { visible: found.visible.join(''), hidden: found.hidden.join('') }
}

/** Whether the middle of a character lies on the page. */
function liesWithin({ left, right, top, bottom }: PageShare): boolean {
  const [x, y] = [(left + right) / 2, (top + bottom) / 2]
  return x >= 0 && x <= 1 && y >= 0 && y <= 1
}

function character(unicode: number): string {
  if (unicode === LINE_END_HYPHEN || unicode === 0xfffe) return SOFT_HYPHEN
  if (unicode === 0 || unicode > 0x10ffff) return REPLACEMENT
  // The two surrogates of a character beyond the first plane come one by one; as strings they join by themselves.
  return unicode > 0xffff ? String.fromCodePoint(unicode) : String.fromCharCode(unicode)
}

function unmappedShare({ library }: Pdfium, textPage: number, count: number): number {
  const step = Math.ceil(count / SAMPLED_CHARACTERS)
  let sampled = 0
  let unmapped = 0
  for (let index = 0; index < count; index += step) {
    sampled++
    if (library.FPDFText_HasUnicodeMapError(textPage, index) === 1) unmapped++
  }
  return unmapped / sampled
}
