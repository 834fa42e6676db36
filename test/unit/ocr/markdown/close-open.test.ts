import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { marked } from 'marked'
import { closeOpen } from '../../../../gateway/ocr/markdown/close-open.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

const closes: readonly { name: string; page: string; closed: string; openers?: readonly string[] }[] = [
  { name: 'a fence', page: '# a\n\n```js\nx', closed: '# a\n\n```js\nx\n```', openers: ['```'] },
  { name: 'a fence alone', page: '```', closed: '```\n```' },
  { name: 'a longer fence, with a shorter one in it', page: '````\n```\nx\n```\n', closed: '````\n```\nx\n```\n````' },
  { name: 'a fence of tildes', page: '~~~\n```', closed: '~~~\n```\n~~~' },
  { name: 'a fence whose end has a word', page: '```\nx\n``` js', closed: '```\nx\n``` js\n```' },
  { name: 'a fence in a list', page: '1. one\n   ```\n   x', closed: '1. one\n   ```\n   x\n   ```' },
  { name: 'a fence behind a list mark', page: '- ```\n  x', closed: '- ```\n  x\n  ```' },
  { name: 'a fence in a quote', page: '> ```\n> x', closed: '> ```\n> x\n> ```' },
  { name: 'a comment', page: 'a\n\n<!-- b\n\nc', closed: 'a\n\n<!-- b\n\nc\n-->', openers: ['<!--'] },
  { name: 'a comment with tags in it', page: '<!-- <table>', closed: '<!-- <table>\n-->' },
  { name: 'a table', page: '<table>\n<tr><td>a', closed: '<table>\n<tr><td>a\n</td></tr></table>', openers: ['<td>', '<tr>', '<table>'] },
  { name: 'a table without the ends of cells', page: '<table><tr><td>a<td>b<tr><td>c', closed: '<table><tr><td>a<td>b<tr><td>c\n</td></tr></table>' },
  { name: 'a table cut off in a tag', page: '<table><tr><td>a</td><td colspan="2', closed: '<table><tr><td>a</td><td colspan="2">\n</tr></table>' },
  { name: 'details', page: '<details>\n<summary>x</summary>\n\ny', closed: '<details>\n<summary>x</summary>\n\ny\n</details>' },
  { name: 'a list of HTML', page: '<ul><li>a</li><li>b', closed: '<ul><li>a</li><li>b\n</li></ul>' },
  { name: 'bold of HTML', page: 'a <b>c', closed: 'a <b>c</b>' },
  { name: 'preformatted code', page: '<pre><code>\n```\n\n# x', closed: '<pre><code>\n```\n\n# x\n</code></pre>' },
  { name: 'a fence in details', page: '<details>\n\n```\nx', closed: '<details>\n\n```\nx\n```\n</details>' },
  { name: 'display mathematics', page: 'so\n\n$$\nx = 1\n', closed: 'so\n\n$$\nx = 1\n$$', openers: ['$$'] },
  { name: 'display mathematics alone', page: '$$', closed: '$$\n$$' },
  { name: 'display mathematics of letters', page: '$$a + b', closed: '$$a + b\n$$' },
  { name: 'display mathematics after some', page: '$$x$$\n\n$$\ny\n$$\n$$\nz', closed: '$$x$$\n\n$$\ny\n$$\n$$\nz\n$$' },
  { name: 'brackets of mathematics', page: '\\[\n\\frac{1}{2}', closed: '\\[\n\\frac{1}{2}\n\\]' },
] // prettier-ignore

const whole = [
  '',
  '# Title\n\nText.',
  '```\nx\n```\n\n~~~\ny\n~~~~',
  '`<!--` and `<table>`',
  'text <!-- in a line',
  '```\n<!--\n<table>\n$$\n```',
  '    ```\n    indented code',
  '- ```\n  x\nafter the item, so the fence has ended\n\nb',
  '> ```\n> x\n\nb',
  '```not`a fence',
  '``` `` ```',
  '<!-- a --> b',
  '<table><tr><td>a</table>',
  '<p>a\n\n<p>b',
  '<li>a',
  'a<b>c and Set<a>',
  'Vec<u8> <page_number>7',
  'x < y and a <b',
  'costs $$ and $$$',
  'cost $$\n\nmore $$',
  '$$ moderate\n$$$ expensive',
  '$$\nItalian, downtown',
  '$$x = 1$$',
  'where $$x =\n1\n$$\nholds',
  '\\[1] and \\[note',
  'a \\\\[2pt] b',
  '| `$$` |\n|---|\n| $5 |',
]

describe('a page', () => {
  for (const { name, page, closed, openers } of closes)
    it(`is closed: ${name}`, () => {
      const result = closeOpen(page)
      assert.equal(result.text, closed)
      if (openers !== undefined) assert.deepEqual(result.openers, openers)
      assert.deepEqual(closeOpen(closed), { text: closed, openers: [] })
    })

  for (const page of whole)
    it(`is left alone: ${JSON.stringify(page)}`, () => {
      assert.deepEqual(closeOpen(page), { text: page, openers: [] })
    })

  it('never takes in the page that follows, whatever stands in it', () => {
    const random = seededRandom(3)
    const pieces = ['```', '````', '~~~', '``` js', '> ', '- ', '1. ', '   ', '  ', '    ', 'word', '\n', '\n', '\n\n', '<!--', '-->', '<div>', '</div>', '<pre>', '</pre>', '# a', '---', '`', '* '] // prettier-ignore
    let closed = 0
    for (let round = 0; round < 4000; round++) {
      const page = Array.from({ length: random.integer(1, 14) }, () => random.pick(pieces)).join('')
      const { text, openers } = closeOpen(page)
      if (openers.length > 0) closed += 1
      const tokens = marked.lexer(`${text}\n\n---\n\n# the next page`)
      const last = tokens.findLast(({ type }) => type !== 'space')
      assert.equal(last?.raw.trim(), '# the next page', JSON.stringify({ page, text }))
      assert.equal(last?.type, 'heading', JSON.stringify({ page, text }))
      assert.ok(text.startsWith(page), 'nothing is taken away')
    }
    assert.ok(closed > 500, `${closed} were open`)
  })

  for (const piece of [
    '> ',
    '- ',
    '<table>',
    '<b>',
    '<!-- ',
    '```\n',
    '$$ ',
    '\\[',
    '<td a="',
    '`',
    ' ',
    '> - ',
    '\n> ',
  ])
    it(`takes little time for 100 KB of ${JSON.stringify(piece)}`, () => {
      const before = process.cpuUsage()
      closeOpen(piece.repeat(Math.ceil(100_000 / piece.length)))
      const seconds = process.cpuUsage(before).user / 1e6
      assert.ok(seconds < 2, `${seconds} s`)
    })

  // An answer of the longest kind: 32,768 tokens of 32 characters.
  const hostile: [string, string][] = [
    ['short lines', 'a\n'.repeat(500_000)],
    ['empty lines', '\n'.repeat(1_000_000)],
    ['ticks', '``x '.repeat(250_000)],
    ['marks of mathematics before another line', `${'$$a '.repeat(250_000)}\nx`],
    ['cells, and rows behind them', `<table>${'<td>'.repeat(100_000)}${'<tr>'.repeat(100_000)}`],
  ]
  for (const [name, text] of hostile)
    it(`takes a moment for a million characters of ${name}`, () => {
      const before = process.cpuUsage()
      closeOpen(text)
      const seconds = process.cpuUsage(before).user / 1e6
      assert.ok(seconds < 0.6, `${seconds} s`)
    })
})
