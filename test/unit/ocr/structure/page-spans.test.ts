import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pageSpans } from '../../../../gateway/ocr/structure/page-spans.ts'
import { randomMarkdown } from '../../../support/random-markdown.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

const typesOf = (markdown: string) => pageSpans(markdown).spans.map(({ type }) => type)
const textsOf = (markdown: string) => pageSpans(markdown).spans.map(({ start, end }) => markdown.slice(start, end))

/** Throws unless blocks are in order, do not overlap, and leave only white space between them. */
function checkSpans(markdown: string): void {
  let at = 0
  for (const { start, end } of pageSpans(markdown).spans) {
    assert.ok(start >= at && end > start, `${start} to ${end} behind ${at}`)
    assert.equal(markdown.slice(at, start).trim(), '')
    assert.equal(markdown.slice(start, end), markdown.slice(start, end).trim())
    at = end
  }
  assert.equal(markdown.slice(at).trim(), '')
}

describe('the blocks of a page', () => {
  const rows = [
    { name: 'a paragraph of two lines', markdown: 'one\ntwo\n\nthree', types: ['text', 'text'] },
    { name: 'headings', markdown: '# One\ntext\n### Two ###', types: ['heading', 'text', 'heading'] },
    { name: 'a heading in HTML', markdown: '<h2>One</h2>\n\ntext', types: ['heading', 'text'] },
    { name: 'a list, items in items', markdown: '- a\n  - b\n\n  c\n- d\n\ntext', types: ['list', 'text'] },
    { name: 'two lists', markdown: '- a\n- b\n\n1. c\n2. d', types: ['list', 'list'] },
    { name: 'a table', markdown: 'text\n| a | b |\n|---|---|\n| 1 | 2 |\nmore', types: ['text', 'table', 'text'] },
    { name: 'a table in HTML with an empty line', markdown: '<table><tr><td>1\n\n2</td></tr></table>\ntext', types: ['table', 'text'] }, // prettier-ignore
    { name: 'no table in code', markdown: '```\n| a |\n|---|\n```', types: ['code'] },
    {
      name: 'a code block',
      markdown: 'text\n```c\n# no heading\n\n- no list\n```\ntext',
      types: ['text', 'code', 'text'],
    },
    { name: 'mathematics over lines', markdown: 'so\n$$\nx = 1\n\ny\n$$\ntext', types: ['text', 'formula', 'text'] },
    { name: 'mathematics in a line', markdown: '$$x = 1$$\n\n\\[ y = 2 \\]\n\n\\[\nz\n\\].', types: ['formula', 'formula', 'formula'] }, // prettier-ignore
    { name: 'mathematics within a text', markdown: '$$x$$ and $$y$$\n\n$x$', types: ['text', 'text'] },
    { name: 'a picture', markdown: '![a](b.png)\n\ntext ![a](b.png)\n\n![a](b.png)1,2,3,4 \n', types: ['figure', 'text', 'figure'] }, // prettier-ignore
    { name: 'a picture in HTML', markdown: '<div align="center"><img src="a.png"></div>\n\n<div>x <img src="a.png"></div>', types: ['figure', 'text'] }, // prettier-ignore
    { name: 'captions', markdown: '**Figure 3:** A cat\n\n表 2 数据\n\nAbb. 4. Hund\n\nTable A.1 | Sizes', types: ['caption', 'caption', 'caption', 'caption'] }, // prettier-ignore
    { name: 'no caption', markdown: 'Figure 3 shows a cat\n\nTables: none', types: ['text', 'text'] },
    { name: 'a footnote', markdown: 'text[^1]\n\n[^1]: A note\n    with more', types: ['text', 'footnote'] },
    { name: 'what is no mark in what models write', markdown: 'text\n---\n\n[1]: Smith\n\n    far in', types: ['text', 'text', 'text', 'text'] }, // prettier-ignore
    { name: 'a quotation', markdown: '> # one\n> two\n\nthree', types: ['text', 'text'] },
    { name: 'nothing', markdown: ' \n\n', types: [] },
  ]
  for (const { name, markdown, types } of rows)
    it(`are told apart: ${name}`, () => {
      assert.deepEqual(typesOf(markdown), types)
      checkSpans(markdown)
    })

  it('have the level of their headings', () => {
    const { spans } = pageSpans('# a\n\n### b\n\n<h4>c</h4>\n\nd')
    assert.deepEqual(
      spans.map(({ level }) => level),
      [1, 3, 4, null],
    )
  })

  it('are cut out whole however long their lines are', () => {
    const long = 'word 😀 '.repeat(2000)
    const parts = [`# ${long}`.trim(), long.trim(), `- ${long}\n- ${long}`.trim(), `${long}\nshort`, `<p>${long}</p>`]
    assert.deepEqual(textsOf(parts.join('\n\n')), parts)
  })

  it('are cut out whole behind a byte order mark', () => {
    assert.deepEqual(textsOf('\uFEFFone\n\n# two'), ['one', '# two'])
  })

  it('are complete and in order, whatever a model writes', () => {
    const random = seededRandom(7)
    for (let round = 0; round < 400; round += 1) checkSpans(randomMarkdown(random, random.integer(1, 40)))
  })
})

describe('the blocks of a page that would take too long', () => {
  const MEGABYTE = 1024 * 1024
  const rows = [
    { name: 'ten megabytes of one line', markdown: 'word '.repeat(2 * MEGABYTE) },
    { name: 'ten megabytes of short lines', markdown: 'word\n'.repeat(2 * MEGABYTE) },
    { name: 'deep quotations', markdown: `${'>'.repeat(100_000)} a\n\nb` },
    { name: 'deep quotations, line by line', markdown: `${'> '.repeat(2000)}a\n`.repeat(50) },
    { name: 'deep lists', markdown: Array.from({ length: 500 }, (_, depth) => `${'  '.repeat(depth)}- a`).join('\n') },
    { name: 'thousands of tables', markdown: '| a | b |\n|---|---|\n| 1 | 2 |\n\ntext\n\n'.repeat(5000) },
  ]
  for (const { name, markdown } of rows)
    it(`are told by empty lines: ${name}`, () => {
      assert.ok(pageSpans(markdown).isCoarse)
      checkSpans(markdown)
    })

  it('are headings, code and paragraphs all the same', () => {
    const page = '# a\ntext\nmore\n\n```\n\n# b\n```\nend'
    const markdown = `${page}\n\n${'> '.repeat(40)}deep`
    const { spans, isCoarse } = pageSpans(markdown)
    assert.ok(isCoarse)
    assert.deepEqual(
      spans.map(({ type }) => type),
      ['heading', 'text', 'code', 'text', 'text'],
    )
    checkSpans(markdown)
  })

  const bounded = [
    { name: 'brackets', markdown: '[a'.repeat(30_000) },
    { name: 'stars', markdown: '**a '.repeat(15_000) },
    { name: 'short lines', markdown: 'ab cd\n'.repeat(10_000) },
    { name: 'items', markdown: '- ab\n'.repeat(12_000) },
    { name: 'headings', markdown: '# ab\n'.repeat(12_000) },
    { name: 'a table of ten thousand rows', markdown: `| a | b |\n|---|---|\n${'| 1 | 2 |\n'.repeat(10_000)}` },
    { name: 'a table of ten thousand rows in HTML', markdown: `<table>${'<tr><td>1</td><td>2</td></tr>'.repeat(10_000)}</table>` }, // prettier-ignore
    { name: 'fences', markdown: '```\n'.repeat(15_000) },
    { name: 'dollars', markdown: '$$\n'.repeat(15_000) },
    { name: 'ticks', markdown: Array.from({ length: 300 }, (_, n) => '`'.repeat(n)).join(' ') },
  ]
  for (const { name, markdown } of bounded)
    it(`are found within a bounded time: ${name}`, () => {
      const startedAt = performance.now()
      checkSpans(markdown)
      // Twice that of a machine with nothing else to do is about 100 ms.
      assert.ok(performance.now() - startedAt < 1500)
    })
})
