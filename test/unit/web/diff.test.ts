import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compareTexts } from '../../../gateway/web/app/diff/compare-texts.ts'
import { plainText } from '../../../gateway/web/app/diff/plain-text.ts'

/** "both|-only in the layer|+only in the text". */
const shown = (layer: string, text: string): string | undefined =>
  compareTexts(layer, text)
    .runs?.map(({ kind, words }) => `${{ both: '', layer: '-', text: '+' }[kind]}${words.join('').trim()}`)
    .join('|')

describe('what a text layer and an answer have that the other lacks', () => {
  const rows: readonly [name: string, layer: string, text: string, runs: string | undefined][] = [
    ['a number', 'Total 4711 EUR', 'Total 4117 EUR', 'Total|-4711|+4117|EUR'],
    ['spaces and lines', 'a  b\nc', 'a b c\n\n', 'a b c'],
    ['words without spaces', '发票总额五元', '发票总额六元', '发票总额|-五|+六|元'],
    ['ligatures, quotation marks and dashes', 'ﬁve “a” 1–2', 'five "a" 1-2', 'five "a" 1-2'],
    ['accents that are written in two ways', 'e\u0301te\u0301', 'été', 'été'],
    ['items of a list', '• a\n• b', 'a\nb', 'a\nb'],
    [
      'a word that other texts have by chance',
      'one two three the four five six',
      'uno dos tres the cuatro cinco seis',
      '-one two three the four five six|+uno dos tres the cuatro cinco seis',
    ],
    ['nothing in the layer', '', 'a', '+a'],
    ['nothing read', 'a', '', '-a'],
    ['nothing', '', '', ''],
  ]
  for (const [name, layer, text, runs] of rows) it(`says it of ${name}`, () => assert.equal(shown(layer, text), runs))

  const numbers = (count: number, step: number): string[] =>
    Array.from({ length: count }, (_, index) => `${index * step}`)

  it('goes by lines where words would take too long', () => {
    const lines = (sign: string): string =>
      numbers(900, 1)
        .map((number) => `${sign}${number} a b ${sign} c ${number}${sign}\nsame ${number}\n`)
        .join('')
    const { by, runs } = compareTexts(lines('x'), lines('y'))
    assert.equal(by, 'lines')
    assert.ok(runs?.some(({ kind, words }) => kind === 'both' && words.includes('same 7\n')))
  })

  it('gives up where nothing is the same', () => {
    const { runs } = compareTexts(numbers(4000, 2).join('\n'), numbers(4000, -3).join('\n'))
    assert.equal(runs, null)
  })

  it('looks at the beginning of what has no end', () => {
    const { isCut, runs } = compareTexts('word '.repeat(1_000_000), 'word '.repeat(1_000_000))
    assert.ok(isCut)
    assert.equal(runs?.length, 1)
  })
})

describe('the text of Markdown', () => {
  const rows: readonly [name: string, markdown: string, text: string][] = [
    ['headings and emphasis', '# A **b** _c_ `d`', 'A b c d'],
    ['a table', '| a | b |\n|--|--|\n| **1** | 2 |', 'a b 1 2'],
    ['a table of HTML', '<table><tr><td>a&amp;b</td><td>2</td></tr><tr><td>&#x33;</td></tr></table>', 'a&b 2 3'],
    ['a list', '- a\n- b\n  4. c\n  5. d\n- [x] e', 'a b 4. c 5. d e'],
    ['a quotation and code', '> a\n\n```js\nb\n```', 'a b'],
    ['links and pictures', '[a](https://example.org) ![b](c.png) <https://d.example>', 'a https://d.example'],
    ['marks of pages', 'a <!-- page 3 failed --> b', 'a b'],
    ['escapes', String.raw`5 \* 3 &lt; 20`, '5 * 3 < 20'],
    ['a formula', 'a $x^2$', 'a $x^2$'],
  ]
  for (const [name, markdown, text] of rows) {
    it(`has no marks of ${name}`, () => assert.equal(plainText(markdown).replaceAll(/\s+/g, ' ').trim(), text))
  }
})
