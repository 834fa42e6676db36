import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { githubAnchor, linkWithinSite, type Token } from '../../docs/site/.vitepress/links.mts'
import { sidebar, type SidebarItem } from '../../docs/site/.vitepress/sidebar.mts'
import { docsPages } from '../support/docs-blocks.ts'

const root = join(import.meta.dirname, '../..')

/** What a sidebar leads to, group by group. */
const linksOf = (items: readonly SidebarItem[]): string[] =>
  items.flatMap(({ link, items = [] }) => [...(link === undefined ? [] : [link]), ...linksOf(items)])

describe("the site's sidebar", () => {
  it('has every page of the docs, once, by the order of their index', () => {
    const links = linksOf(sidebar())
    const pages = docsPages().filter((page) => !['README.md', 'docs/README.md'].includes(page))
    const leadsTo = (page: string) => `/${page.replace(/README\.md$/, '').replace(/\.md$/, '')}`
    assert.deepEqual(links.toSorted(), pages.map(leadsTo).toSorted())
    const [first] = links
    assert.equal(first, '/docs/getting-started')
  })

  it('has the groups of the index, and the decisions apart', () => {
    const groups = sidebar()
    const names = groups.map(({ text }) => text)
    assert.deepEqual(names, [
      'For those who use a gateway',
      'For those who run one',
      'For those who change it',
      'Decisions',
    ])
    assert.ok(groups.every(({ items = [] }) => items.length > 0))
  })
})

/** A link, as markdown-it has it: begin, text, end. */
function linkTo(href: string, content = 'text'): Token[] {
  const token = (type: string): Token => ({
    type,
    tag: 'a',
    content: '',
    children: null,
    attrs: [],
    attrGet(name) {
      return this.attrs?.find(([each]) => each === name)?.[1] ?? null
    },
    attrSet(name, value) {
      this.attrs = [...(this.attrs ?? []).filter(([each]) => each !== name), [name, value]]
    },
  })
  const begin = token('link_open')
  begin.attrs = [['href', href]]
  return [begin, { ...token('text'), content }, token('link_close')]
}

describe("the site's links", () => {
  const rows = [
    { name: 'a page beside the page', href: 'errors.md#queue_full', leads: 'errors.md#queue_full' },
    { name: 'the index', href: 'README.md', leads: 'index.md' },
    { name: 'the README', href: '../README.md#ask-it', leads: '../index.md#ask-it' },
    { name: 'the engines', href: '../vllm/README.md', leads: '../vllm/index.md' },
    { name: 'another site', href: 'https://arxiv.org/abs/2601.14251', leads: 'https://arxiv.org/abs/2601.14251' },
    { name: 'a heading of the page', href: '#limits', leads: '#limits' },
    { name: 'a file that is no page', href: '../.env', leads: null },
    { name: 'a page of the tests', href: '../test/fixtures/documents/README.md', leads: null },
  ]
  for (const { name, href, leads } of rows)
    it(`${leads === null ? 'are plain text' : 'lead on'}: ${name}`, () => {
      const children = linkTo(href)
      linkWithinSite({
        tokens: [{ ...children[1]!, children }],
        env: { relativePath: 'docs/page.md' },
      })
      assert.equal(children[0]!.attrGet('href'), leads)
      assert.deepEqual([children[0]!.tag, children[2]!.tag], leads === null ? ['span', 'span'] : ['a', 'a'])
    })

  it('have the title of a page in place of the name of its file', () => {
    const children = linkTo('errors.md', 'errors.md')
    linkWithinSite({ tokens: [{ ...children[1]!, children }], env: { relativePath: 'docs/api.md' } })
    assert.equal(children[1]!.content, 'Errors')
  })
})

describe("the site's anchors", () => {
  for (const [heading, anchor] of [
    ['The `ocr` object of a request', 'the-ocr-object-of-a-request'],
    ['`image_not_seen`', 'image_not_seen'],
    ['Where we differ from OpenAI', 'where-we-differ-from-openai'],
  ] as const)
    it(`are those of GitHub: ${heading}`, () => assert.equal(githubAnchor(heading), anchor))
})

describe("the site's packages", () => {
  it('are exact, and no part of the gateway', () => {
    const read = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8')) as Record<string, unknown>
    const versions = Object.values(read('docs/site/package.json')['devDependencies'] as Record<string, string>)
    assert.ok(versions.every((version) => /^\d+\.\d+\.\d+$/.test(version)))
    assert.equal(read('package.json')['workspaces'], undefined)
    assert.ok(existsSync(join(root, 'docs/site/package-lock.json')))
  })
})
