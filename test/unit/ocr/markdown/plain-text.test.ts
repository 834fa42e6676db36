import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { escapedPlainText, plainText } from '../../../../gateway/ocr/markdown/plain-text.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

describe('plain text out of Markdown', () => {
  for (const { name, markdown, text } of [
    { name: 'headings keep their case', markdown: '# Über Uhren\n\nText.', text: 'Über Uhren\n\nText.' },
    { name: 'emphasis is dropped', markdown: 'a **bold** and *slanted* `word`', text: 'a bold and slanted word' },
    { name: 'emphasis in emphasis', markdown: '***all*** and *one **two** three*', text: 'all and one two three' },
    { name: 'emphasis over two lines', markdown: '**two\nlines**, (*so*)', text: 'two\nlines, (so)' },
    { name: 'bold inside Chinese', markdown: '这是**粗体**文字', text: '这是粗体文字' },
    { name: 'list items stay lines', markdown: '- one\n- **two**\n  * three', text: '- one\n- two\n  * three' },
    {
      name: 'an HTML table',
      markdown: '<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>',
      text: 'a   b\nc   d',
    },
    {
      name: 'a Markdown table',
      markdown: '| Item | Price |\n|---|---|\n| Tea | 2.50 |',
      text: 'Item   Price\nTea    2.50',
    },
    { name: 'a row longer than its head', markdown: 'a|b\n-|-\nc|d|e', text: 'a   b\nc   d   e' },
    {
      name: 'bars in cells',
      markdown: '|a|b|\n|-|-|\n|$|x|$|`c|d`|\n|e \\| f|g|',
      text: 'a       b\n$|x|$   c|d\ne | f   g',
    },
    {
      name: 'cells over rows and columns',
      markdown:
        '<table><tr><td rowspan="2">a</td><td colspan=2>b</td></tr><tr><td>c</td><td>d</td></tr><tr><td>e</td></tr></table>',
      text: 'a   b\n    c   d\ne',
    },
    {
      name: 'a table in a table',
      markdown: '<table><tr><td>a<table><tr><td>x</td><td>y</td></tr></table></td><td>b</td></tr></table>',
      text: 'a  x  y   b'.replace(/ {2}/g, ' ').replace('y  b', 'y   b'),
    },
    {
      name: 'entities and signs in cells',
      markdown: '<table><tr><td>R&amp;D &lt; 5</td><td>Vec<u8></td><td>a<b and c>d</td></tr></table>',
      text: 'R&D < 5   Vec<u8>   a<b and c>d',
    },
    {
      name: 'what stands around a table',
      markdown: 'before <table><tr><td># of</td></tr></table> after',
      text: 'before\n# of\n after',
    },
    {
      name: 'a table that was cut off',
      markdown: 'so\n<table>\n<tr><td>a</td><td>b</td></tr>\n<tr><td>c</td><td>d',
      text: 'so\na   b\nc   d',
    },
    { name: 'long lines are not broken', markdown: 'word '.repeat(100).trim(), text: 'word '.repeat(100).trim() },
    { name: 'picture placeholders', markdown: 'before\n\n![image](image_1.png)\n\nafter', text: 'before\n\nafter' },
    { name: 'a picture with its place', markdown: 'a\n![image](image_1.png)112,80,640,455\nb', text: 'a\n\nb' },
    {
      name: 'links',
      markdown: 'see [the site](https://a.example/x_(y)?a=*b*) and [1](#n1)',
      text: 'see the site and 1',
    },
    {
      name: 'code fences',
      markdown: '```python\nx = 5**2\n# a\n```\nafter\n~~~~\n```\n~~~~',
      text: 'x = 5**2\n# a\nafter\n```',
    },
    { name: 'a fence left open', markdown: 'a\n```\n**b**', text: 'a\n**b**' },
    { name: 'a fence in a list', markdown: '- ```\n  a*b*c\n  ```\n- *d*', text: '-\n  a*b*c\n- d' },
    { name: 'rules', markdown: 'a\n\n---\n\nb\n\n***\n\nc', text: 'a\n\nb\n\nc' },
    {
      name: 'tags that are closed',
      markdown: 'H<sub>2</sub>O, <b>bold</b>, <span style="a: b">so</span><br>next',
      text: 'H2O, bold, so\nnext',
    },
    { name: 'an exponent', markdown: '10<sup>2</sup> and m<sup>2</sup>', text: '10² and m2' },
    { name: 'paragraphs of HTML', markdown: '<div align="center"><p>a &amp; b</p><p>c</p></div>', text: 'a & b\n\nc' },
    {
      name: 'lists of HTML',
      markdown: '<ul><li>a</li><li>b<ol start="3"><li>c</li></ol></li></ul>',
      text: '- a\n- b\n  3. c',
    },
    { name: 'comments', markdown: 'a <!-- note --> b', text: 'a  b' },
  ]) {
    // prettier-ignore
    it(`removes what is markup: ${name}`, () => assert.equal(plainText(markdown), text))
  }

  for (const written of [
    '5*3*2=30',
    'A*B*C',
    '5 * 3 * 2 and 5 *3* 2',
    '2**3**4 and (x)**2 + (y)**2',
    '__init__ and _private_',
    '_______________\nsignature',
    '~5~ to ~9~',
    '~~10~~ 5',
    '- [ ] open\n- [x] done',
    'Vec<u8> and Map<String, int>',
    'a<b and c>d',
    'a<b>c',
    '<p> begins a paragraph',
    'if (i<n && n>0) <tag/> <page_number>7</page_number>',
    String.raw`C:\*.txt and D:\*.doc`,
    String.raw`\[x\] \# \_`,
    '*.txt and *.doc, src/**/*.ts and test/**/*.ts',
    'f(*args, **kwargs) and (*p)->x = (*q)',
    '(*) required (*) optional',
    '* see below\n** see above',
    'Price* and terms*',
    '1) first\n2) second\n   a) third',
    '7. seven\n9. nine\n\n3. three',
    '+ plus\n- minus',
    '> quoted\n>> twice',
    '#5 and #hash\n#\n#######',
    '$x_1*y_1*z_1$',
    '$$\na *b* c\n$$',
    String.raw`\(a *b* c\) and \[ d *e* f \]`,
    '$5 and $6, US$7',
    'Tom &amp; Jerry & Co; &#42;',
    'TOTAL 5.00\n==========\n----------',
    '* * *',
    'a | b\nc | d',
    '| a |',
    'f[i](x) and n![k](m)',
    '[1], [^2] and [link]',
    '<https://example.com> <me@example.com>',
    "``quoted'' and 5` 3`",
    '    indented *line\n\tand a tab',
    'line\\\nnext  \nnext',
    'Use <table> here\nand <td> there',
    '<!-- open',
  ])
    it(`leaves as written: ${JSON.stringify(written)}`, () => assert.equal(plainText(written), written))

  it('leaves random signs between words as they are', () => {
    const random = seededRandom(9)
    const signs = '* _ ~ < > \\ $ | # - + 1) [ ] ( ) ! & ; ** __ ~~ <<'.split(' ')
    for (let round = 0; round < 3000; round++) {
      // One kind of sign a line, between words, inside them, or at one end: nothing that Markdown would see as marks.
      const sign = random.pick(signs)
      const line = random.pick([
        () => `one${sign}two${sign}three`,
        () => `one ${sign} two ${sign} three`,
        () => `one${sign} two${sign} three${sign}`,
        () => `see ${sign}one ${sign}two ${sign}three`,
        () => `${sign}${sign === '#' ? '' : ' '}two`,
        () => `one, (${sign}), two`,
      ])()
      const lines = `${line}\nplain\n${random.pick(['x', '1', ''])}${line}`.trim()
      assert.equal(plainText(lines), lines)
    }
  })

  it('takes the escapes out where there are any', () => {
    const escaped = '# 1\\. \\*not\\* **bold** \\<b>\\</b>\n\n| a \\| b | c\\_ |\n| --- | --- |\n| C:\\\\x | \\`d\\` |'
    assert.equal(escapedPlainText(escaped), '1. *not* bold <b></b>\n\na | b   c_\nC:\\x    `d`')
  })

  for (const [name, piece, end = ''] of [
    ['quotes', '>'],
    ['lists', '- '],
    ['nested lists', '\n'.padEnd(40) + '- a'],
    ['brackets', '['],
    ['pictures', '![a]('],
    ['links', '[a](b'],
    ['tags', '<b>'],
    ['closed tags', '<b>', '</b>'.repeat(30_000)],
    ['tags that do not end', '<td a="b '],
    ['attributes', '<b a'],
    ['tables', '<table><tr><td>'],
    ['wide cells', '<td colspan=99 rowspan=99>'],
    ['a wide table', '<table><tr><td colspan=99 rowspan=99>a', '</table>'],
    ['bars', '|'],
    ['rows', 'a|b\n-|-\n'],
    ['stars', '*a'],
    ['bold', '**a '],
    ['backticks', '` '],
    ['backticks of two kinds', '` `` '],
    ['dollars', '$a '],
    ['brackets of mathematics', '\\[ '],
    ['comments', '<!-- '],
    ['fences', '```\n'],
    ['lines', '\n'],
    ['spaces', ' '],
    ['items', '<ul><li>'],
    ['entities', '&amp;'],
    ['exponents', '1<sup>2</sup>'],
  ] as const)
    it(`takes little time for 100 KB of ${name}`, () => {
      const hostile = piece.repeat(Math.ceil(100_000 / piece.length)) + end
      const before = process.cpuUsage()
      const { length } = plainText(hostile)
      const seconds = process.cpuUsage(before).user / 1e6
      assert.ok(seconds < 2, `${seconds} s`)
      assert.ok(length < 30 * hostile.length, `${length} characters`)
    })
})
