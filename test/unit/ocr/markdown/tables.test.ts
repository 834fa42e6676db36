import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findTables, writeTable, writeTables } from '../../../../gateway/ocr/markdown/tables.ts'

const pipes = '| a | b |\n|---|:-:|\n| 1 | 2 |'
const html = '<table><tr><td>1</td></tr></table>'

describe('the tables of a page', () => {
  for (const [name, markdown, tables] of [
    ['none', 'a | b\n\n<tr>', []],
    ['one in Markdown', `# T\n\n${pipes}\n\nEnd`, [pipes]],
    ['one at the end', `# T\n\n${pipes}`, [pipes]],
    ['one in HTML, in the middle of a line', `x ${html} y`, [html]],
    ['several, in their order', `${pipes}\n\n${html}${html}\n\n${pipes}\n`, [pipes, html, html, pipes]],
    [
      'one with a table within',
      `<table><tr><td>${html}</td></tr></table>`,
      [`<table><tr><td>${html}</td></tr></table>`],
    ],
    [
      'one in HTML that holds one of Markdown',
      `<table><tr><td>\n${pipes}\n</td></tr></table>`,
      [`<table><tr><td>\n${pipes}\n</td></tr></table>`],
    ],
    ['one in code', `\`\`\`\n${pipes}\n${html}\n\`\`\`\n\nand ${html}`, [html]],
    ['one that is not closed', '<table><tr><td>1', []],
  ] as const) {
    it(`are found where they stand: ${name}`, () => {
      const found = findTables(markdown)
      assert.deepEqual(
        found.map(({ start, end }) => markdown.slice(start, end)),
        tables,
      )
      assert.deepEqual(
        found.map(({ content }) => content),
        tables,
      )
    })
  }

  it('take no longer than the text is', () => {
    const many = `${html}\n\n`.repeat(5000) + '| a |\n|---|\n'.repeat(5000)
    const start = performance.now()
    assert.ok(findTables(many).length >= 5000)
    assert.ok(performance.now() - start < 5000)
  })
})

const written = (content: string, wanted: 'markdown' | 'html') => {
  const [table] = findTables(content)
  assert.ok(table !== undefined)
  const { format, content: text } = writeTable(table, wanted)
  return [format, text]
}

describe('a table in another format', () => {
  it('stays as it is in its own', () => {
    assert.deepEqual(written(pipes, 'markdown'), ['markdown', pipes])
    assert.deepEqual(written(html, 'html'), ['html', html])
  })

  it('is HTML, with what its cells hold', () => {
    assert.deepEqual(written('| a | **b** |\n|---|---|\n| x < y & z \\| w | 2<br>3 |\n| &lt;td> | |', 'html'), [
      'html',
      '<table><thead><tr><th>a</th><th><strong>b</strong></th></tr></thead><tbody>' +
        '<tr><td>x &lt; y &amp; z | w</td><td>2<br>3</td></tr><tr><td>&lt;td&gt;</td><td></td></tr></tbody></table>',
    ])
  })

  it('is HTML, in which nothing is escaped as in Markdown', () => {
    const table = String.raw`| a\_b | \*c\* |\n|---|---|\n| $x\_1$ | 3\. \<b\> |`.replaceAll(String.raw`\n`, '\n')
    assert.deepEqual(written(table, 'html'), [
      'html',
      '<table><thead><tr><th>a_b</th><th>*c*</th></tr></thead><tbody>' +
        String.raw`<tr><td>$x\_1$</td><td>3. &lt;b&gt;</td></tr></tbody></table>`,
    ])
  })

  it('is Markdown, with every row as long as the longest', () => {
    const table =
      '<table>\n<thead><tr><th>A</th><th>B|C</th></tr></thead>\n<tr><td>1 &amp; 2</td></tr><tr><td>a<br>b</td><td><b>c</b></td></tr></table>'
    assert.deepEqual(written(table, 'markdown'), [
      'markdown',
      '| A | B\\|C |\n| --- | --- |\n| 1 & 2 |  |\n| a<br>b | **c** |',
    ])
  })

  for (const table of [
    '<table><tr><td colspan="2">1</td></tr><tr><td>2</td><td>3</td></tr></table>',
    '<table><tr><td rowspan="2">1</td><td>2</td></tr></table>',
    '<table><caption>All</caption><tr><td>1</td></tr></table>',
    `<table><tr><td>${html}</td></tr></table>`,
    '<table></table>',
  ]) {
    it(`stays HTML where Markdown could not hold it: ${table}`, () => {
      assert.deepEqual(written(table, 'markdown'), ['html', table])
    })
  }

  it('is Markdown where cells only say that they span nothing', () => {
    assert.deepEqual(written('<table><tr><td colspan="1" rowspan=1>1</td></tr></table>', 'markdown')[0], 'markdown')
  })
})

describe('a broken table in HTML', () => {
  for (const [name, content, html, pipes] of [
    [
      'cells and rows that are not closed',
      '<table><tr><td>1<td>2<tr><td>3<td>4</table>',
      '<table><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>',
      '| 1 | 2 |\n| --- | --- |\n| 3 | 4 |',
    ],
    [
      'attributes without quotes, and others than spans',
      '<table border=1 class="x"><tr><td colspan=2 style="width:9px">1</td></tr><tr><td>2</td><td>3</td></tr></table>',
      '<table><tr><td colspan="2">1</td></tr><tr><td>2</td><td>3</td></tr></table>',
      null,
    ],
    [
      'a quote that is not closed',
      '<table><tr><td colspan="2>1</td></tr><tr><td>2</td><td>3</td></tr></table>',
      '<table><tr><td colspan="2">1</td></tr><tr><td>2</td><td>3</td></tr></table>',
      null,
    ],
    [
      'stray tags',
      '<table></tr><tr></td><td>1</b></td></tr></tbody><tr><td>2</td></tr></table>',
      '<table><tbody><tr><td>1</td></tr></tbody><tbody><tr><td>2</td></tr></tbody></table>',
      '| 1 |\n| --- |\n| 2 |',
    ],
    [
      'text between cells',
      '<table>Sales<tr><td>1</td></tr></table>',
      'Sales\n\n<table><tr><td>1</td></tr></table>',
      'Sales\n\n| 1 |\n| --- |',
    ],
    [
      'signs that are no tags',
      '<table><tr><td>$a<b$ and x<b</td><td>`<td>` & 1 < 2</td></tr></table>',
      '<table><tr><td>$a&lt;b$ and x&lt;b</td><td>`&lt;td&gt;` &amp; 1 &lt; 2</td></tr></table>',
      '| $a<b$ and x&lt;b | `<td>` & 1 < 2 |\n| --- | --- |',
    ],
    [
      'a head, emphasis, raised signs, lines and lists',
      '<table><thead><tr><th>A</th></tr></thead><tbody><tr><td>\n10<sup>2</sup> <i>m</i><br/>x<ul><li>y<li>z</ul></td></tr></tbody></table>',
      '<table><thead><tr><th>A</th></tr></thead><tbody><tr><td>10<sup>2</sup> <i>m</i><br>x<br>y<br>z</td></tr></tbody></table>',
      '| A |\n| --- |\n| 10<sup>2</sup> *m*<br>x<br>y<br>z |',
    ],
    [
      'signs that text must not have',
      '<table><tr><td>1\u0000\ufdd02</td></tr></table>',
      '<table><tr><td>12</td></tr></table>',
      '| 12 |\n| --- |',
    ],
  ] as const) {
    it(`is whole in HTML, with ${name}`, () => assert.deepEqual(written(content, 'html'), ['html', html]))
    it(`is written in the other format, with ${name}`, () =>
      assert.deepEqual(written(content, 'markdown'), pipes === null ? ['html', html] : ['markdown', pipes]))
    it(`changes no more, with ${name}`, () => assert.equal(writeTables(html, 'html').text, html))
  }

  for (const [name, content] of [
    ['too long', `<table>${'<tr><td>1</td><td>2</td><td>3</td></tr>'.repeat(10_000)}</table>`],
    ['nested too deeply', `${'<table><tr><td>'.repeat(100)}1${'</td></tr></table>'.repeat(100)}`],
    ['made of elements that nest too deeply', `<table><tr><td>${'<div>'.repeat(5000)}</td></tr></table>`],
  ] as const)
    it(`stays as the model wrote it where it is ${name}`, () => {
      const startedAt = performance.now()
      assert.deepEqual(writeTables(`a\n\n${content}\n\nb`, 'markdown'), { text: `a\n\n${content}\n\nb`, left: 1 })
      assert.ok(performance.now() - startedAt < 1000)
    })
})

describe('the tables of a page in one format', () => {
  for (const [name, markdown, wanted, expected] of [
    ['no tables', 'a | b\n\nc', 'html', 'a | b\n\nc'],
    ['tables in code', `\`\`\`\n${pipes}\n\`\`\``, 'html', `\`\`\`\n${pipes}\n\`\`\``],
    ['a table in its format', `x\n\n${pipes}\n\ny`, 'markdown', `x\n\n${pipes}\n\ny`],
    [
      'a blank line around what was none of Markdown',
      `Before\n${html}\nAfter`,
      'markdown',
      'Before\n\n| 1 |\n| --- |\n\nAfter',
    ],
    ['its own lines', `x ${html} y`, 'markdown', 'x \n\n| 1 |\n| --- |\n\n y'],
    ['the indentation of its list', `- a\n\n  ${html}\n- b`, 'markdown', '- a\n\n  | 1 |\n  | --- |\n\n- b'],
    ['two that stand close', `${html}\n${html}`, 'markdown', '| 1 |\n| --- |\n\n| 1 |\n| --- |'],
    ['HTML in a quote, where each line would need a mark', `> ${html}`, 'markdown', `> ${html}`],
    [
      'what follows a table of Markdown at once outside of it',
      `${pipes}\nAfter`,
      'html',
      '<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>\n\nAfter',
    ],
  ] as const)
    it(`leave ${name}`, () => assert.deepEqual(writeTables(markdown, wanted), { text: expected, left: 0 }))
})
