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

/**
 * Gives the pictures that a model marks on a page names that no other page has: every page's first one is called
 * `image_1.png`. Each mark is a picture of its own. Keeps the model's numbers where they differ, and addresses.
 */
export function nameImages(markdown: string, page: number): string {
  if (!markdown.includes('![') && !/<img\s/i.test(markdown)) return markdown
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

/** Returns a text's lines, and which of them are code or its fences. */
function codeAndProse(markdown: string): { readonly text: string; readonly isCode: boolean }[] {
  const { lines } = scanBlocks(markdown)
  return markdown.split('\n').map((text, index) => ({ text, isCode: lines[index]?.role !== 'text' }))
}
