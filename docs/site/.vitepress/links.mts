import { dirname, join } from 'node:path/posix'

/** What is used of a token of markdown-it, and of the state of its rules. */
interface Token {
  type: string
  tag: string
  children: Token[] | null
  attrs: [string, string][] | null
  attrGet(name: string): string | null
  attrSet(name: string, value: string): void
}

interface State {
  readonly tokens: Token[]
  readonly env: { readonly relativePath?: string }
}

/**
 * Leads links as the site needs them: `README.md` is the page of its folder, and what is no page of the site (a Dockerfile,
 * a folder of tests) is plain text, as its source is not there.
 */
export function linkWithinSite({ tokens, env }: State): void {
  for (const { children } of tokens) {
    let isPlain = false
    for (const token of children ?? []) {
      if (token.type === 'link_open') isPlain = !lead(token, env.relativePath ?? '')
      if (isPlain && (token.type === 'link_open' || token.type === 'link_close')) token.tag = 'span'
      if (token.type === 'link_close') isPlain = false
    }
  }
}

/** Returns whether a link leads to a page of the site, or elsewhere altogether. */
function lead(token: Token, page: string): boolean {
  const href = token.attrGet('href') ?? ''
  if (/^(?:[a-z]+:|#|\/)/.test(href)) return true
  const [path = '', anchor] = href.split('#')
  const target = join(dirname(page), path)
  if (!/^(?:README\.md$|index\.md$|docs\/|vllm\/README\.md$)/.test(target) || !target.endsWith('.md')) {
    token.attrs = null
    return false
  }
  token.attrSet('href', `${path.replace(/README\.md$/, 'index.md')}${anchor === undefined ? '' : `#${anchor}`}`)
  return true
}
