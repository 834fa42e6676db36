import { closeSync, openSync, readSync, statSync } from 'node:fs'
import {
  facesOf,
  hanFonts,
  hangulFonts,
  monospaceFonts,
  openFontFamilies,
  sansFonts,
  serifFonts,
} from '../open-fonts.ts'
import type { OpenFont, OpenFontFamily } from '../open-fonts.ts'
import type { Pdfium } from './module.ts'

/** Of fpdf_sysfontinfo.h in PDFium: the `FXFONT_…_CHARSET` that these fonts can draw. */
const CHARSET_FAMILIES: ReadonlyMap<number, OpenFontFamily> = new Map([
  [128, hanFonts], // Shift JIS
  [129, hangulFonts],
  [134, hanFonts], // GB 2312
  [136, hanFonts], // Big5
  [161, sansFonts], // Greek
  [162, sansFonts], // Turkish
  [177, serifFonts], // Hebrew
  [186, sansFonts], // Baltic
  [204, sansFonts], // Cyrillic
  [238, sansFonts], // Eastern European
])

/** FPDF_SYSFONTINFO of fpdf_sysfontinfo.h: a version and eight functions, 4 bytes each in 32-bit WASM. */
const FONT_INFO_BYTES = 36
const FONT_INFO_VERSION = 1

const MAX_NAME_BYTES = 128

/** From this weight on a bold face is nearer than a regular one. */
const BOLD_WEIGHT = 600

/** Names, without spaces, of East Asian fonts that come with operating systems and Acrobat. */
const HANGUL_NAME =
  /batang|dotum|gulim|gungsuh|malgun|myeongjo|^hy(?:sm|go|gt)|^applegothic|applesdgothic|nanum|(?:cjk|sans|serif)-?kr/i
const HAN_NAME =
  /^@?ms-?p?(?:ui)?-?(?:gothic|mincho)|^(?:yu|ipa\w*|takao\w*)(?:gothic|mincho)|meiryo|hiragino|heisei|ryumin|gothicbbb|kozuka|n?simsun|simhei|simkai|simfang|fangsong|kaiti|heiti|songti|^st(?:song|kai|hei)|p?mingliu|dfkai|jhenghei|yahei|dengxian|pingfang|sourcehan|cjk/i

/**
 * The names under which PDFium asks for Helvetica, Times and Courier, and for all fonts that it maps to them. Its own
 * have neither Greek nor Cyrillic. When any other font lacks a character, PDFium asks for Helvetica.
 */
const STANDARD_FAMILIES = [
  ['Helvetica', sansFonts],
  ['Times', serifFonts],
  ['Courier', monospaceFonts],
] as const

/** Returns the family that draws a font's text; null for a font that PDFium draws with its own. */
export function substituteFamily(name: string, charset: number): OpenFontFamily | null {
  const family = CHARSET_FAMILIES.get(charset)
  if (family !== undefined) return family
  if (HANGUL_NAME.test(name)) return hangulFonts
  if (HAN_NAME.test(name)) return hanFonts
  return STANDARD_FAMILIES.find(([start]) => name.startsWith(start))?.[1] ?? null
}

/**
 * Makes PDFium draw text whose font is not in the PDF with these fonts; their bytes are read when a page needs them.
 */
export function offerFonts(pdfium: Pdfium): void {
  const offered = openFontFamilies.flatMap(facesOf)
  /** Handles begin at 1: to PDFium, 0 means that there is no such font. */
  const mapFont = (_: number, weight = 0, isItalic = 0, charset = 0, __ = 0, name = 0) => {
    const family = substituteFamily(textAt(pdfium, name), charset)
    return family === null ? 0 : offered.indexOf(faceOf(family, weight >= BOLD_WEIGHT, isItalic !== 0)) + 1
  }
  const readFont = (_: number, handle = 0, table = 0, target = 0, size = 0) => {
    const font = offered[handle - 1]
    // PDFium asks for single tables only to see whether the file holds several fonts.
    if (font === undefined || table !== 0) return 0
    const { size: length } = statSync(font.path)
    if (target !== 0 && size >= length) readInto(pdfium.bytes(target, length), font.path)
    return length
  }
  // Emscripten tells functions apart by identity: one that is passed twice would keep its first signature.
  const functions = [
    ['vi', () => 0], // Release
    ['vii', () => 0], // EnumFonts
    ['iiiiiiii', mapFont],
    ['iii', () => 0], // GetFont
    ['iiiiii', readFont], // GetFontData
    ['iiiii', () => 0], // GetFaceName
    ['iii', () => 0], // GetFontCharset
    ['vii', () => 0], // DeleteFont
  ] as const
  // PDFium keeps both for as long as the instance lives.
  const info = pdfium.allocate(FONT_INFO_BYTES)
  const indexes = functions.map(([signature, run]) => pdfium.callback(run, signature).index)
  pdfium.integers(info.address, 1 + indexes.length).set([FONT_INFO_VERSION, ...indexes])
  pdfium.library.FPDF_SetSystemFontInfo(info.address)
}

function faceOf(family: OpenFontFamily, isBold: boolean, isItalic: boolean): OpenFont {
  if (isBold) return isItalic ? family.boldItalic : family.bold
  return isItalic ? family.italic : family.regular
}

function textAt(pdfium: Pdfium, address: number): string {
  const bytes = pdfium.bytes(address, MAX_NAME_BYTES)
  const end = bytes.indexOf(0)
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('latin1')
}

/** Reads synchronously, since PDFium waits, and into PDFium's memory, without a copy. */
function readInto(target: Uint8Array, path: string): void {
  const file = openSync(path, 'r')
  try {
    for (let at = 0; at < target.length;) {
      const count = readSync(file, target, at, target.length - at, at)
      if (count === 0) throw new Error(`${path} ended early`)
      at += count
    }
  } finally {
    closeSync(file)
  }
}
