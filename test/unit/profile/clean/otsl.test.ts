import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { otslToHtml } from '../../../../gateway/profile/clean/otsl.ts'

const cases: readonly { name: string; otsl: string; html: string }[] = [
  {
    name: 'cells with and without text',
    otsl: '<fcel>A<fcel>B<nl><fcel>1<ecel><nl>',
    html: '<table><tr><td>A</td><td>B</td></tr><tr><td>1</td><td></td></tr></table>',
  },
  {
    name: 'headers of columns, rows and sections',
    otsl: '<ched>Name<ched>Sum<nl><srow>2024<lcel><nl><rhed>Oil<fcel>7<nl>',
    html:
      '<table><thead><tr><th>Name</th><th>Sum</th></tr></thead>' +
      '<tbody><tr><th colspan="2">2024</th></tr><tr><th>Oil</th><td>7</td></tr></tbody></table>',
  },
  {
    name: 'a cell over two columns and two rows',
    otsl: '<fcel>A<lcel><fcel>B<nl><ucel><xcel><fcel>C<nl><fcel>1<fcel>2<fcel>3<nl>',
    html:
      '<table><tr><td rowspan="2" colspan="2">A</td><td>B</td></tr><tr><td>C</td></tr>' +
      '<tr><td>1</td><td>2</td><td>3</td></tr></table>',
  },
  {
    name: 'two headers, the upper one over both columns of the lower',
    otsl: '<ched>Year<ched>Sales<lcel><nl><ucel><ched>Q1<ched>Q2<nl><fcel>24<fcel>1<fcel>2<nl>',
    html:
      '<table><thead><tr><th rowspan="2">Year</th><th colspan="2">Sales</th></tr><tr><th>Q1</th><th>Q2</th></tr></thead>' +
      '<tbody><tr><td>24</td><td>1</td><td>2</td></tr></tbody></table>',
  },
  {
    name: 'rows of different lengths are filled',
    otsl: '<fcel>A<fcel>B<fcel>C<nl><fcel>1<nl>',
    html: '<table><tr><td>A</td><td>B</td><td>C</td></tr><tr><td>1</td><td></td><td></td></tr></table>',
  },
  {
    name: 'what goes on with no cell is an empty one',
    otsl: '<lcel><ucel><xcel><nl><fcel>1<fcel>2<fcel>3<nl>',
    html: '<table><tr><td></td><td colspan="2"></td></tr><tr><td>1</td><td>2</td><td>3</td></tr></table>',
  },
  {
    name: 'text where a cell only goes on stays in it',
    otsl: '<fcel>A<lcel>B<nl><fcel>1<fcel>2<nl>',
    html: '<table><tr><td colspan="2">A<br>B</td></tr><tr><td>1</td><td>2</td></tr></table>',
  },
  {
    name: 'a cell that would go down by half of its width ends',
    otsl: '<fcel>A<lcel><nl><ucel><fcel>B<nl>',
    html: '<table><tr><td colspan="2">A</td></tr><tr><td></td><td>B</td></tr></table>',
  },
  {
    name: 'an answer that was cut off within a token',
    otsl: '<fcel>A<fcel>B<nl><fcel>1<fc',
    html: '<table><tr><td>A</td><td>B</td></tr><tr><td>1</td><td></td></tr></table>',
  },
  {
    name: 'signs of HTML, tags that cells have, and lines',
    otsl: '<fcel>a < b & c<fcel>10<sup>2</sup>\nm<br>x &lt; y<nl>',
    html: '<table><tr><td>a &lt; b &amp; c</td><td>10<sup>2</sup><br>m<br>x &lt; y</td></tr></table>',
  },
  {
    name: 'rows on lines of their own, in the tags of DocTags',
    otsl: '<otsl><fcel>A<nl>\n<fcel>1<nl>\n</otsl>',
    html: '<table><tr><td>A</td></tr><tr><td>1</td></tr></table>',
  },
]

describe('a table in OTSL becomes one in HTML', () => {
  for (const { name, otsl, html } of cases) it(name, () => assert.equal(otslToHtml(otsl), html))

  it('stays within its page: text before and after it is not touched, and does not become part of it', () => {
    const page = '# Sales\n\nIn millions:\n<fcel>A<fcel>B<nl><fcel>1<fcel>2<nl>\nSource: us.\n\n<fcel>x<nl>\n'
    const expected =
      '# Sales\n\nIn millions:\n<table><tr><td>A</td><td>B</td></tr><tr><td>1</td><td>2</td></tr></table>' +
      '\n\nSource: us.\n\n<table><tr><td>x</td></tr></table>\n'
    assert.equal(otslToHtml(page), expected)
    assert.equal(otslToHtml(expected), expected)
  })

  it('ends with its paragraph where the end of its last row is missing', () => {
    const table = '<table><tr><td>A</td></tr><tr><td>1</td></tr></table>'
    assert.equal(otslToHtml('<fcel>A<nl><fcel>1\n\nText.'), `${table}\n\nText.`)
    assert.equal(otslToHtml('<fcel>A<nl><fcel>1\n\n<fcel>A<nl><fcel>1'), `${table}\n\n${table}`)
  })

  for (const text of [
    '',
    'no table',
    'The token <fcel> begins a cell, <nl> ends a row.',
    '<fcel>',
    '<nl><nl>',
    '<b>a</b>',
  ])
    it(`leaves ${JSON.stringify(text)} as it is`, () => assert.equal(otslToHtml(text), text))

  it('leaves what stands in code', () => {
    const text = '```\n<fcel>A<nl>\n```\n'
    assert.equal(otslToHtml(text, text.replaceAll(/[^\n]/g, ' ')), text)
  })

  it('stays as it is where it has too many cells', () => {
    const table = '<fcel>a<fcel>b<nl>'.repeat(10_000)
    assert.equal(otslToHtml(table), table)
  })

  it('takes its time by the length of the text, whatever stands in it', () => {
    const hostile = [
      '<fcel>'.repeat(15_000),
      '<ucel>'.repeat(15_000),
      `${'<fcel>a<lcel>'.repeat(100)}<nl>`.repeat(80),
      `<fcel>${'<lcel>'.repeat(150)}<nl>${`${'<ucel>'.repeat(151)}<nl>`.repeat(120)}`,
      '<fcel>a<nl>\n\n'.repeat(9000),
      `${'<fcel>'.repeat(5000)}<nl>${'<fcel>a<nl>'.repeat(6000)}`,
      ' '.repeat(1_000_000) + '<fcel>',
      `<fcel>${'\n'.repeat(500_000)}`,
    ]
    for (const text of hostile) {
      const startedAt = performance.now()
      assert.notEqual(otslToHtml(`<fcel>a<nl>${text}`), text)
      assert.ok(performance.now() - startedAt < 2000)
    }
  })
})
