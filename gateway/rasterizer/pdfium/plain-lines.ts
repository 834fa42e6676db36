import type { TextLine } from '../../page/text-line.ts'
import { areaOf, type Box, intersect, type Matrix, multiply } from '../scan/geometry.ts'
import { matrixOf } from '../scan/page.ts'
import { OBJECT_FORM, OBJECT_PATH, OBJECT_TEXT } from './content.ts'
import type { Pdfium } from './module.ts'
import { readLine, type Character } from './plain-line.ts'
import type { SeenText } from './seen-text.ts'
import { boundsOf, type TextContent } from './text-content.ts'

// Plain print is a page of which its text layer can say everything: lines of one column, no picture, no table, no formula. In
// doubt a page is none: it is read by a model, as it would be anyway.

const MAX_OBJECTS = 5000
const MAX_CHARACTERS = 20_000
const MAX_FORM_DEPTH = 4
/** Points: what is thinner is a rule. */
const RULE = 3
/** A header's rule, a footnote's, and a few underlines; more are a table or a form. */
const MAX_RULES = 4
/** Of the page: what lies behind everything is its paper. */
const PAPER = 0.9
/** fpdf_annot.h: `FPDF_ANNOT_LINK` and `FPDF_ANNOT_POPUP` show nothing. */
const UNSEEN_ANNOTATIONS = [2, 16]
const IDENTITY: Matrix = [1, 0, 0, 1, 0, 0]

/** FPDF_PAGE and its FPDF_TEXTPAGE. */
interface PlainPage {
  readonly page: number
  readonly textPage: number
}

/** Reads the lines of a page of plain print, from the top; null for any other page. */
export function readPlainLines(
  pdfium: Pdfium,
  { page, textPage }: PlainPage,
  content: TextContent,
  seen: SeenText,
): readonly TextLine[] | null {
  const { library } = pdfium
  if (library.FPDFPage_GetRotation(page) !== 0 || content.pictured > 0 || content.hasTypedAnnotations) return null
  if (seen.pictured.size > 0 || seen.partial.size > 0 || hidesText(content, seen)) return null
  if (!isBare(pdfium, page, content.box) || hasSeenAnnotations(pdfium, page)) return null
  const characters = readCharacters(pdfium, textPage)
  if (characters === null) return null
  const lines: TextLine[] = []
  for (const line of characters) {
    const read = readLine(line)
    if (read === null) return null
    if (read.text !== '') lines.push(read)
  }
  return inOneColumn(lines)
}

/** Text that is there and not shown makes the rest doubtful. Spaces have no ink either, and no height. */
function hidesText({ texts }: TextContent, { painted }: SeenText): boolean {
  return texts.some(({ object, bounds }) => !painted.has(object) && areaOf(bounds) > 0)
}

/** Tells whether there is nothing on a page but text, a few level rules, and its paper. */
function isBare(pdfium: Pdfium, page: number, box: Box): boolean {
  const { library } = pdfium
  using room = pdfium.allocate(16)
  let left = MAX_OBJECTS
  let rules = 0
  const isBarePath = (object: number, around: Matrix): boolean => {
    const bounds = boundsOf(pdfium, object, room.address, around)
    const shown = areaOf(intersect(bounds, box))
    const [width, height] = [bounds.right - bounds.left, bounds.top - bounds.bottom]
    if (height < RULE && width > height) return ++rules <= MAX_RULES
    return shown >= PAPER * areaOf(box) || isBeside(bounds, box)
  }
  const isBareObject = (object: number, around: Matrix, depth: number): boolean => {
    if (left-- <= 0) return false
    const type = library.FPDFPageObj_GetType(object)
    if (type === OBJECT_TEXT) return true
    if (type === OBJECT_PATH) return isBarePath(object, around)
    if (type !== OBJECT_FORM || depth === MAX_FORM_DEPTH) return false
    const matrix = multiply(matrixOf(pdfium, object), around)
    const count = library.FPDFFormObj_CountObjects(object)
    for (let index = 0; index < count; index++)
      if (!isBareObject(library.FPDFFormObj_GetObject(object, index), matrix, depth + 1)) return false
    return true
  }
  const count = library.FPDFPage_CountObjects(page)
  for (let index = 0; index < count; index++)
    if (!isBareObject(library.FPDFPage_GetObject(page, index), IDENTITY, 0)) return false
  return true
}

function isBeside(bounds: Box, box: Box): boolean {
  return bounds.right <= box.left || bounds.left >= box.right || bounds.top <= box.bottom || bounds.bottom >= box.top
}

function hasSeenAnnotations({ library }: Pdfium, page: number): boolean {
  const count = library.FPDFPage_GetAnnotCount(page)
  for (let index = 0; index < Math.min(count, MAX_OBJECTS); index++) {
    const annotation = library.FPDFPage_GetAnnot(page, index)
    const subtype = library.FPDFAnnot_GetSubtype(annotation)
    library.FPDFPage_CloseAnnot(annotation)
    if (!UNSEEN_ANNOTATIONS.includes(subtype)) return true
  }
  return count > MAX_OBJECTS
}

/** Reads the characters of each line; null where one does not stand upright, or says nothing of where it is. */
function readCharacters(pdfium: Pdfium, textPage: number): Character[][] | null {
  const { library } = pdfium
  const count = library.FPDFText_CountChars(textPage)
  if (count > MAX_CHARACTERS) return null
  const lines: Character[][] = [[]]
  using room = pdfium.allocate(32)
  const { address } = room
  for (let index = 0; index < count; index++) {
    const unicode = library.FPDFText_GetUnicode(textPage, index)
    if (library.FPDFText_IsGenerated(textPage, index) === 1) {
      if (unicode === 10) lines.push([])
      else if (unicode !== 13) lines.at(-1)?.push({ unicode: SPACE, box: null, size: 0 })
      continue
    }
    if (library.FPDFText_HasUnicodeMapError(textPage, index) === 1) return null
    if (!library.FPDFText_GetMatrix(textPage, index, address)) return null
    const [a = 0, b = 0, , d = 0] = pdfium.floats(address, 4)
    if (a <= 0 || d <= 0 || Math.abs(b) > MAX_SLOPE * a) return null
    const size = library.FPDFText_GetFontSize(textPage, index) * d
    if (!library.FPDFText_GetCharBox(textPage, index, address, address + 8, address + 16, address + 24)) return null
    const [left = 0, right = 0, bottom = 0, top = 0] = pdfium.doubles(address, 4)
    lines.at(-1)?.push({ unicode, box: { left, right, bottom, top }, size })
  }
  return lines
}

const SPACE = 0x20
const MAX_SLOPE = 0.01

/** Of the type's size: how far letters of one line may reach into the next. */
const MAX_OVERLAP = 0.3

/** Puts lines in their order from the top; null where two stand beside each other. */
function inOneColumn(lines: readonly TextLine[]): readonly TextLine[] | null {
  const sorted = lines.toSorted((one, other) => other.baseline - one.baseline)
  const isBelow = ({ top, size }: TextLine, index: number): boolean => {
    const above = sorted[index - 1]
    return above === undefined || top - above.bottom <= MAX_OVERLAP * Math.min(size, above.size)
  }
  return sorted.every(isBelow) ? sorted : null
}
