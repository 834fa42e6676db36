import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cutPieces } from '../../../gateway/web/app/markdown/cut-pieces.ts'
import { toHtml } from '../../../gateway/web/app/markdown/to-html.ts'

const inline = (raw: string): string => `<span data-formula="inline">${raw}</span>`
const display = (raw: string): string => `<span data-formula="display">${raw}</span>`

describe('formulas in Markdown', () => {
  const rows: readonly [name: string, markdown: string, html: string][] = [
    ['between dollars', 'a $x_1^2$ b', `<p>a ${inline('$x_1^2$')} b</p>`],
    ['prices', 'from $5 to $10, or US$5/US$7', '<p>from $5 to $10, or US$5/US$7</p>'],
    ['a lone dollar', 'costs 5$ a day', '<p>costs 5$ a day</p>'],
    ['escaped dollars', String.raw`\$5 and 6\$`, '<p>$5 and 6$</p>'],
    ['a dollar within a formula', String.raw`$a = \$5$`, `<p>${inline(String.raw`$a = \$5$`)}</p>`],
    [
      'round and square brackets',
      String.raw`\(a_b\) and \[c\]`,
      `<p>${inline(String.raw`\(a_b\)`)} and ${display(String.raw`\[c\]`)}</p>`,
    ],
    ['on lines of its own', 'a\n$$\nx\n= y\n$$\nb', `<p>a</p>\n<p>${display('$$\nx\n= y\n$$')}</p>\n<p>b</p>`],
    [
      'an environment',
      String.raw`\begin{align}a&=b\end{align}`,
      `<p>${display(String.raw`\begin{align}a&amp;=b\end{align}`)}</p>`,
    ],
    ['none across paragraphs', 'a $x\n\ny$ b', '<p>a $x</p>\n<p>y$ b</p>'],
    ['none in code', '`$x$`', '<p><code>$x$</code></p>'],
    ['none in a fence', '```\n$x$\n```', '<pre><code>$x$\n</code></pre>'],
    ['in bold', '**$x$**', `<p><strong>${inline('$x$')}</strong></p>`],
    [
      'in a cell of HTML',
      '<td>$a<b$</td><td>$5</td><td>6$</td>',
      `<td>${inline('$a&lt;b$')}</td><td>$5</td><td>6$</td>`,
    ],
    ['entities in HTML', '<td>$a &lt; b$</td>', `<td>${inline('$a &lt; b$')}</td>`],
    ['none in code of HTML', '<pre>$x$</pre>', '<pre>$x$</pre>'],
  ]
  for (const [name, markdown, html] of rows) it(`finds ${name}`, () => assert.equal(toHtml(markdown).trim(), html))
})

describe('Markdown that models write', () => {
  it('loses the places behind pictures, and only those', () => {
    assert.equal(
      toHtml('![image](image_1.png)112,80,640,455\nnext').trim(),
      '<p><img src="image_1.png" alt="image">\nnext</p>',
    )
    assert.equal(toHtml('![a](b.png) 12, 13').trim(), '<p><img src="b.png" alt="a"> 12, 13</p>')
    assert.equal(
      toHtml('`![image](image_1.png)112,80,640,455`').trim(),
      '<p><code>![image](image_1.png)112,80,640,455</code></p>',
    )
  })

  it('shows tags that it may not have, and no marks of pages', () => {
    assert.equal(toHtml('a <script>x</script> <select>').trim(), '<p>a &lt;script>x&lt;/script> &lt;select></p>')
    assert.equal(toHtml('<!-- page 3 failed: engine_error -->\n\nx').trim(), '<p>x</p>')
  })

  it('is shown as it is where its nesting ends the parser', () => {
    const deep = '>'.repeat(15_000)
    assert.match(toHtml(deep), /^<(?:pre|blockquote)>/)
  })
})

describe('the pieces that Markdown is cut into', () => {
  const all = (markdown: string): string[] => [...cutPieces(markdown)].map(({ kind, text }) => `${kind}: ${text}`)
  const paragraph = 'Some words of a paragraph. '.repeat(200).trim()

  it('are one for what a page holds', () => {
    const page = `# Title\n\n${'A line.\n\n'.repeat(500)}`
    assert.deepEqual(all(page), [`markdown: ${page}`])
    assert.deepEqual(all(''), [])
    assert.deepEqual(all('a\r\nb\rc'), ['markdown: a\nb\nc'])
  })

  it('hold together all of the text, and are cut between paragraphs', () => {
    const text = Array.from({ length: 20 }, (_, index) => `${index} ${paragraph}`).join('\n\n')
    const pieces = [...cutPieces(text)]
    assert.equal(pieces.map((piece) => piece.text).join(''), text)
    assert.ok(pieces.length > 5)
    for (const piece of pieces) assert.match(piece.text, /^\d+ Some/)
    for (const piece of pieces.slice(0, -1)) assert.match(piece.text, /paragraph\.\n\n$/)
  })

  it('cut a long line between words, and characters of two halves never', () => {
    const words = [...cutPieces('word '.repeat(10_000))]
    assert.ok(words.every(({ text }) => text.length <= 16_000 && text.startsWith('word')))
    const signs = [...cutPieces(`a${'😀'.repeat(20_000)}`)]
    assert.ok(signs.length > 1 && signs.every(({ text }) => text.isWellFormed()))
  })

  it('cut code without its fences, and not what stands behind', () => {
    const code = Array.from({ length: 4000 }, (_, index) => `line ${index}`).join('\n')
    const pieces = [...cutPieces(`Before.\n\n\`\`\`js\n${code}\n\`\`\`\n\nAfter.`)]
    assert.deepEqual([...new Set(pieces.map(({ kind }) => kind))], ['markdown', 'code'])
    assert.equal(
      pieces
        .filter(({ kind }) => kind === 'code')
        .map(({ text }) => text)
        .join(''),
      code,
    )
    assert.equal(pieces.at(-1)?.text.trim(), 'After.')
  })

  it('give every cut of a table its rows', () => {
    const rows = Array.from({ length: 2000 }, (_, index) => `<tr><td>${index}</td></tr>`)
    const html = [
      ...cutPieces(`Before.\n\n<table><thead><tr><th>a</th></tr></thead>\n\n${rows.join('\n')}</table> Behind.`),
    ]
    assert.equal(
      html
        .map(({ text }) => text)
        .join('')
        .match(/<tr>/g)?.length,
      2001,
    )
    assert.ok(
      html.filter(({ kind }) => kind === 'rows').every(({ text }) => /^<table><tbody><tr>.*<\/table>$/s.test(text)),
    )
    assert.equal(html.at(-1)?.text, ' Behind.')
    const pipes = [
      ...cutPieces(`| a |\n|--:|\n${Array.from({ length: 4000 }, (_, index) => `| ${index} |`).join('\n')}`),
    ]
    assert.ok(pipes.length > 2 && pipes.every(({ text }) => text.startsWith('| a |\n|--:|\n| ')))
  })

  it('are short where there are more marks than words', () => {
    assert.ok([...cutPieces('*a_'.repeat(5000))].every(({ text }) => text.length <= 2000))
  })

  it('come one after the other, whatever follows', () => {
    const endless = cutPieces('word '.repeat(2_000_000))
    const began = performance.now()
    assert.equal(endless.next().value.text.length, 16_000)
    // Ten megabytes take seconds to parse; the first piece takes none of them.
    assert.ok(performance.now() - began < 5000)
  })
})
