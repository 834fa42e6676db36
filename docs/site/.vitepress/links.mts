import { dirname, join } from 'node:path/posix'
import { titleOf } from './sidebar.mts'

/** What is used of a token of markdown-it, and of the state of its rules. */
export interface Token {
  type: string
  tag: string
  content: string
  children: Token[] | null
  attrs: [string, string][] | null
  attrGet(name: string): string | null
  attrSet(name: string, value: string): void
}

export interface State {
  readonly tokens: Token[]
  readonly env: { readonly relativePath?: string }
}

/**
 * Leads links as the site needs them: `README.md` is the page of its folder, and what is no page of the site (a Dockerfile,
 * a folder of tests) is plain text, as its source is not there. A link whose text is the name of a file has the title of the
 * page instead.
 */
export function linkWithinSite({ tokens, env }: State): void {
  for (const { children } of tokens) {
    let isPlain = false
    for (const [index, token] of (children ?? []).entries()) {
      if (token.type === 'link_open') {
        const target = lead(token, env.relativePath ?? '')
        isPlain = target === null
        const text = children?.[index + 1]
        if (target && text !== undefined && /^[\w/-]+\.md$/.test(text.content)) text.content = titleOf(target)
      }
      if (isPlain && (token.type === 'link_open' || token.type === 'link_close')) token.tag = 'span'
      if (token.type === 'link_close') isPlain = false
    }
  }
}

/** Leads a link, and returns the page that it leads to; an empty text where that is elsewhere, null where it is no page. */
function lead(token: Token, page: string): string | null {
  const href = token.attrGet('href') ?? ''
  if (/^(?:[a-z]+:|#|\/)/.test(href)) return ''
  const [path = '', anchor] = href.split('#')
  const target = join(dirname(page), path)
  if (!/^(?:README\.md$|docs\/|vllm\/README\.md$)/.test(target) || !target.endsWith('.md')) {
    token.attrs = null
    return null
  }
  token.attrSet('href', `${path.replace(/README\.md$/, 'index.md')}${anchor === undefined ? '' : `#${anchor}`}`)
  return target
}

/** An anchor as GitHub makes it of a heading, so that links with one lead to the same place in both. */
export function githubAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
}
