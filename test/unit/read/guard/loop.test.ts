import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { estimateTokens } from '../../../../gateway/read/guard/estimate-tokens.ts'
import { watchForLoop } from '../../../../gateway/read/guard/loop.ts'
import type { Loop, LoopMeasure } from '../../../../gateway/read/guard/loop.ts'

/** A tenth of what LightOnOCR may write for one page: 12,288 tokens. */
const TENTH = 1200

const PAGE =
  'Annual report\n\nThe year under review was shaped by two events. In spring the harbour was closed for eleven weeks, ' +
  'and in autumn the new line was opened. Both are told below, with their figures, as the assembly has asked for.\n\n'

/** Streams a text as an engine does, and returns the loop with what had been said when it was found. */
function stream(text: string, measure: LoopMeasure = 'strict'): { loop: Loop | null; said: string } {
  const watch = watchForLoop(measure)
  for (let end = 7; end < text.length + 7; end += 7) {
    const loop = watch.see(text.slice(0, end))
    if (loop !== null) return { loop, said: text.slice(0, end) }
  }
  return { loop: null, said: text }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)
const lines = (count: number, line: (number: number) => string): string => numbers(count).map(line).join('\n')

describe('a loop', () => {
  const paragraph =
    'The committee has considered the proposal at its meeting of the third of March and found that the conditions of ' +
    'the second section are met, as far as they apply to the applicant, who has brought forward nothing new since. '
  const loops: readonly { name: string; piece: string }[] = [
    { name: 'one letter', piece: 'a' },
    { name: 'dots', piece: '.' },
    { name: 'dots with spaces', piece: '. ' },
    { name: 'spaces', piece: ' ' },
    { name: 'line ends', piece: '\n' },
    { name: 'zeros', piece: '0' },
    { name: 'a word', piece: 'the ' },
    { name: 'a sentence', piece: 'The image shows a page of text. ' },
    { name: 'a line', piece: '- Payment of the second instalment\n' },
    { name: 'a paragraph', piece: paragraph },
    { name: 'two paragraphs in turn', piece: `${paragraph}\n\n${paragraph.toUpperCase()}\n\n` },
    { name: 'empty cells', piece: '<td></td>' },
    { name: 'cells with a space', piece: '<td> </td>' },
    { name: 'table rows of words', piece: '<tr><td>Total</td><td>0.00</td><td>EUR</td></tr>\n' },
    { name: 'table rows in Markdown', piece: '| Total | 0.00 | EUR |\n' },
    { name: 'empty rows in Markdown', piece: '| | | | |\n' },
    { name: 'Chinese words', piece: '中华' },
    { name: 'a Chinese sentence', piece: '本公司董事会及全体董事保证本公告内容不存在任何虚假记载。' },
    { name: 'Japanese', piece: 'これはテストです。' },
    { name: 'Russian', piece: 'Настоящим подтверждается. ' },
    { name: 'Arabic', piece: 'بسم الله الرحمن الرحيم ' },
    { name: 'LaTeX spaces', piece: '\\quad ' },
    { name: 'LaTeX', piece: '\\frac{a}{b} + ' },
    { name: 'entities', piece: '&nbsp;' },
    { name: 'emoji', piece: '😀' },
    { name: 'numbered lines', piece: 'Figure #: The structure of the network.\n' },
    { name: 'numbered list', piece: '#. See the notes to the accounts\n' },
  ]
  for (const { name, piece } of loops) {
    it(`is found before it has cost a tenth of a page: ${name}`, () => {
      let number = 0
      const text = PAGE + piece.repeat(4000).replaceAll('#', () => String(++number))
      const { loop, said } = stream(text.slice(0, 60_000))
      assert.ok(loop !== null, 'no loop was found')
      // The numbered ones take their 120 lines: no page has so many, and until then it could be a list.
      const limit = piece.includes('#') ? 2 * TENTH : TENTH
      const cost = estimateTokens(said.slice(PAGE.length))
      assert.ok(cost < limit, `it cost ${Math.round(cost)} tokens`)
      const kept = said.slice(0, loop.start)
      assert.ok(kept.length <= PAGE.length + 2 * piece.length, `${kept.length} characters are kept`)
      if (!piece.includes('#')) assert.ok(PAGE.startsWith(kept) || kept.startsWith(PAGE), 'the page is kept')
    })
  }

  it('of words is found on the last attempt too, before it has cost a tenth', () => {
    const { loop, said } = stream(PAGE + 'The same line again and again.\n'.repeat(500), 'lenient')
    assert.ok(loop !== null)
    assert.ok(estimateTokens(said) < TENTH, `it cost ${Math.round(estimateTokens(said))} tokens`)
  })

  it('is found wherever the deltas are cut', () => {
    const text = PAGE + '| Total | 0.00 | EUR |\n'.repeat(400)
    const watch = watchForLoop('strict')
    assert.ok(watch.see(text) !== null, 'all at once')
    for (const cut of [1, 5, 11, 22]) assert.ok(watchForLoop('strict').see(text.slice(0, -cut)) !== null, `cut ${cut}`)
  })
})

describe('a page that really repeats itself', () => {
  const pages: readonly { name: string; text: string }[] = [
    { name: 'prose', text: PAGE.repeat(2) },
    {
      name: 'a table of contents with dot leaders',
      text: lines(60, (n) => `${n}.${n % 7} Chapter ${'.'.repeat(90)} ${n * 3}`),
    },
    { name: 'a table of contents with spaced dots', text: lines(60, (n) => `Chapter ${'. '.repeat(45)} ${n * 3}`) },
    { name: 'one very long dotted line', text: `Signature ${'.'.repeat(400)}` },
    { name: 'a form of ruled lines', text: `Notes\n${lines(40, () => '_'.repeat(80))}\nDate` },
    { name: 'a rule of a wide table', text: `| ${'h | '.repeat(40)}\n|${'---|'.repeat(40)}\n| ${'1 | '.repeat(40)}` },
    { name: 'a table with long rules', text: lines(30, (n) => `+${'-'.repeat(30)}+${'-'.repeat(30)}+\n| row ${n} |`) },
    { name: 'a numbered list', text: lines(100, (n) => `${n}. ____________`) },
    { name: 'numbered lines of a pleading', text: lines(28, (n) => `${n}`) },
    { name: 'a list of equal items', text: lines(40, () => '- [ ] Done') },
    { name: 'questions with equal answers', text: lines(45, (n) => `${n}. ☐ Yes ☐ No ☐ Not applicable`) },
    { name: 'a matrix of zeros', text: `\\begin{pmatrix}\n${lines(16, () => '0 & 0 & 0 & 0 & 0 & 0 & 0 & 0 \\\\')}` },
    { name: 'aligned equations', text: lines(30, (n) => `&= x_{${n}} + y_{${n}} & &= z_{${n}} \\\\`) },
    { name: 'an array of many columns', text: `\\begin{array}{${'c'.repeat(60)}}\n${'& '.repeat(59)}\\\\` },
    { name: 'LaTeX spaces', text: `$a ${'\\quad '.repeat(12)} b$` },
    { name: 'rows of equal values', text: lines(40, () => '0,0,0,0,0,0') },
    { name: 'cells of equal values', text: lines(12, (n) => `<tr><td>${n}</td>${'<td>0</td>'.repeat(12)}</tr>`) },
    { name: 'a bank statement', text: lines(60, (n) => `| 2026-01-${n} | CARD PAYMENT | ${n * 7}.30 | EUR |`) },
    { name: 'not applicable in every row', text: lines(50, (n) => `| ${n} | N/A | N/A | N/A | N/A |`) },
    { name: 'a blank form', text: lines(25, () => `<tr>${'<td></td>'.repeat(6)}</tr>`) },
    { name: 'a blank form in Markdown', text: lines(40, () => '| | | | | | | |') },
    { name: 'an attendance sheet', text: lines(30, (n) => `<tr><td>${n}</td>${'<td></td>'.repeat(31)}</tr>`) },
    { name: 'a refrain', text: 'Na na na na na na na, hey Jude\n'.repeat(16) },
    { name: 'address labels', text: 'Jane Doe\n12 Mill Lane\nOxford\n\n'.repeat(30) },
    { name: 'lines to copy at school', text: 'I will not talk in class.\n'.repeat(40) },
    { name: 'a seating plan', text: lines(100, (n) => `Seat ${n}`) },
    { name: 'a Chinese form', text: lines(20, () => '姓名：________ 日期：________') },
    { name: 'digits of a number', text: lines(200, (n) => String(Math.sqrt(n)).slice(2)).replaceAll('\n', '') },
    { name: 'a table of numbers', text: lines(50, (n) => numbers(20).map((m) => (n * m) % 97).join(' ')) }, // prettier-ignore
  ]
  for (const { name, text } of pages) {
    it(`is no loop: ${name}`, () => {
      const { loop, said } = stream(PAGE + text + '\n\nEnd of the page.')
      assert.equal(loop, null, `${said.length} characters: ${JSON.stringify(loop)}`)
    })
  }

  it('is no loop on the last attempt: a blank grid of 40 rows and 12 columns', () => {
    const grid = `<table>\n${lines(40, () => `<tr>${'<td></td>'.repeat(12)}</tr>`)}\n</table>`
    assert.notEqual(stream(PAGE + grid).loop, null)
    assert.equal(stream(PAGE + grid, 'lenient').loop, null)
  })
})

describe('looking for loops', () => {
  it('takes little time on the longest page', () => {
    const words = numbers(15_000).map((n) => `w${(n * 7919) % 10_007}`)
    const watch = watchForLoop('strict')
    let text = ''
    const startedAt = performance.now()
    for (const word of words) {
      text += ` ${word}`
      assert.equal(watch.see(text), null)
    }
    const milliseconds = performance.now() - startedAt
    assert.ok(milliseconds < 2000, `${Math.round(milliseconds)} ms for ${text.length} characters`)
  })

  it('takes little time on text that nearly repeats itself everywhere', () => {
    // A Fibonacci word has no end of four equal pieces, and of nearly each length one of two.
    let [before, word] = ['a ', 'ab ']
    while (word.length < 30_000) [before, word] = [word, word + before]
    const watch = watchForLoop('strict')
    const startedAt = performance.now()
    for (let end = 100; end < 30_000; end += 100) watch.see(word.slice(0, end))
    const milliseconds = performance.now() - startedAt
    assert.ok(milliseconds < 2000, `${Math.round(milliseconds)} ms`)
  })
})
