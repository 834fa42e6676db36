import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { agreement } from '../../../../gateway/read/evidence/agreement.ts'

/** Twelve lines, of which the first and the last are the running header and footer. */
const page = [
  'Gateway Quarterly, volume 7',
  'The committee met on Monday to consider the accounts of the year.',
  'Revenue rose to 1,234,567.89 while expenses fell by 12.5 percent.',
  'Members asked whether the reserve was sufficient for another winter.',
  'The treasurer answered that it was, provided that rents were paid.',
  'A motion to repair the roof was carried without a single objection.',
  'The librarian reported that several volumes had been returned late.',
  'It was resolved to write to every borrower before the end of March.',
  'The gardener wished to plant apple trees along the southern wall.',
  'After some discussion the proposal was referred to the next meeting.',
  'The chairman thanked everyone present and closed the proceedings.',
  '17 / 203',
]
const layer = page.join('\n')
const body = page.slice(1, -1)

describe('the agreement of an answer with a text layer', () => {
  const whole: readonly { name: string; layer: string; answer: string }[] = [
    { name: 'the same text', layer, answer: layer },
    { name: 'running header and footer left out', layer, answer: body.join('\n') },
    { name: 'another order', layer, answer: page.toReversed().join('\n') },
    { name: 'lines joined into a paragraph', layer, answer: body.join(' ') },
    { name: 'emphasis inside and around words', layer: 'unbelievable things', answer: '# **un***believable* things' },
    {
      name: 'an HTML table',
      layer: 'Name Age\nAda 36',
      answer: '<table><tr><td>Name</td><td>Age<br/></td></tr><tr><td class="x">Ada</td><td>36</td></tr></table>',
    },
    { name: 'a pipe table', layer: 'Name Age\nAda 36', answer: '| Name | Age |\n|---|---:|\n| Ada | 36 |' },
    { name: 'entities', layer: 'Smith & Sons <Ltd>', answer: 'Smith &amp; Sons &lt;Ltd&#62;' },
    { name: 'LaTeX', layer: 'where α1 = sin x / β', answer: 'where $\\alpha_{1} = \\frac{\\sin x}{\\beta}$' },
    { name: 'case and accents', layer: 'RÉSUMÉ ÜBER', answer: 'Résumé uber' },
    { name: 'ligatures', layer: 'the ﬁrst eﬀect', answer: 'the first effect' },
    { name: 'full width', layer: 'ＡＢＣ １２３', answer: 'ABC 123' },
    { name: 'a soft hyphen at a line end', layer: 'recog\u00ADnition of pages', answer: 'recognition of pages' },
    { name: 'a hyphen at a line end', layer: 'recog-\nnition of pages', answer: 'recognition of pages' },
    { name: 'a compound split at its hyphen', layer: 'well\u00ADknown', answer: 'well-known' },
    { name: 'a drop capital', layer: 'T HE committee', answer: 'The committee' },
    {
      name: 'numbers with other grouping',
      layer: 'sum 1.234.567,89 and 12’500',
      answer: 'sum 1,234,567.89 and 12,500',
    },
    { name: 'digits grouped by spaces', layer: 'sum 1 234 567', answer: 'sum 1234567' },
    { name: 'Chinese with spaces between', layer: '中 华 人 民\n共和国', answer: '中华人民共和国' },
    { name: 'Hebrew from the left', layer: 'םולש', answer: 'שלום' },
    { name: 'a layer without words', layer: '— · —', answer: '' },
  ]
  for (const { name, layer: text, answer } of whole)
    it(`is whole: ${name}`, () => {
      assert.equal(agreement(text, answer), 1)
    })

  it('falls with what the answer lacks', () => {
    const half = agreement(layer, body.slice(0, 5).join('\n'))
    assert.ok(half > 0.4 && half < 0.62, `${half}`)
    assert.ok(agreement(layer, body.slice(0, 8).join('\n')) < 0.9)
    assert.equal(agreement(layer, ''), 0)
  })

  it('counts a word as often as it occurs', () => {
    assert.equal(agreement('total total total total', 'total total'), 0.5)
  })

  it('is low for the text of another page', () => {
    const other = 'Whales breathe air and return to the surface, where the spray of their breath is seen from afar.'
    assert.ok(agreement(layer, other) < 0.3)
  })

  it('is low for Chinese of the same characters in another order', () => {
    assert.ok(agreement('中华人民共和国', '国和共民人华中') < 0.2)
  })

  it('does not depend on what the answer has beyond the layer', () => {
    assert.equal(agreement('a figure', 'a figure ![stamp](image_1.png) RECEIVED 12 MAY'), 1)
  })

  it('allows a missing header, and no more of a short page', () => {
    assert.ok(agreement('one two three\nfour five six\nseven eight nine\nten eleven twelve', 'four five six') < 0.5)
  })

  it('does not count what a comment says, where it is one', () => {
    assert.equal(agreement('before after', 'before <!-- after --> it'), agreement('before after', 'before it'))
    const long = `before <!-- ${'x '.repeat(1500)} after --> <!-- a --> it`
    assert.equal(agreement('before after', long), 1)
  })

  for (const piece of ['<!--', '![', '![a](', '<a ', '&#1', '\\begin{'])
    it(`takes a moment for 500 KB of ${piece}`, () => {
      const before = process.cpuUsage()
      agreement(layer, piece.repeat(500_000 / piece.length))
      const seconds = process.cpuUsage(before).user / 1e6
      assert.ok(seconds < 0.4, `${seconds} s`)
    })
})
