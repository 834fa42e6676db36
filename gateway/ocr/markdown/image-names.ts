import { scanBlocks } from './blocks.ts'
import { replaceOutsideRaw } from './markup.ts'

const TYPES = 'png|jpe?g|gif|webp|svg|bmp|tiff?|avif'
/** A file without a folder, or one with a number for a name: "image_1.png", "images/3.jpg". */
const MADE_UP = new RegExp(
  `^(?:[^/\\\\:?#]+\\.(?:${TYPES})|[^/:?#][^:?#]*/[a-z]*[-_]?\\d+\\.(?:${TYPES})|(?:image|img|figure|fig)[-_]?\\d*)$`,
  'i',
)

/** A name with a space in it is no target. */
const IMAGE = /!\[[^[\]\n]*(?<!\\)\]\((?<target>[^\s()<>]+)(?=[ \t]*(?:"[^"\n]*"|'[^'\n]*')?\))/
const ELEMENT = /<img(?=\s)[^<>]*?\ssrc\s*=\s*["']?(?<target>[^\s"'<>]+)/

/** Most pages hold none, and need not be searched. */
function mayHoldImages(markdown: string): boolean {
  return markdown.includes('![') || (markdown.includes('<') && /<img\s/i.test(markdown))
}

/**
 * Gives the pictures that a model marks on a page names that no other page has: every page's first one is called
 * `image_1.png`. Each mark is a picture of its own. Keeps the model's numbers where they differ, and addresses.
 */
export function nameImages(markdown: string, page: number): string {
  if (!mayHoldImages(markdown)) return markdown
  const used = new Set<number>()
  let next = 1
  const rename = ({ target = '' }: Readonly<Record<string, string>>, match: string): string => {
    if (!MADE_UP.test(target)) return match
    const wanted = Number(/(\d{1,4})\D*$/.exec(target)?.[1] ?? Number.NaN)
    while (used.has(next)) next += 1
    const number = Number.isInteger(wanted) && !used.has(wanted) ? wanted : next
    used.add(number)
    const type = /\.([a-z]+)$/i.exec(target)?.[1]?.toLowerCase() ?? 'png'
    return `${match.slice(0, -target.length)}page-${page}-image-${number}.${type}`
  }
  const either = (text: string) => replaceOutsideRaw(replaceOutsideRaw(text, IMAGE, rename), ELEMENT, rename)
  const parts: string[] = []
  let prose: string[] = []
  const end = () => {
    if (prose.length > 0) parts.push(either(prose.join('\n')))
    prose = []
  }
  for (const { text, isCode } of codeAndProse(markdown)) {
    if (!isCode) prose.push(text)
    else {
      end()
      parts.push(text)
    }
  }
  end()
  return parts.join('\n')
}

/** A picture with what belongs to it: a space before it, and behind it where LightOnOCR-2-bbox says that it stands. */
const WHOLE_IMAGE =
  /[ \t]?!\[[^[\]\n]*(?<!\\)\]\((?<target>[^\s()<>]*)[ \t]*(?:"[^"\n]*"|'[^'\n]*')?\)(?:[ \t]*\d{1,4}(?:,\d{1,4}){3}(?!\d))?/
const WHOLE_ELEMENT = /[ \t]?<img(?=\s)[^<>]*?\ssrc\s*=\s*["']?(?<target>[^\s"'<>]+)[^<>]*>/
/** What is left of a line that held a picture alone: in a list, in a quotation, in bold. */
const NOTHING_LEFT = /^[\s>*+-]*$/

function drop({ target = '' }: Readonly<Record<string, string>>, match: string): string {
  return target === '' || MADE_UP.test(target) ? '' : match
}

/** Removes the pictures that a model marks, and lines on which nothing else stands. Addresses and other paths stay. */
export function dropImages(markdown: string): string {
  if (!mayHoldImages(markdown)) return markdown
  const kept: string[] = []
  let hasGap = false
  for (const { text, isCode } of codeAndProse(markdown)) {
    const cut = isCode ? text : replaceOutsideRaw(replaceOutsideRaw(text, WHOLE_IMAGE, drop), WHOLE_ELEMENT, drop)
    if (cut !== text && NOTHING_LEFT.test(cut)) hasGap = true
    // Of the empty lines on both sides of a picture, one is left.
    else if (!hasGap || cut.trim() !== '' || (kept.at(-1) ?? '').trim() !== '') {
      kept.push(cut)
      hasGap &&= cut.trim() === ''
    }
  }
  return hasGap ? kept.join('\n').trimEnd() : kept.join('\n')
}

/** Returns a text's lines, and which of them are code or its fences. */
function codeAndProse(markdown: string): { readonly text: string; readonly isCode: boolean }[] {
  const { lines } = scanBlocks(markdown)
  return markdown.split('\n').map((text, index) => ({ text, isCode: lines[index]?.role !== 'text' }))
}
