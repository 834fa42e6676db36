import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createChunker } from '../../../../gateway/ocr/structure/chunks.ts'
import { pageSpans } from '../../../../gateway/ocr/structure/page-spans.ts'
import { tokensOf } from '../../../../gateway/ocr/structure/split-text.ts'
import type { OcrDocumentChunk } from '../../../../gateway/wire/openai/ocr-document.ts'
import { randomMarkdown } from '../../../support/random-markdown.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

/** The chunks of pages, numbered from 1. */
function chunksOf(most: number, ...pages: readonly string[]): OcrDocumentChunk[] {
  const chunker = createChunker(most)
  const found = pages.flatMap((markdown, index) => {
    const blocks = pageSpans(markdown).spans.map((span) => ({ ...span, box: null, confidence: null }))
    const plain = ({ start, end }: { start: number; end: number }) => markdown.slice(start, end).replace(/^#+ /, '')
    return chunker.add({ page: index + 1, markdown, blocks, plain })
  })
  return [...found, ...chunker.end()]
}

/** Throws unless a chunk's offsets cut its text out of its pages. */
function checkSlices(chunks: readonly OcrDocumentChunk[], pages: readonly string[]): void {
  for (const { text, pages: numbers, start, end } of chunks) {
    const parts = numbers.map((number, index) => {
      const markdown = pages[number - 1]!
      return markdown.slice(index === 0 ? start : 0, index === numbers.length - 1 ? end : undefined)
    })
    assert.equal(parts.join('\n\n'), text)
  }
}

/** Throws unless each word of the pages is in one chunk, in order. */
function checkWhole(chunks: readonly OcrDocumentChunk[], pages: readonly string[]): void {
  const bare = (texts: readonly string[]) => texts.join('').replaceAll(/\s+/g, '')
  assert.equal(bare(chunks.map(({ text }) => text)), bare(pages))
}

const sentence = (n: number) => `Sentence ${String(n)} says what it says. `
const table = (rows: number) => `| a | b |\n|---|---|\n${'| one | two |\n'.repeat(rows)}`.trim()

describe('chunks', () => {
  it('begin with each heading, and say below which headings they stand', () => {
    const page = '# A\n\nto\n\n## B\n\none\n\n### C\n\ntwo\n\n## D\n\nthree'
    assert.deepEqual(
      chunksOf(100, page).map(({ text, headings }) => [text, headings]),
      [
        ['# A\n\nto', ['A']],
        ['## B\n\none', ['A', 'B']],
        ['### C\n\ntwo', ['A', 'B', 'C']],
        ['## D\n\nthree', ['A', 'D']],
      ],
    )
  })

  it('keep headings with the text that follows, also on the next page', () => {
    const pages = ['text\n\n# A\n\n## B\n', '\nmore']
    const chunks = chunksOf(100, ...pages)
    assert.deepEqual(chunks[1], {
      text: '# A\n\n## B\n\n\n\nmore',
      pages: [1, 2],
      headings: ['A', 'B'],
      start: 6,
      end: 5,
    })
    checkSlices(chunks, pages)
  })

  it('hold as many paragraphs as they have room for', () => {
    const paragraphs = Array.from({ length: 6 }, (_, n) => sentence(n).trim())
    const most = 2.5 * tokensOf(paragraphs[0]!)
    assert.deepEqual(
      chunksOf(most, paragraphs.join('\n\n')).map(({ text }) => text.split('\n\n').length),
      [2, 2, 2],
    )
  })

  it('hold a table with its headings and its captions, and no other text', () => {
    const page = `text\n\n## A\n\nTable 1: Sizes\n\n${table(3)}\n\nTable 1: More\n\nbehind\n\n${table(2)}\n\n${table(1)}`
    const chunks = chunksOf(200, page)
    assert.deepEqual(
      chunks.map(({ text }) => text),
      ['text', `## A\n\nTable 1: Sizes\n\n${table(3)}\n\nTable 1: More`, 'behind', table(2), table(1)],
    )
  })

  for (const [name, rows] of [
    ['Markdown', table(60)],
    ['HTML', `<table><thead><tr><th>a</th></tr></thead><tbody>${'<tr><td>one</td></tr>'.repeat(60)}</tbody></table>`],
  ] as const)
    it(`cut a table that is too long between its rows: ${name}`, () => {
      const page = `before\n\n${rows}\n\nbehind`
      const chunks = chunksOf(64, page)
      const parts = chunks.slice(1, -1)
      assert.ok(parts.length >= 3)
      for (const { text } of parts.slice(0, -1)) assert.match(text, name === 'HTML' ? /<\/tr>$/ : /\|$/)
      for (const { text } of chunks) assert.ok(tokensOf(text) <= 64)
      checkSlices(chunks, [page])
      checkWhole(chunks, [page])
    })

  it('leave a row whole that is too long', () => {
    const row = `| ${'word '.repeat(100)}|`
    const chunks = chunksOf(32, `| a |\n|---|\n${row}\n| 1 |`)
    assert.deepEqual(
      chunks.map(({ text }) => text),
      ['| a |\n|---|', row, '| 1 |'],
    )
  })

  it('cut a paragraph that is too long behind a sentence', () => {
    const page = `# A\n\n${Array.from({ length: 40 }, (_, n) => sentence(n))
      .join('')
      .trim()}`
    const chunks = chunksOf(50, page)
    for (const { text, headings } of chunks) {
      assert.match(text, /\.$/)
      assert.ok(tokensOf(text) <= 50)
      assert.deepEqual(headings, ['A'])
    }
    assert.match(chunks[0]!.text, /^# A\n\nSentence 0 .*what it says\.$/s)
    checkWhole(chunks, [page])
  })

  it('cut Chinese behind its full stops', () => {
    const page = '这是一个很长的句子，没有空格。'.repeat(40)
    const chunks = chunksOf(40, page)
    assert.ok(chunks.length > 10)
    for (const { text } of chunks) {
      assert.match(text, /。$/)
      assert.ok(tokensOf(text) <= 40)
    }
    checkWhole(chunks, [page])
  })

  it('cut lists and code behind their lines, words where nothing else is, and no sign in two', () => {
    const list = Array.from({ length: 60 }, (_, n) => `- item ${String(n)}. It is one`).join('\n')
    for (const { text } of chunksOf(40, list)) assert.match(text, /^- .*one$/s)
    const words = 'word '.repeat(300).trim()
    for (const { text } of chunksOf(40, words)) assert.match(text, /^word.*word$/)
    const signs = '😀'.repeat(500)
    const chunks = chunksOf(16, signs)
    for (const { text } of chunks) assert.ok(text.isWellFormed() && tokensOf(text) <= 16)
    checkWhole(chunks, [signs])
  })

  it('go over pages, and leave out those without text', () => {
    const pages = ['one', '', 'two', ' \n', 'three']
    const chunks = chunksOf(100, ...pages)
    assert.deepEqual(
      chunks.map(({ text, pages: numbers }) => [text, numbers]),
      [['one\n\ntwo\n\nthree', [1, 3, 5]]],
    )
    checkSlices(chunks, pages)
  })

  it('slice to their text, hold all of it once, and stay within their size, whatever a model writes', () => {
    const random = seededRandom(11)
    for (let round = 0; round < 200; round += 1) {
      const most = random.pick([16, 20, 64, 500])
      const pages = Array.from({ length: random.integer(1, 4) }, () => randomMarkdown(random, random.integer(0, 40)))
      const chunks = chunksOf(most, ...pages)
      checkSlices(chunks, pages)
      checkWhole(chunks, pages)
    }
  })

  it('are cut within a bounded time: megabytes of one line', () => {
    const page = 'word '.repeat(2 * 1024 * 1024)
    const startedAt = performance.now()
    const chunks = chunksOf(1000, page)
    assert.ok(performance.now() - startedAt < 5000)
    checkSlices(chunks, [page])
    checkWhole(chunks, [page])
  })
})
