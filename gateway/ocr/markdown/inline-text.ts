import { replaceOutsideRaw, unwrapCode } from './markup.ts'

/** Where a link leads: an address, a place, or a file. `f[i](x)` is no link. */
const TARGET = /^(?:[a-z][a-z0-9+.-]*:|www\.|#|\.{0,2}\/)|\.[a-z][a-z0-9]{1,4}$/i
/** Where models say that a picture is: a file that they made up, or its place on the page. */
const PICTURE = /^(?:\d{1,4}(?:,\d{1,4}){3}|(?:image|img|figure|fig)[-_]?\d*)?$/i

const TARGET_SOURCE = String.raw`\((?<target>[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)(?:\s+"[^"\n]*")?\)`
/** LightOnOCR-2-bbox writes the place of a picture behind it. */
const IMAGE = new RegExp(String.raw`!\[[^[\]\n]*(?<!\\)\]${TARGET_SOURCE}(?:[ \t]*\d{1,4}(?:,\d{1,4}){3}(?!\d))?`)
const LINK = new RegExp(String.raw`(?<!\\)\[(?<label>[^[\]\n]+)(?<!\\)\]${TARGET_SOURCE}`)

const IDEOGRAPHIC = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`
/** The beginning, a space, or a sign that opens. */
const BEFORE = String.raw`\s([{"'“”„‘’«‹—–:;,，。：；、（「『【《|>`
const NOT_AFTER = String.raw`*\\/(\p{L}\p{N}`
const FIRST = String.raw`(?=[\p{L}\p{N}\p{Sc}\p{Ps}\p{Pi}"'„#@§&+\-–—])`
const LAST = String.raw`(?<![\s\p{Ps}\\/*])`

/**
 * Emphasis, the most stars first. It stands around words: "5*3*2", `*args` and `C:\*.txt` are none. Bold may stand in the
 * middle of Chinese, which has no spaces.
 */
const EMPHASIS: readonly RegExp[] = [
  ...[String.raw`\*\*\*`, String.raw`\*\*`].map((mark) =>
    emphasis(mark, BEFORE + IDEOGRAPHIC, String.raw`(?=$|[${IDEOGRAPHIC}]|[^${NOT_AFTER}])`),
  ),
  emphasis(String.raw`\*`, BEFORE, `(?![${NOT_AFTER}])`),
]

function emphasis(mark: string, before: string, after: string): RegExp {
  const inside = String.raw`(?<inside>(?:(?!${mark}|\n[ \t]*\n)[^])+)`
  return new RegExp(`(?<=^|[${before}])${mark}${FIRST}${inside}${LAST}${mark}${after}`, 'u')
}

/** Removes the marks of emphasis, code, links and pictures. What is surely no mark stays as it is. */
export function inlineText(text: string): string {
  if (!/[*`\]]/.test(text)) return text
  let result = replaceOutsideRaw(text, IMAGE, ({ target = '' }, image) =>
    PICTURE.test(target) || TARGET.test(target) ? '' : image,
  )
  result = replaceOutsideRaw(result, LINK, ({ label = '', target = '' }, link) => (TARGET.test(target) ? label : link))
  for (const pattern of EMPHASIS) {
    // Numbers between single stars are multiplied.
    const words = pattern === EMPHASIS.at(-1) ? /\p{L}/u : /[\p{L}\p{N}]/u
    result = replaceOutsideRaw(result, pattern, ({ inside = '' }, match) => (words.test(inside) ? inside : match))
  }
  return unwrapCode(result)
}
