import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isWithin, readFormula } from '../../quality/score/formula-tree.ts'
import { formulasOf, judgeMath } from '../../quality/score/math.ts'

const looksLike = (wanted: string, found: string): boolean => judgeMath(wanted, `$$${found}$$`, false).passed

describe('formulas', () => {
  it('are found between each kind of delimiters, once', () => {
    assert.deepEqual(formulasOf(String.raw`\(a\) \[b\] $$c$$ $d$ and $ 5`), ['a', 'b', 'c', 'd'])
    assert.deepEqual(formulasOf(String.raw`\(a\) $d$`, true), ['a'])
  })

  for (const [wanted, found] of [
    ['x^{\\prime}', "x'"],
    ['\\frac{1}{2}', '\\frac12'],
    ['\\left(a+b\\right)', '(a+b)'],
    ['a \\, b', 'ab'],
    ['{a}_{i}^{2}', 'a_i^2'],
    ['\\mathrm{d}x', 'dx'],
    ['\\sum_{i=1}^{n} a_i', 'S = \\sum_{i=1}^n a_i .'],
    ['a+b', '\\sqrt{1+a+b}'],
    ['\\lambda_{g}=\\lambda_{g^{\\prime}}', "\\lambda_g = \\lambda_{g'}"],
  ] as const)
    it(`are the same: ${wanted} and ${found}`, () => assert.ok(looksLike(wanted, found)))

  for (const [wanted, found] of [
    ['x^2', 'x_2'],
    ['x^2', 'x2'],
    ['\\frac{a}{b}', '\\binom{a}{b}'],
    ['\\frac{a}{b}', '\\frac{b}{a}'],
    ['\\mathbb{R}', 'R'],
    ['a+b+c', 'a+b'],
    ['a+c', 'a+b+c'],
    ['\\sqrt{a}', 'a'],
    ['a', '\\undefined{a}'],
  ] as const)
    it(`are not the same: ${wanted} and ${found}`, () => assert.ok(!looksLike(wanted, found)))

  it('that KaTeX takes long for, or cannot read, are none', () => {
    assert.equal(readFormula(`x${'+x'.repeat(5000)}`), null)
    assert.equal(readFormula(String.raw`\def\a{\a\a}\a`), null)
    assert.equal(readFormula(String.raw`\frac{1`), null)
  })

  it('are not within a shorter one', () => {
    const [long, short] = [readFormula('a+b'), readFormula('a')]
    assert.ok(long !== null && short !== null)
    assert.ok(isWithin(short, long) && !isWithin(long, short))
  })
})
