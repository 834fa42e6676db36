import type { TextLayer } from '../../page/text-layer.ts'
import { readLettering } from './lettering.ts'
import type { Pdfium } from './module.ts'
import { lookOverText, type TextContent } from './text-content.ts'

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
const SOFT_HYPHEN = '\u00AD'
const REPLACEMENT = '\uFFFD'

/**
 * Returns the text of a page's text objects, as far as it is visible on the page; null when there is none. Invisible
 * text counts only where a picture shows it. May make PDFium's memory grow.
 */
export function readTextLayer(pdfium: Pdfium, page: number): TextLayer | null {
  const { library } = pdfium
  const textPage = library.FPDFText_LoadPage(page)
  if (textPage === 0) return null
  try {
    const count = Math.min(library.FPDFText_CountChars(textPage), MAX_CHARACTERS)
    const content = count > 0 ? lookOverText(pdfium, page) : null
    if (content === null) return null
    const { visible, hidden } = readCharacters(pdfium, textPage, count, content)
    const isPictured = content.pictured >= LARGE_PICTURE
    const isOcr = isPictured && hidden.length > visible.length
    const text = (isOcr ? hidden : visible).trim()
    if (text === '') return null
    const isWhole = (isOcr || !isPictured) && !content.hasTypedAnnotations
    const lettering = isPictured ? null : readLettering(pdfium, textPage, count, content)
    return { text, unmapped: unmappedShare(pdfium, textPage, count), isOcr, isWhole, lettering }
  } finally {
    library.FPDFText_ClosePage(textPage)
  }
}

interface Characters {
  readonly visible: string
  readonly hidden: string
}

function readCharacters(pdfium: Pdfium, textPage: number, count: number, content: TextContent): Characters {
  const { hidden, hasVisible, isWithinPage } = content
  if (!isWithinPage || (hidden.size > 0 && hasVisible)) return sortCharacters(pdfium, textPage, count, content)
  const all = readAll(pdfium, textPage, count)
  return hidden.size > 0 ? { visible: '', hidden: all } : { visible: all, hidden: '' }
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

/** Sorts the characters into visible and hidden ones, by their objects. Leaves out those that lie beside the page. */
function sortCharacters(pdfium: Pdfium, textPage: number, count: number, { box, hidden }: TextContent): Characters {
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
    if (!library.FPDFText_GetCharBox(textPage, index, address, address + 8, address + 16, address + 24)) continue
    const [left = 0, right = 0, bottom = 0, top = 0] = pdfium.doubles(address, 4)
    const [x, y] = [(left + right) / 2, (bottom + top) / 2]
    if (x < box.left || x > box.right || y < box.bottom || y > box.top) continue
    last = hidden.has(library.FPDFText_GetTextObject(textPage, index)) ? found.hidden : found.visible
    last.push(character(unicode))
  }
  return { visible: found.visible.join(''), hidden: found.hidden.join('') }
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
