import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { plainText } from '../../../../gateway/ocr/markdown/plain-text.ts'
import { createOutline } from '../../../../gateway/ocr/structure/outline.ts'
import { pageSpans } from '../../../../gateway/ocr/structure/page-spans.ts'

function outlineOf(...pages: readonly string[]) {
  const outline = createOutline()
  const blocks = pages.map((markdown, index) =>
    outline.add({
      page: index + 1,
      blocks: pageSpans(markdown).spans.map((span) => ({ ...span, box: null, confidence: null })),
      plain: ({ start, end }, maxLength) => plainText(markdown.slice(start, Math.min(end, start + maxLength))).trim(),
    }),
  )
  return { ...outline.end(), blocks }
}

describe('the outline of a document', () => {
  it('is a tree of headings, with pages and offsets', () => {
    const { headings } = outlineOf('# A *b*\n\n### B\n\ntext', '## C\n\n# D')
    assert.deepEqual(headings, [
      {
        level: 1,
        text: 'A b',
        page: 1,
        start: 0,
        children: [
          { level: 3, text: 'B', page: 1, start: 9, children: [] },
          { level: 2, text: 'C', page: 2, start: 0, children: [] },
        ],
      },
      { level: 1, text: 'D', page: 2, start: 6, children: [] },
    ])
  })

  const titles = [
    { name: 'the first heading of the first level', pages: ['## Part\n\n# Title\n\n# Other'], title: 'Title' },
    { name: 'on the third page with text', pages: ['a', '', 'b', '# Title'], title: 'Title' },
    { name: 'not on a later one', pages: ['a', 'b', 'c', '# Title'], title: null },
    { name: 'not the name of an abstract', pages: ['# Abstract\n\ntext\n\n# Title'], title: 'Title' },
    { name: 'none without a heading', pages: ['text'], title: null },
  ]
  for (const { name, pages, title } of titles)
    it(`has a title: ${name}`, () => {
      const outline = outlineOf(...pages)
      assert.equal(outline.title, title)
      const types = outline.blocks.flat().map(({ type }) => type)
      assert.equal(types.filter((type) => type === 'title').length, title === null ? 0 : 1)
    })

  const abstracts = [
    { name: 'below its heading', pages: ['# T\n\n## Abstract\n\nOne.\n\nTwo.\n\n## 1 Intro\n\nThree.'], abstract: 'One.\n\nTwo.' }, // prettier-ignore
    { name: 'in another language', pages: ['## Zusammenfassung\n\nEins.\n\n**Schlüsselwörter:** zwei'], abstract: 'Eins.' }, // prettier-ignore
    { name: 'in Chinese, run in', pages: ['【摘要】一个句子。\n\n关键词：词'], abstract: '一个句子。' },
    { name: 'run in', pages: ['**Abstract**—We show *it*.\n\nMore.'], abstract: 'We show it.' },
    { name: 'behind a name that stands alone', pages: ['**A B S T R A C T**\n\nOne.\n\nIndex Terms: a'], abstract: 'One.' }, // prettier-ignore
    { name: 'over pages, without what stands between them', pages: ['## Abstract\n\nOne\n\n[^1]: note', 'two.\n\n# 1'], abstract: 'One\n\ntwo.' }, // prettier-ignore
    { name: 'none', pages: ['# T\n\nAn abstract painting: this.'], abstract: null },
  ]
  for (const { name, pages, abstract } of abstracts)
    it(`has an abstract: ${name}`, () => assert.equal(outlineOf(...pages).abstract, abstract))

  it('keeps as many headings as a client can read, and little of each', () => {
    const { headings } = outlineOf(...Array.from({ length: 6 }, () => '# a\n'.repeat(3000)), `# ${'b'.repeat(10_000)}`)
    assert.equal(headings.length, 10_000)
    assert.equal(outlineOf(`# ${'b'.repeat(10_000)}`).headings[0]?.text.length, 498)
  })
})
