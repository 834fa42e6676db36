import type { TextLine } from '../../page/text-line.ts'
import type { Box } from '../scan/geometry.ts'

/** A character of PDFium's text page. */
export interface Character {
  readonly unicode: number
  /** Where its ink is, in points; null for a space that PDFium has put in. */
  readonly box: Box | null
  /** In points. */
  readonly size: number
}

/** What `FPDFText_GetUnicode` gives for a hyphen at a line's end (cpdf_textpage.cpp). */
const LINE_END_HYPHEN = 2
const SOFT_HYPHEN = '\u00AD'

/** What plain print is written with: other signs, scripts and letters may be formulas, or lie in another order. */
const PLAIN =
  /^(?:[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Nd}\p{P}\p{Sc}\s\u00AD\u2002-\u200A\u3000]|[+<=>^|~°§©®™№ªº])$/u
/** Letters and digits that stand on the line. */
const STANDING = /^[abcdehiklmnorstuvwxzABCDEGHIKLMNOPRSTUVWXYZ0-9абвгежзиклмнопстхчшюяАБВГЕЖЗИКЛМНОПРСТУХЧШЮЯ]$/u

/** As shares of the type's size. Small capitals, notes and indices are smaller; raised ones stand higher. */
const SMALLEST = 0.87
const MAX_RAISE = 0.1
/** A wider space is one between columns. After the number or the sign of a list more is left. */
const MAX_SPACE = 1.3
const MAX_SPACE_OF_LIST = 4
const LIST_SIGN = /^(?:[-–—•·▪‣◦*]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)])$/i
/** Dots that lead to a number: a table of contents. */
const LEADERS = /[.·…_]{4}|(?:[.·] ){3}/

type Placed = Character & { readonly box: Box }

/** Reads a line of plain print; empty text for a line without letters; null where it is more than that. */
export function readLine(characters: readonly Character[]): TextLine | null {
  const text = textOf(characters)
  if (text === null || LEADERS.test(text)) return null
  const inked = characters.filter((it): it is Placed => it.box !== null && !isSpace(it))
  if (inked.length === 0) return { text: '', left: 0, right: 0, top: 0, bottom: 0, baseline: 0, size: 0 }
  const size = Math.max(...inked.map((it) => it.size))
  if (!(size > 0) || inked.some((it) => it.size < SMALLEST * size)) return null
  const feet = inked
    .filter(({ unicode }) => STANDING.test(String.fromCodePoint(unicode)))
    .map(({ box }) => box.bottom)
    .toSorted((a, b) => a - b)
  const bottom = Math.min(...inked.map(({ box }) => box.bottom))
  const baseline = feet[feet.length >> 1] ?? bottom
  if (feet.some((foot) => Math.abs(foot - baseline) > MAX_RAISE * size)) return null
  if (hasWideSpace(characters, size)) return null
  return {
    text,
    left: inked[0]!.box.left,
    right: Math.max(...inked.map(({ box }) => box.right)),
    top: Math.max(...inked.map(({ box }) => box.top)),
    bottom,
    baseline,
    size,
  }
}

const isSpace = ({ unicode }: Character): boolean => /^\s$/.test(String.fromCodePoint(unicode))

/** Null where a character is not one of plain print. */
function textOf(characters: readonly Character[]): string | null {
  let text = ''
  for (const [index, { unicode }] of characters.entries()) {
    if (unicode === LINE_END_HYPHEN || unicode === 0xfffe) text += SOFT_HYPHEN
    else if (unicode === 0 || unicode > 0x10ffff) return null
    else {
      const next = characters[index + 1]?.unicode ?? 0
      const isPair = unicode >= 0xd800 && unicode < 0xdc00 && next >= 0xdc00 && next < 0xe000
      if (isPair || (unicode >= 0xd800 && unicode < 0xe000)) return null
      const character = String.fromCodePoint(unicode)
      if (!PLAIN.test(character)) return null
      text += character
    }
  }
  return text.replaceAll(/\s+/g, ' ').trim()
}

/** Tells whether something stands far from what is before it, or before that. */
function hasWideSpace(characters: readonly Character[], size: number): boolean {
  let before: Placed | null = null
  let begun = ''
  for (const character of characters) {
    if (isSpace(character) || character.box === null) continue
    const placed = character as Placed
    if (before !== null) {
      const space = placed.box.left - before.box.right
      if (space > (LIST_SIGN.test(begun) ? MAX_SPACE_OF_LIST : MAX_SPACE) * size || space < -size) return true
    }
    begun = begun.length > 5 ? begun : begun + String.fromCodePoint(Math.max(0x20, placed.unicode))
    before = placed
  }
  return false
}
