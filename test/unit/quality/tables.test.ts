import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseHtmlTables, parseMarkdownTables } from '../../quality/score/parse-tables.ts'
import { headingsOf, type Cell, type Table } from '../../quality/score/table-grid.ts'

const texts = (cells: readonly Cell[]) => cells.map(({ text }) => text)

function cell(table: Table | undefined, text: string): Cell {
  const found = table?.find((each) => each.text === text)
  assert.ok(found !== undefined, `there is no cell ${text}`)
  return found
}

describe('tables in Markdown', () => {
  it('have their first row and first column as headings', () => {
    const [table, ...others] = parseMarkdownTables('Text\n\n| a | b |\n|---|:-:|\n| c | d |\n| e |  |\n\nText | alone')
    assert.equal(others.length, 0)
    const d = cell(table, 'd')
    assert.deepEqual([texts(headingsOf(d, 'up')), texts(headingsOf(d, 'left'))], [['b'], ['c']])
    assert.deepEqual([texts(d.up), texts(d.left), texts(d.right)], [['b'], ['c'], []])
    assert.deepEqual(texts(d.down), [''])
  })
})

describe('tables in HTML', () => {
  const SPANS = `<table><thead><tr><th rowspan="2">City</th><th colspan="2">Rain</th></tr><tr><th>May</th><th>June</th></tr></thead>
<tr><td>Ellery</td><td>3</td><td>4</td></tr><tr><td rowspan=2>Haven</td><td colspan=0>5</td><td>6</td></tr><tr><td>7</td><td>8</td></tr></table>`

  it('have a cell beside each that a span reaches', () => {
    const [table] = parseHtmlTables(SPANS)
    assert.deepEqual(texts(cell(table, 'Rain').down), ['May', 'June'])
    assert.deepEqual(texts(cell(table, 'Haven').right), ['5', '7'])
    assert.deepEqual(texts(headingsOf(cell(table, '8'), 'up')).toSorted(), ['June', 'Rain'])
    assert.deepEqual(texts(headingsOf(cell(table, '8'), 'left')), ['Haven'])
  })

  it('are broken where cells are not closed, as for BeautifulSoup', () => {
    const [table] = parseHtmlTables('<table><tr><td>a<td>b<tr><td>c<td>d</table>')
    assert.deepEqual(texts(table ?? []), ['abcd', 'cd'])
  })

  it('are found though they are never closed, and within each other', () => {
    assert.equal(parseHtmlTables('<table><tr><td>a</td></tr>').length, 1)
    const nested = parseHtmlTables('<table><tr><td>a<table><tr><td>b</td></tr></table></td></tr></table>')
    assert.deepEqual(nested.map(texts), [['ab', 'b'], ['b']])
  })

  it('read entities, and line breaks as white space', () => {
    const [table] = parseHtmlTables('<table><tr><td>a &amp; <b>b</b><br>c</td></tr></table>')
    assert.deepEqual(texts(table ?? []), ['a & b\nc'])
  })

  it('may ask for a million rows or nest ten thousand deep', () => {
    const [wide] = parseHtmlTables('<table><tr><td rowspan=1000000 colspan=1000000>a</td><td>b</td></tr></table>')
    assert.equal(wide?.length, 2)
    assert.equal(parseHtmlTables(`${'<div>'.repeat(10_000)}<table><tr><td>a</td></tr></table>`).length, 1)
  })
})
