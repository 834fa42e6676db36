import { Tokenizer, type Token } from 'parse5'

/** An element, with what stands in it. */
export interface Element {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly (Element | string)[]
  /** All elements below it with such a name, in the order in which they begin. */
  find(test: (name: string) => boolean): readonly Element[]
  /** Whether an element of this name is around it, at any distance. */
  isWithin(name: string): boolean
  /** All text below it; `br` is a line break. */
  text(): string
}

/** What BeautifulSoup closes as soon as it is opened (`HTMLTreeBuilder.DEFAULT_EMPTY_ELEMENT_TAGS`, those in use). */
const EMPTY = new Set(
  'area base br col embed hr img input keygen link menuitem meta param source track wbr basefont bgsound command'.split(
    ' ',
  ),
)

/**
 * Parses HTML into the tree that BeautifulSoup makes of it with Python's `html.parser`, which is what olmOCR-bench judges:
 * no element is closed, moved or added unless the text says so. A browser, and `parse5.parse`, repair much of what stays
 * broken here; a judge that repairs sees no difference between a broken table and a whole one.
 */
export function parseTree(html: string): Element {
  const root = new OpenElement('', [], null)
  const open = [root]
  const counts = new Map<string, number>()
  const current = (): OpenElement => open.at(-1) ?? root
  const say = ({ chars }: Token.CharacterToken): void => void current().children.push(chars)
  const ignore = (): void => {}

  const close = (name: string): void => {
    if ((counts.get(name) ?? 0) === 0) return
    for (let closed = open.pop(); closed !== undefined; closed = open.pop()) {
      counts.set(closed.name, (counts.get(closed.name) ?? 1) - 1)
      if (closed.name === name) return
    }
  }
  const tokenizer = new Tokenizer(
    {},
    {
      onStartTag({ tagName, attrs, selfClosing }) {
        const element = new OpenElement(tagName, attrs, current())
        current().children.push(element)
        if (selfClosing || EMPTY.has(tagName)) return
        open.push(element)
        counts.set(tagName, (counts.get(tagName) ?? 0) + 1)
      },
      onEndTag: ({ tagName }) => close(tagName),
      onCharacter: say,
      onWhitespaceCharacter: say,
      onNullCharacter: say,
      onComment: ignore,
      onDoctype: ignore,
      onEof: ignore,
    },
  )
  tokenizer.write(html, true)
  return root
}

class OpenElement implements Element {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: (OpenElement | string)[] = []
  readonly #parent: OpenElement | null

  constructor(name: string, attributes: readonly Token.Attribute[], parent: OpenElement | null) {
    this.name = name
    this.attributes = new Map(attributes.map((attribute) => [attribute.name, attribute.value]))
    this.#parent = parent
  }

  find(test: (name: string) => boolean): readonly Element[] {
    const found: Element[] = []
    for (const node of this.#below()) if (typeof node !== 'string' && test(node.name)) found.push(node)
    return found
  }

  isWithin(name: string): boolean {
    for (let around = this.#parent; around !== null; around = around.#parent) if (around.name === name) return true
    return false
  }

  text(): string {
    let text = ''
    for (const node of this.#below()) text += typeof node === 'string' ? node : node.name === 'br' ? '\n' : ''
    return text
  }

  /** Without recursion: nesting may be deeper than the stack. */
  *#below(): Generator<OpenElement | string, void, undefined> {
    const waiting = this.children.toReversed()
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      yield node
      if (typeof node !== 'string') for (let at = node.children.length; at > 0;) waiting.push(node.children[--at]!)
    }
  }
}
