import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Seam } from '../../../../gateway/page/page.ts'
import { joinTiles } from '../../../../gateway/read/tiles/join-tiles.ts'
import type { TileText } from '../../../../gateway/read/tiles/join-tiles.ts'

const table = (rows: string) => `<table>${rows}</table>`
const row = (...cells: string[]) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`

const cases: readonly { name: string; rows: readonly (readonly string[])[]; text: string }[] = [
  { name: 'one tile', rows: [['As it is.\n']], text: 'As it is.\n' },
  { name: 'tiles without text', rows: [[''], ['Only this.'], ['']], text: 'Only this.' },
  {
    name: 'lines that both tiles read',
    rows: [
      ['One two three four.\nFive six seven eight.\nNine ten eleven.'],
      ['Five six seven eight.\nNine ten eleven.\nTwelve.'],
    ],
    text: 'One two three four.\nFive six seven eight.\nNine ten eleven.\nTwelve.',
  },
  {
    name: 'a paragraph on one line',
    rows: [
      ['It began in the morning and went on until noon came'],
      ['went on until noon came and everybody left for home.'],
    ],
    text: 'It began in the morning and went on until noon came and everybody left for home.',
  },
  {
    name: 'letters that were read differently',
    rows: [
      ['The harbour master noted eleven vessels at anchor'],
      ['harb0ur master noted eleven vesse1s at anchor before the storm.'],
    ],
    text: 'The harbour master noted eleven vesse1s at anchor before the storm.',
  },
  {
    name: 'a line that the edge cut through',
    rows: [
      ['First whole line here.\nSecond whole line here.\nThlrd wholc linc'],
      ['Flrst wholc hcre.\nSecond whole line here.\nThird whole line here.'],
    ],
    text: 'First whole line here.\nSecond whole line here.\nThird whole line here.',
  },
  {
    name: 'words that only one tile read',
    rows: [['Alpha beta gamma delta epsilon footnote'], ['marginal gamma delta epsilon zeta eta']],
    text: 'Alpha beta\nmarginal gamma delta epsilon footnote zeta eta',
  },
  {
    name: 'Chinese',
    rows: [['第一章总则。本条例适用于全市范围内的公共场所。'], ['适用于全市范围内的公共场所。第二条规定如下。']],
    text: '第一章总则。本条例适用于全市范围内的公共场所。第二条规定如下。',
  },
  {
    name: 'a Markdown table whose rows run on',
    rows: [
      ['| a | b |\n| --- | --- |\n| two hundred | 2,000 |\n| three hundred | 3,000 |'],
      ['| two hundred | 2,000 |\n| --- | --- |\n| three hundred | 3,000 |\n| four | 4,000 |'],
    ],
    text: '| a | b |\n| --- | --- |\n| two hundred | 2,000 |\n| three hundred | 3,000 |\n| four | 4,000 |',
  },
  {
    name: 'an HTML table whose rows run on',
    rows: [
      [table(row('one', '1') + row('two hundred', '200') + row('three hundred', '300'))],
      [table(row('two hundred', '200') + row('three hundred', '300') + row('four', '4'))],
    ],
    text: table(row('one', '1') + row('two hundred', '200') + row('three hundred', '300') + row('four', '4')),
  },
  {
    name: 'texts with nothing in common',
    rows: [['Alpha beta.'], ['Gamma delta.']],
    text: 'Alpha beta.\n\nGamma delta.',
  },
  {
    name: 'texts that share one small word',
    rows: [['This is the end of the'], ['The beginning of it']],
    text: 'This is the end of the\n\nThe beginning of it',
  },
  {
    name: 'lines cut from top to bottom',
    rows: [
      [
        'The quick brown fox jum\nPack my box with five doz\nSphinx of black quart',
        'fox jumps over the lazy dog\nfive dozen liquor jugs\nblack quartz, judge my vow',
      ],
    ],
    text: 'The quick brown fox jumps over the lazy dog\nPack my box with five dozen liquor jugs\nSphinx of black quartz, judge my vow',
  },
  {
    name: 'columns that stand beside each other',
    rows: [['left column one\nleft column two', 'right column A\nright column B']],
    text: 'left column one\nleft column two\n\nright column A\nright column B',
  },
  {
    name: 'a grid',
    rows: [
      ['alpha bravo charlie del\necho foxtrot golf hotel', 'charlie delta india\ngolf hotel juliett'],
      ['echo foxtrot golf hotel\nkilo lima mike novem', 'golf hotel juliett\nmike november oscar'],
    ],
    text: 'alpha bravo charlie delta india\necho foxtrot golf hotel juliett\nkilo lima mike november oscar',
  },
]

/** Tiles that all overlap by a share. */
const overlapping = (rows: readonly (readonly string[])[], share: number): TileText[][] => {
  const seam: Seam = { kind: 'overlap', share, isWide: false, looks: null }
  return rows.map((row, index) =>
    row.map((text, column) => ({ text, above: index === 0 ? null : seam, left: column === 0 ? null : seam })),
  )
}

describe('joining tiles that overlap', () => {
  for (const { name, rows, text } of cases)
    it(`keeps once what was read twice: ${name}`, () => assert.equal(joinTiles(overlapping(rows, 0.5)), text))

  it('loses no word of a long text, wherever it was cut', () => {
    const words = Array.from({ length: 400 }, (_, index) => `word${(index * 7919) % 1000}x${index}`)
    for (const cut of [120, 200, 301]) {
      const joined = joinTiles(
        overlapping([[words.slice(0, cut + 15).join(' ')], [words.slice(cut - 15).join(' ')]], 0.15),
      )
      assert.deepEqual(joined.split(/\s+/), words)
    }
  })
})
