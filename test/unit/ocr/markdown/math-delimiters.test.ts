import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { normalizeMath } from '../../../../gateway/ocr/markdown/math-delimiters.ts'

const changed: readonly (readonly [name: string, before: string, after: string])[] = [
  ['in a line', String.raw`so \(x^2\) and \( a_1 \) are`, 'so $x^2$ and $a_1$ are'],
  ['a single letter', String.raw`let \(x\) be`, 'let $x$ be'],
  ['a short one without marks of TeX', String.raw`\(n - 1\), \((a, b)\)`, '$n - 1$, $(a, b)$'],
  ['over two lines', 'so \\(x =\ny_1\\) is', 'so $x = y_1$ is'],
  ['beside signs of Chinese', String.raw`设\(x^2\)为`, '设$x^2$为'],
  ['displayed in a line', String.raw`\[ E = mc^2 \]`, '$$ E = mc^2 $$'],
  ['displayed on lines of its own', '\\[\n\\frac{a}{b}\n\\]', '$$\n\\frac{a}{b}\n$$'],
  ['displayed, with a distance between its lines', '\\[a_1 \\\\[2pt] b_1\\]', '$$a_1 \\\\[2pt] b_1$$'],
  ['displayed in a quote', '> \\[\n> x_1\n> \\]', '> $$\n> x_1\n> $$'],
  ['in a cell', String.raw`<td>\(x_1\)</td>`, '<td>$x_1$</td>'],
  [
    'in an environment',
    '\\begin{align*}\na &= b\\\\\nc &= d\n\\end{align*}',
    '$$\n\\begin{align*}\na &= b\\\\\nc &= d\n\\end{align*}\n$$',
  ],
  ['in an equation', 'So\n\\begin{equation}\nx = 1\n\\end{equation}\nholds', 'So\n$$\nx = 1\n$$\nholds'],
  ['in a code block', '```latex\n\\frac{1}{2}\n```', '$$\n\\frac{1}{2}\n$$'],
  ['in a code block, with marks of its own', '```math\n\\[\nx^2\n\\]\n```\n', '$$\nx^2\n$$\n'],
]

const kept: readonly (readonly [name: string, text: string])[] = [
  ['citations', String.raw`as shown \[1\], \[2, 3\], \[Smith 2020\], \[a\] and \[sic\]`],
  ['a link', String.raw`\[x_1\](https://a.b)`],
  ['words', String.raw`\(see below\) and \[the rate = the distance\] and \(3\)`],
  ['code', '`\\(x^2\\)`\n\n```\n\\(x^2\\)\n```\n\n~~~tex\n\\documentclass{a}\n\\[x^2\\]\n~~~'],
  ['a listing in LaTeX', '```latex\n\\section{A}\nText $x$.\n```'],
  ['a code block that is not closed', '```latex\n\\frac{1}{2}'],
  ['dollars', String.raw`It costs $5 and $6, $$x^2$$, $a_1$ and \$7.`],
  ['marks within formulas', String.raw`$$a \text{\(x_1\)}$$ and $$\begin{array}{c} a \\[2pt] b \end{array}$$`],
  ['an environment within a formula', '$$\n\\begin{align}\na\n\\end{align}\n$$'],
  ['an environment in a sentence', String.raw`write \begin{align} a \end{align} there`],
  ['what has a dollar beside it', String.raw`\(x_1\)5 and 5\(x_1\)`],
  ['marks that are not closed', '\\(x_1\n\n\\[x_1\n\n\\begin{align}\nx'],
  ['a formula with a blank line', '\\[x_1\n\ny_1\\]'],
  ['escaped backslashes', String.raw`\\(x_1\\) and \\[x_1\\]`],
  ['a path', String.raw`C:\(a) and \d+\.`],
]

describe('formulas in marks of other kinds', () => {
  for (const [name, before, after] of changed)
    it(`stand between dollars: ${name}`, () => {
      assert.equal(normalizeMath(before), after)
      assert.equal(normalizeMath(after), after)
    })

  for (const [name, text] of kept) it(`stay: ${name}`, () => assert.equal(normalizeMath(text), text))

  it('take their time by the length of the text, whatever stands in it', () => {
    const hostile = [
      '\\(',
      '\\[',
      '$',
      '$$',
      '$$$',
      '$a$$',
      '\\begin{align}\n',
      '\\begin{align}\n\\begin{gather}\n',
      '`',
      '``',
      '```math\n',
      '```math\nx\n```\n',
      '\\[\\(',
      '\\',
      '\n \\[',
      'x\\[\\\\[',
    ]
    for (const piece of hostile) {
      const text = piece.repeat(Math.ceil(300_000 / piece.length))
      const startedAt = performance.now()
      normalizeMath(`\\(x_1\\) ${text}`)
      assert.ok(performance.now() - startedAt < 3000, JSON.stringify(piece))
    }
  })
})
