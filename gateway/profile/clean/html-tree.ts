import { parseFragment, type DefaultTreeAdapterTypes } from 'parse5'

/** A node of a page's HTML. */
export type HtmlNode = DefaultTreeAdapterTypes.ChildNode
/** An element of a page's HTML. */
export type HtmlElement = DefaultTreeAdapterTypes.Element

/** A page's HTML, parsed. */
export interface HtmlTree {
  readonly nodes: readonly HtmlNode[]
  /** What was parsed; the nodes' offsets are of this text. */
  readonly source: string
}

/** More than any page has. Within these bounds an answer takes some 50 ms. */
const MAX_CHARACTERS = 300_000
const MAX_TAGS = 12_000
const MAX_DEPTH = 64

/** Parses an answer in HTML; null where it is too long, or its elements are too many or stand too deep in one another. */
export function parseHtml(html: string): HtmlTree | null {
  if (html.length > MAX_CHARACTERS || hasTooManyTags(html) || isTooDeep(html)) return null
  const source = shieldMath(html)
  return { nodes: parseFragment(source, { sourceCodeLocationInfo: true }).childNodes, source }
}

function hasTooManyTags(html: string): boolean {
  let count = 0
  for (let at = html.indexOf('<'); at >= 0 && count <= MAX_TAGS; at = html.indexOf('<', at + 1)) count += 1
  return count > MAX_TAGS
}

/** Elements that are open until they are closed. */
const NESTING =
  /<(\/?)(?:div|span|table|thead|tbody|tr|ul|ol|a|b|i|u|em|strong|del|sup|sub|small|big|pre|code|blockquote|section|math|svg|form|center|font|details|select|template|button|h[1-6])(?=[\s>/])/gi

function isTooDeep(html: string): boolean {
  let depth = 0
  for (const [, slash] of html.matchAll(NESTING)) {
    depth = slash === '/' ? Math.max(0, depth - 1) : depth + 1
    if (depth > MAX_DEPTH) return true
  }
  return false
}

/** Escapes the signs in formulas that HTML takes for tags: "a<b". */
function shieldMath(html: string): string {
  const parts: string[] = []
  let end = 0
  for (let start = html.indexOf('<math'); start >= 0; start = html.indexOf('<math', end)) {
    const inside = html.indexOf('>', start) + 1
    const closing = inside === 0 ? -1 : html.indexOf('</math>', inside)
    if (closing < 0) break
    parts.push(html.slice(end, inside), html.slice(inside, closing).replaceAll('<', '&lt;'))
    end = closing
  }
  return parts.join('') + html.slice(end)
}

/** Tells elements from text and comments. */
export function isElement(node: HtmlNode): node is HtmlElement {
  return 'tagName' in node
}

/** Returns an attribute's value; null where the element has none of this name. */
export function attributeOf({ attrs }: HtmlElement, name: string): string | null {
  return attrs.find((attribute) => attribute.name === name)?.value ?? null
}

/** Returns the elements of a name among nodes and what stands in them, in their order. */
export function elementsNamed(nodes: readonly HtmlNode[], name: string): HtmlElement[] {
  return nodes.filter(isElement).flatMap((element) => {
    const inside = elementsNamed(element.childNodes, name)
    return element.tagName === name ? [element, ...inside] : inside
  })
}

/** Returns the text of nodes as it is, without any markup. */
export function textOf(nodes: readonly HtmlNode[]): string {
  return nodes.map((node) => ('value' in node ? node.value : isElement(node) ? textOf(node.childNodes) : '')).join('')
}
