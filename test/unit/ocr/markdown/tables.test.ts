import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findTables, writeTable } from '../../../../gateway/ocr/markdown/tables.ts'

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

  it('is Markdown, with every row as long as the longest', () => {
    const table =
      '<table>\n<thead><tr><th>A</th><th>B|C</th></tr></thead>\n<tr><td>1 &amp; 2</td></tr><tr><td>a<br>b</td><td><b>c</b></td></tr></table>'
    assert.deepEqual(written(table, 'markdown'), [
      'markdown',
      '| A | B\\|C |\n| --- | --- |\n| 1 & 2 |  |\n| a b | c |',
    ])
  })

  for (const table of [
    '<table><tr><td colspan="2">1</td></tr><tr><td>2</td><td>3</td></tr></table>',
    "<table><tr><td rowspan='02'>1</td><td>2</td></tr></table>",
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
