import type { Lettering } from '../../page/text-layer.ts'
import type { Pdfium } from './module.ts'
import type { SeenText } from './seen-text.ts'
import type { TextContent } from './text-content.ts'

/** So many letters are a sample of how large they are, and which way they run. */
const SAMPLED_LETTERS = 400
const MIN_LETTERS = 5
/** The share of the letters that must stand level, or upright, for the page to be level. */
const LEVEL_SHARE = 0.9
const MAX_DEGREES = 0.3
/** As on drawn pages: notes decide it once they are a third of the page. */
const SMALL_SHARE = 0.33

const LETTER = /^[\p{L}\p{N}]$/u
/** Letters as high as an x, in the scripts that have such. */
const SMALL_LETTER = /^[acemnorsuvwxzαεικμνορστυχωасегиклмнопртхчшъыьэюя]$/u
const HAN = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]$/u
const CAPITAL = /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}0-9]$/u
/** Of a page whose other letters tell nothing, such as Arabic ones, the rest is no sample. */
const TELLING_SHARE = 0.5
/** The height of an x as a share of a capital's or a digit's, and of a Chinese character's of the same type size. */
const OF_CAPITAL = 0.72
const OF_CHARACTER = 0.55

/**
 * Measures the visible letters of a page on a sample; null where they are few, or where the page is mostly a picture,
 * of which its letters say nothing.
 */
export function readLettering(
  pdfium: Pdfium,
  textPage: number,
  count: number,
  { box }: TextContent,
  { painted, pictured, partial }: SeenText,
): Lettering | null {
  const { library } = pdfium
  const longerSide = Math.max(box.right - box.left, box.top - box.bottom)
  const step = Math.ceil(count / SAMPLED_LETTERS)
  const sizes: number[] = []
  const allPainted = pictured.size === 0 && partial.size === 0
  let [level, seen, letters] = [0, 0, 0]
  using room = pdfium.allocate(32)
  for (let index = 0; index < count; index += step) {
    const unicode = library.FPDFText_GetUnicode(textPage, index)
    if (unicode <= 32 || unicode > 0x10ffff || library.FPDFText_IsGenerated(textPage, index) === 1) continue
    if (!allPainted && !painted.has(library.FPDFText_GetTextObject(textPage, index))) continue
    if (!library.FPDFText_GetMatrix(textPage, index, room.address)) continue
    const [across = 0, up = 0] = pdfium.floats(room.address, 2)
    const degrees = (Math.atan2(up, across) * 180) / Math.PI
    seen++
    if (Math.abs(degrees - Math.round(degrees / 90) * 90) <= MAX_DEGREES) level++
    const isUpright = Math.abs(up) > Math.abs(across)
    const character = String.fromCodePoint(unicode)
    if (LETTER.test(character)) letters++
    const size = sizeOf(character, heightOf(pdfium, textPage, index, isUpright, room.address))
    if (size > 0 && size < longerSide / 4) sizes.push(size / longerSide)
  }
  if (seen < MIN_LETTERS) return null
  return { isLevel: level >= LEVEL_SHARE * seen, size: sizes.length < TELLING_SHARE * letters ? null : smaller(sizes) }
}

function smaller(sizes: readonly number[]): number | null {
  return sizes.toSorted((a, b) => a - b)[Math.floor(sizes.length * SMALL_SHARE)] ?? null
}

function heightOf(pdfium: Pdfium, textPage: number, index: number, isUpright: boolean, address: number): number {
  if (!pdfium.library.FPDFText_GetCharBox(textPage, index, address, address + 8, address + 16, address + 24)) return 0
  const [left = 0, right = 0, bottom = 0, top = 0] = pdfium.doubles(address, 4)
  return isUpright ? right - left : top - bottom
}

/** Returns how high an x of this letter's type is; 0 for marks, which tell nothing. */
function sizeOf(letter: string, height: number): number {
  if (SMALL_LETTER.test(letter)) return height
  if (HAN.test(letter)) return height * OF_CHARACTER
  return CAPITAL.test(letter) ? height * OF_CAPITAL : 0
}
