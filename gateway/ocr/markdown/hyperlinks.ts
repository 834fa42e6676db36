import { decodeEntities, replaceOutsideRaw } from './markup.ts'
import { proseOf } from './prose.ts'

const SCHEME = String.raw`(?:https?|ftp|mailto|tel):`
const ADDRESS = `(?:${SCHEME}|www\\.)`
/** Everything is bounded: an answer may open thousands of links and close none. */
const INNER = String.raw`[^\s()<>]{0,2000}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,200}){0,8}`
const LINK = new RegExp(
  [
    String.raw`(?<![!\\])\[[^[\]\n]{0,500}\]\((?<target>${ADDRESS}${INNER})(?:\s+"[^"\n]{0,500}")?\)`,
    `<(?<automatic>${SCHEME}[^\\s<>]{1,2000})>`,
    String.raw`<a\s[^<>]{0,500}?\bhref\s*=\s*(?:"(?<quoted>${ADDRESS}[^"<>]{0,2000})"|'(?<single>${ADDRESS}[^'<>]{0,2000})')`,
    String.raw`(?<![\w/]|\]\(|=["']?)(?<bare>https?:\/\/[^\s<>"|\\^{}[\]\x60]{1,2000})`,
  ].join('|'),
)

/** Most pages have nothing that looks like an address, and need not be searched. */
const MAY_LINK = new RegExp(ADDRESS, 'i')

/** Returns the addresses that a page's Markdown links to, in their order, each once; those that stand as text are links too. */
export function findHyperlinks(markdown: string): string[] {
  const found = new Set<string>()
  if (!MAY_LINK.test(markdown)) return []
  replaceOutsideRaw(proseOf(markdown), LINK, ({ target, automatic, quoted, single, bare }, match) => {
    const address = target ?? automatic ?? quoted ?? single
    found.add(decodeEntities(address ?? withoutEnd(bare ?? '')))
    return match
  })
  return [...found]
}

/** Leaves out what belongs to the sentence around an address: GitHub's Markdown, "Autolinks (extension)". */
function withoutEnd(address: string): string {
  let tooMany = address.split(')').length - address.split('(').length
  let end = address.length
  for (; end > 0 && /[?!.,:;*_~'")]/.test(address[end - 1] ?? ''); end--) {
    if (address[end - 1] !== ')') continue
    if (tooMany <= 0) break
    tooMany -= 1
  }
  return address.slice(0, end)
}
