import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { unescapeMath } from '../../../../gateway/profile/clean/unescape-math.ts'

describe('escaped math delimiters', () => {
  const repaired = [
    { name: 'a variable', raw: 'where \\$x\\$ is', text: 'where $x$ is' },
    { name: 'two variables of one sentence', raw: '\\$a\\$ and \\$b\\$', text: '$a$ and $b$' },
    { name: 'an equation', raw: '\\$E = mc^2\\$.', text: '$E = mc^2$.' },
    {
      name: 'a command with words in its argument',
      raw: '\\$v_{\\text{max speed}} \\leq c\\$',
      text: '$v_{\\text{max speed}} \\leq c$',
    },
    { name: 'a function by name', raw: '\\$\\sin x + log(n)\\$', text: '$\\sin x + log(n)$' },
    { name: 'a number in math', raw: 'the \\$95\\$ percent', text: 'the $95$ percent' },
    { name: 'spaces on both sides', raw: 'the \\$ \\alpha \\$ level', text: 'the $ \\alpha $ level' },
    { name: 'a half-open interval', raw: 'in \\$[0, 1)\\$', text: 'in $[0, 1)$' },
    { name: 'display math', raw: '\\$\\$\n\\frac{a}{b}\n\\$\\$', text: '$$\n\\frac{a}{b}\n$$' },
    { name: 'math in a table cell', raw: '<td>\\$x^2\\$</td>', text: '<td>$x^2$</td>' },
    { name: 'math behind a price', raw: 'pay \\$5 and \\$x_1\\$', text: 'pay \\$5 and $x_1$' },
    { name: 'a charged ion', raw: '\\$K^+\\$', text: '$K^+$' },
  ]
  for (const { name, raw, text } of repaired)
    it(`become real ones: ${name}`, () => {
      assert.equal(unescapeMath(raw), text)
      assert.equal(unescapeMath(text), text)
    })

  const kept = [
    { name: 'one price', text: 'It costs \\$5.' },
    { name: 'two prices', text: 'from \\$5 to \\$10' },
    { name: 'a range of prices', text: '\\$3,000-\\$5,000' },
    { name: 'prices and a slash', text: '\\$10/\\$20' },
    { name: 'prices in words', text: '\\$5 million and \\$6 million' },
    { name: 'another currency', text: 'US\\$5 = HK\\$39' },
    { name: 'a price before a formula', text: '\\$5 = \\$x' },
    { name: 'a shell variable', text: 'set \\$HOME\\$ first' },
    { name: 'prose between', text: 'a \\$ sign and a \\$ sign' },
    { name: 'prices in brackets', text: '(\\$5) or (\\$6)' },
    { name: 'code', text: '`\\$x\\$` and\n\n```sh\necho \\$x\\$\n```\n' },
    { name: 'code that never ends', text: '```sh\necho \\$x\\$\n' },
    { name: 'a price inside math', text: '$c = \\$5 + \\$x$' },
    { name: 'math delimited otherwise', text: '\\(\\$x\\$\\) \\[\\$y\\$\\] $$\\$z\\$$$' },
    { name: 'an attribute', text: '<a title="\\$x\\$">' },
    { name: 'a link target', text: '[a](b\\$x\\$c)' },
    { name: 'a backslash before a dollar', text: 'C:\\\\$x\\\\$' },
    { name: 'two paragraphs', text: '\\$x\n\ny\\$' },
    { name: 'a table of prices', text: '| \\$5 | \\$6 |\n| \\$7 | \\$8 |' },
    { name: 'empty', text: '\\$\\$' },
  ]
  for (const { name, text } of kept) it(`stay: ${name}`, () => assert.equal(unescapeMath(text), text))

  it('are looked for in time that grows with the text alone', { timeout: 20_000 }, () => {
    for (const piece of ['<!--', '\\[', '\\(', '$$ ', '`', '<a', '](', '\\$', '$x', '\\$\\$', '```\n', '{', '\\${'])
      assert.equal(typeof unescapeMath('\\$ ' + piece.repeat(60_000 / piece.length)), 'string')
  })
})
