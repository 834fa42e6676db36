import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { repeatsAtEnd } from '../../quality/score/baseline.ts'
import { readFact, readFacts } from '../../quality/score/facts.ts'
import { judge } from '../../quality/score/judge.ts'
import { normalizeText } from '../../quality/score/normalize-text.ts'

const fact = (type: string, more: object) => readFact({ pdf: 'a.pdf', page: 1, id: 'a', type, ...more })

describe('facts', () => {
  const table = { cell: '4', up: '2', left: 'c', top_heading: 'b', left_heading: 'c' }
  const page =
    '# Clocks\n\nA *small* clock — “old”.\n\n| a | b |\n|---|---|\n| x | 2 |\n| c | 4 |\n\nThe end: $x^{2}+1$ holds.'
  for (const [type, more, expected, why] of [
    ['present', { text: 'A small clock - "old".' }, true, 'emphasis, dashes and quotes do not count'],
    ['present', { text: 'A small cluck - "old".' }, false, 'a letter is wrong'],
    ['present', { text: 'A small cluck - "old".', max_diffs: 2 }, true, 'a letter may be wrong'],
    ['present', { text: 'a SMALL clock' }, false, 'case counts'],
    ['present', { text: 'a SMALL clock', case_sensitive: false }, true, 'case does not count'],
    ['present', { text: 'The end', first_n: 20 }, false, 'it is not among the first characters'],
    ['present', { text: 'The end', last_n: 30 }, true, 'it is among the last characters'],
    ['absent', { text: 'Page 7' }, true, 'it is not there'],
    ['absent', { text: 'Clocks' }, false, 'it is there'],
    ['absent', { text: 'Clocks', last_n: 30 }, true, 'it is not among the last characters'],
    ['order', { before: 'small clock', after: 'The end' }, true, 'it comes before'],
    ['order', { before: 'The end', after: 'small clock' }, false, 'it comes after'],
    ['order', { before: 'small clack', after: 'The end', max_diffs: 1 }, true, 'a letter may be wrong'],
    ['order', { before: 'small clack', after: 'The end' }, false, 'it is not there'],
    ['table', table, true, 'all neighbours are right'],
    ['table', { ...table, up: '3' }, false, 'the cell above is another'],
    ['table', { cell: '5' }, false, 'no cell holds it'],
    ['math', { math: 'x^{2} + 1' }, true, 'the formula is there, spaced otherwise'],
    ['math', { math: 'x^2' }, true, 'it is a part of one that is there'],
    ['math', { math: 'x_2' }, false, 'it is another'],
    ['math', { math: 'x^{2} + 1', ignore_dollar_delimited: true }, false, 'dollars are not looked at'],
    ['baseline', {}, true, 'there is text'],
    ['baseline', { max_length: 10 }, false, 'the page should be blank'],
  ] as const)
    it(`${expected ? 'are borne out' : 'are not'}: ${type}, ${why}`, () => {
      assert.equal(judge(fact(type, more), page).passed, expected)
    })

  it('say what came nearest', () => {
    const verdict = judge(fact('present', { text: 'A small cluck' }), page)
    assert.ok(!verdict.passed)
    assert.equal(verdict.nearest, 'A small clock')
  })

  it('are read line by line, and what cannot be judged is named', () => {
    const line = (more: object) => JSON.stringify({ pdf: 'a.pdf', page: 1, id: 'a', ...more })
    const lines = [
      line({ type: 'present', text: 'a', max_diffs: null, first_n: null }),
      line({ type: 'footnote', marker: '1' }),
      line({ type: 'order', before: 'abc', after: 'abc', max_diffs: 2 }),
      line({ type: 'math', math: String.raw`\frac{1` }),
      '{',
      '',
    ]
    const { facts, refused } = readFacts(lines.join('\n'))
    assert.equal(facts.length, 1)
    assert.deepEqual(
      refused.map(({ line: number }) => number),
      [2, 3, 4, 5],
    )
    assert.match(refused[0]?.why ?? '', /"footnote" are not judged/)
    assert.match(refused[1]?.why ?? '', /more than half/)
  })
})

describe('baseline facts', () => {
  const judged = (text: string, more: object = {}) => judge(fact('baseline', more), text).passed
  it('fail for nothing, for a loop and for characters of other scripts', () => {
    assert.deepEqual(
      [
        judged('| — |'),
        judged(`a word${' no'.repeat(40)}`),
        judged('a word 世'),
        judged('a word 😀'),
        judged('A word.'),
      ],
      [false, false, false, false, true],
    )
    assert.equal(judged('世界', { check_disallowed_characters: false }), true)
  })

  it('count letters of a page that should be blank, without its pictures where they say so', () => {
    assert.equal(judged('![a long text](x.png)', { max_length: 3 }), false)
    assert.equal(judged('![a long text](x.png)', { max_length: 3, max_length_skips_image_alt_tags: true }), true)
  })

  // From the tests of olmocr/repeatdetect.py.
  for (const [text, expected] of [
    ['a', [1, 0, 0, 0, 0]],
    ['abab', [1, 2, 1, 1, 0]],
    ['aabaabaa', [2, 1, 2, 1, 1]],
    ['a'.repeat(10_000), [10_000, 5000, 3333, 2500, 2000]],
    ['abcabcabcabc', [1, 1, 4, 1, 1]],
    ['', [0, 0, 0, 0, 0]],
  ] as const)
    it(`count repetitions at the end of "${text.slice(0, 12)}"`, () => assert.deepEqual(repeatsAtEnd(text), expected))
})

describe('normalized text', () => {
  for (const [text, expected] of [
    ['**a** __b__ *c* _d_', 'a b c d'],
    ['a<br>b<br/>c <b>d</b>', 'a b c d'],
    ['**a\n\nb**', 'a b'],
    ['a \n\t\u00a0b', 'a b'],
    ['e\u0301 ‘’“”–—\u00b5', 'é \'\'""--μ'],
  ] as const)
    it(`of ${JSON.stringify(text)} is ${JSON.stringify(expected)}`, () => assert.equal(normalizeText(text), expected))
})
