import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findDifferences } from '../../../../gateway/read/evidence/differences.ts'

const listed = (ours: string, theirs: string) =>
  findDifferences(ours, theirs).listed.map(({ kind, ours: own, theirs: other }) => [kind, own, other])

describe('how two readings differ', () => {
  const rows: { name: string; ours: string; theirs: string; found: string[][] }[] = [
    { name: 'not at all', ours: 'The same text.', theirs: 'The same text.', found: [] },
    { name: 'by markup alone', ours: '# The **same**\n\ntext', theirs: '<h1>The same</h1> text', found: [] },
    { name: 'by case, accents and marks alone', ours: 'The Same, café!', theirs: 'the same café', found: [] },
    { name: 'by thousands alone', ours: 'of 1,250 and 12’500', theirs: 'of 1250 and 12500', found: [] },
    {
      name: 'in a digit',
      ours: 'a total of 1250 euros',
      theirs: 'a total of 1260 euros',
      found: [['number', '1250', '1260']],
    },
    {
      name: 'in a decimal mark',
      ours: 'of 12.50 euros',
      theirs: 'of 1250 euros',
      found: [['number', '12.50', '1250']],
    },
    { name: 'in a sign', ours: 'of -5 degrees', theirs: 'of 5 degrees', found: [['number', '-5', '5']] },
    {
      name: 'in a word',
      ours: 'the tide gauge here',
      theirs: 'the tide gouge here',
      found: [['text', 'gauge', 'gouge']],
    },
    {
      name: 'by a line that is missing',
      ours: 'first last',
      theirs: 'first second one last',
      found: [['missing', '', 'second one']],
    },
    { name: 'by a line too many', ours: 'first second last', theirs: 'first last', found: [['extra', 'second', '']] },
    {
      name: 'in one character of Chinese',
      ours: '北边码头的潮位站',
      theirs: '北边码头的湖位站',
      found: [['text', '潮', '湖']],
    },
    { name: 'with numbers first', ours: 'one gauge and 7 more', theirs: 'one gouge and 1 more', found: [['number', '7', '1'], ['text', 'gauge', 'gouge']] }, // prettier-ignore
  ]
  for (const { name, ours, theirs, found } of rows)
    it(name, () => {
      assert.deepEqual(listed(ours, theirs), found)
    })

  it('is told as a share: of nothing, of all, and of half', () => {
    assert.equal(findDifferences('a b', 'c d').agreement, 0)
    assert.equal(findDifferences('', '').agreement, 1)
    assert.equal(findDifferences('a b', 'b c').agreement, 0.5)
    assert.equal(findDifferences('a b', 'b a').agreement, 1)
  })

  it('is bounded: twenty places, two hundred characters each', () => {
    const ours = Array.from({ length: 100 }, (_, n) => `same${n} ${n}`).join(' ')
    const theirs = Array.from({ length: 100 }, (_, n) => `same${n} ${n + 1000}`).join(' ')
    const { listed: shown, count } = findDifferences(ours, theirs)
    assert.deepEqual([shown.length, count], [20, 100])
    const long = findDifferences('a '.repeat(1000), '')
    assert.ok(long.listed.every(({ ours: own }) => own.length === 200 && own.endsWith('…')))
  })

  const MEGABYTE = 1024 * 1024
  const hostile: [string, string, string][] = [
    ['the same word over and over', 'a '.repeat(MEGABYTE / 2), 'b a '.repeat(MEGABYTE / 4)],
    ['no word twice', words(200_000, 7), words(200_000, 11)],
    ['all words in the other order', words(150_000, 1), words(150_000, 1).split(' ').toReversed().join(' ')],
    ['one endless word', 'x'.repeat(MEGABYTE), 'y'.repeat(MEGABYTE)],
    ['open tags', '<a'.repeat(MEGABYTE / 2), '![a'.repeat(MEGABYTE / 3)],
    ['a few words in any order', '1 2 3 2 1 3 '.repeat(MEGABYTE / 12), '3 2 1 1 2 3 '.repeat(MEGABYTE / 12)],
  ]
  for (const [name, ours, theirs] of hostile)
    it(`is found in a moment: ${name}`, () => {
      const started = performance.now()
      findDifferences(ours, theirs)
      // Several times what it takes, for slow machines.
      assert.ok(performance.now() - started < 500, `${performance.now() - started} ms`)
    })
})

function words(count: number, step: number): string {
  return Array.from({ length: count }, (_, n) => ((n * step) % 1_000_003).toString(36)).join(' ')
}
