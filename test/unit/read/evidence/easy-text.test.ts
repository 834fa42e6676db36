import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TextLine } from '../../../../gateway/page/text-line.ts'
import { easyText } from '../../../../gateway/read/evidence/easy-text.ts'
import { englishLines } from '../../../fixtures/prose.ts'

/** Lines of a column, one below the other. */
function column(texts: readonly (string | Partial<TextLine>)[]): TextLine[] {
  let baseline = 800
  return texts.map((given) => {
    const part = typeof given === 'string' ? { text: given } : given
    const { size = 10, left = 50, right = 500, text = '' } = part
    baseline = part.baseline ?? baseline - 1.4 * size
    return { text, left, right, size, baseline, top: baseline + 0.7 * size, bottom: baseline - 0.2 * size }
  })
}

const prose = englishLines.slice(0, 8).map((line) => line.trim())

describe('the text of a page of plain print', () => {
  it('has its lines joined to a paragraph', () => {
    assert.equal(easyText(column(prose)), prose.join(' '))
  })

  it('has paragraphs apart: after a gap, at an indent, after a short last line', () => {
    const [a = '', b = '', c = '', d = '', ...rest] = prose
    const gap = column([a, b, { text: c, baseline: 740 }, d, ...rest])
    assert.equal(easyText(gap), `${a} ${b}\n\n${[c, d, ...rest].join(' ')}`)
    const indented = column([a, b, { text: c, left: 65 }, d, ...rest])
    assert.equal(easyText(indented), `${a} ${b}\n\n${[c, d, ...rest].join(' ')}`)
    const short = column([a, { text: 'and it ends here in the end.', right: 200 }, c, d, ...rest])
    assert.equal(easyText(short), `${a} and it ends here in the end.\n\n${[c, d, ...rest].join(' ')}`)
  })

  it('has larger lines as headings, by their size', () => {
    const text = easyText(
      column([{ text: 'The gauge', size: 18 }, ...prose, { text: 'Its pen, its drum', size: 14 }, ...prose]),
    )
    assert.equal(text, `# The gauge\n\n${prose.join(' ')}\n\n## Its pen, its drum\n\n${prose.join(' ')}`)
  })

  it('has the items of a list below each other', () => {
    const text = easyText(
      column([...prose, '• oil it in the spring', '• wind it on a Monday', '1. then write it down']),
    )
    assert.equal(text, `${prose.join(' ')}\n\n- oil it in the spring\n- wind it on a Monday\n1. then write it down`)
  })

  it('has divided words whole, and keeps hyphens that are not of a line', () => {
    const [first = '', ...rest] = prose
    const text = easyText(column([`${first} meas\u00AD`, `ured north-`, `west of it all today`, ...rest]))
    assert.match(text ?? '', / measured north-west of it/)
  })

  it('has verses in lines of their own', () => {
    const verses = ['Hear me, sons and daughters', 'Remember my teachings now', 'Remember the ways of old']
    const text = easyText(column([...prose, { text: verses[0]!, baseline: 640 }, ...verses.slice(1)]))
    assert.equal(text, `${prose.join(' ')}\n\n${verses.join('\n')}`)
  })

  it('has Chinese lines joined without a space', () => {
    const line = '北边码头的潮位站建于一百年前至今仍由专人看守每天早晨管理员打开小门'
    assert.equal(easyText(column([line, line, line])), line.repeat(3))
  })

  it('has what Markdown would take for markup escaped', () => {
    assert.match(easyText(column([...prose, '# of *items* in a list'])) ?? '', /\\\*items\\\*/)
  })

  const rows: { name: string; lines: TextLine[] }[] = [
    { name: 'nothing', lines: [] },
    { name: 'a few words', lines: column(prose.slice(0, 2)) },
    { name: 'labels', lines: column([...prose, ...Array.from({ length: 20 }, (_, n) => `Field ${n}:`)]) },
    { name: 'a receipt', lines: column(Array.from({ length: 30 }, (_, n) => `ITEM${n} bolt M8 of stainless steel`)) },
    {
      name: 'a program',
      lines: column([...prose, 'let it be done at once;', 'if it is so then {', 'do it all again; }']),
    },
  ]
  for (const { name, lines } of rows)
    it(`is none for ${name}`, () => {
      assert.equal(easyText(lines), null)
    })
})
