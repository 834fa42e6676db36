import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chandra1, chandra2, surya2 } from '../../../../gateway/profile/models/datalab.ts'

// The form that chandra/output.py reads: a div for each block.
const answer = `<div data-bbox="85 47 158 61" data-label="Page-Header">
<p>Fossils 86</p>
</div>
<div data-bbox="85 466 210 479" data-label="Section-Header">
<h4>Etymology &amp; <i>more</i></h4>
</div>
<div data-bbox="85 481 479 629" data-label="Text">
<p>The generic name is derived from the Greek <i>meg&#225;lo</i>, E = <math>mc^2 < x</math>, at $5.</p><p>Second<br>line</p>
</div>
<div data-bbox="85 630 479 640" data-label="Equation-Block"><p><math display="block">\\frac{a}{b}</math></p></div>
<div data-bbox="85 641 479 645" data-label="List-Group"><ul><li>one<ul><li>deep</li></ul></li><li><input type="checkbox" checked/> two</li></ul></div>
<div data-bbox="240 89 760 293" data-label="Figure">
<img alt="Map of the [equatorial] Pacific."/>
<p>Depth 4,000 m</p></div>
<div data-bbox="85 295 205 308" data-label="Caption">
<p><b>Fig. 1.</b> Studied locality.</p>
</div>
<div data-bbox="100 310 900 400" data-label="Table"><table border="1"><thead><tr><th colspan="2">a &lt; b</th></tr></thead><tbody><tr><td><math>x_1</math></td><td>2</td></tr></tbody></table></div>
<div data-bbox="1 2 3 4" data-label="Blank-Page"></div>`

const markdown = `Fossils 86

#### Etymology & *more*

The generic name is derived from the Greek *megálo*, E = $mc^2 < x$, at \\$5.

Second
line

$$
\\frac{a}{b}
$$

- one
  - deep
- ☑ two

![Map of the equatorial Pacific.](image_1.png)240,89,760,293

Depth 4,000 m

**Fig. 1.** Studied locality.

<table border="1"><thead><tr><th colspan="2">a &lt; b</th></tr></thead><tbody><tr><td>$x_1$</td><td>2</td></tr></tbody></table>`

describe('Chandra and Surya', () => {
  it('are read as Markdown: formulas, lists and pictures, tables as they were written', () => {
    assert.equal(chandra2.clean(answer, 'document'), markdown)
    assert.equal(surya2.clean(`<think>\n\n</think>\n\n${answer}`, 'document'), markdown)
    assert.equal(chandra2.clean(`\`\`\`html\n${answer}\n\`\`\``, 'document'), markdown)
    assert.equal(chandra2.clean(markdown, 'document'), markdown)
    assert.equal(chandra2.findImages?.(markdown)[0]?.alt, 'Map of the equatorial Pacific.')
  })

  it('mark every block in the task layout', () => {
    const laid = chandra2.clean(answer, 'layout')
    assert.deepEqual(
      chandra2.findBlocks?.(laid).map(({ label }) => label),
      ['header', 'section', 'text', 'formula', 'list', 'image', 'caption', 'table'],
    )
    assert.equal(chandra2.findImages?.(laid).length, 1)
  })

  it('have places in 1024 parts of the page with version 1, in brackets', () => {
    const block = '<div data-bbox="[256, 0, 512, 1024]" data-label="Image"><img alt="A"/></div>'
    assert.equal(chandra1.clean(block, 'document'), '![A](image_1.png)250,0,500,1000')
    assert.equal(chandra2.clean(block.replace('1024', '1000'), 'document'), '![A](image_1.png)256,0,512,1000')
  })

  for (const { name, raw, text } of [
    {
      name: 'HTML without blocks',
      raw: '<h1>A</h1>\n<p>b <b>c</b></p><pre>x\n  y</pre>',
      text: '# A\n\nb **c**\n\n```\nx\n  y\n```',
    },
    { name: 'Markdown', raw: '## A\n\nb < c and <b>d</b>', text: '## A\n\nb < c and <b>d</b>' },
    {
      name: 'Markdown between tables',
      raw: '<table><tr><td>1</td></tr></table>\n\n# A\n\n<table></table>',
      text: '<table><tr><td>1</td></tr></table>\n\n# A\n\n<table></table>',
    },
    {
      name: 'a heading without a tag',
      raw: '<div data-label="Section-Header" data-bbox="1 2 3 4">CHAPTER SIX</div>',
      text: '## CHAPTER SIX',
    },
    {
      name: 'a block that was cut off',
      raw: '<div data-bbox="1 2 30 40" data-label="Text"><p>One <b>two',
      text: 'One **two**',
    },
    {
      name: 'blocks within a div',
      raw: '<div><div data-label="Text"><p>a</p></div><div data-label="Text">b</div></div>',
      text: 'a\n\nb',
    },
    {
      name: 'a numbered list',
      raw: '<div data-label="List-Group"><ol start="3"><li>c</li><li><p>d</p><p>e</p></li></ol></div>',
      text: '3. c\n4. d\n\n   e',
    },
    {
      name: 'sub and sup',
      raw: '<div data-label="Text">H<sub>2</sub>O <u>x</u> <a href="https://a.b">l</a> <chem>C1=CC</chem></div>',
      text: 'H<sub>2</sub>O <u>x</u> [l](https://a.b) `C1=CC`',
    },
    { name: 'what would be a tag', raw: '<div data-label="Text"><p>a &lt;b&gt; c</p></div>', text: 'a &lt;b> c' },
    {
      name: 'a formula in dollars of its own',
      raw: '<div data-label="Equation-Block"><math>$$x$$</math></div>',
      text: '$$\nx\n$$',
    },
  ])
    // prettier-ignore
    it(`an answer with ${name}`, () => {
      assert.equal(chandra2.clean(raw, 'document'), text)
      assert.equal(chandra2.clean(text, 'document'), text)
    })

  it('of an answer that no page has the text stays, and it takes no time', () => {
    const startedAt = performance.now()
    const block = '<div data-bbox="1 2 3 4" data-label="Text">'
    const deep = chandra2.clean(`${block}${'<div>'.repeat(50_000)}deep`, 'document')
    assert.equal(deep, 'deep')
    const long = chandra2.clean(`${block}${'word '.repeat(400_000)}</div>`, 'document')
    assert.ok(long.startsWith('word word'))
    for (const hostile of ['<math>'.repeat(40_000), '<b>'.repeat(90_000), '<p>'.repeat(90_000), '<td>'.repeat(70_000), '`'.repeat(290_000), ' '.repeat(290_000), '<img alt="'.repeat(20_000), '<table>'.repeat(100), '<a href=x>'.repeat(25_000), '\n '.repeat(2_000_000)])
      chandra2.clean(block + hostile, 'document')
    assert.ok(performance.now() - startedAt < 5000, String(performance.now() - startedAt))
  }) // prettier-ignore
})
