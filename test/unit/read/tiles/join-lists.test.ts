import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Seam } from '../../../../gateway/page/page.ts'
import { joinTiles } from '../../../../gateway/read/tiles/join-tiles.ts'
import type { TileText } from '../../../../gateway/read/tiles/join-tiles.ts'
import { seededRandom } from '../../../support/seeded-random.ts'
import type { SeededRandom } from '../../../support/seeded-random.ts'

/** Lists of lines that look alike. */
const lists: readonly { name: string; line: (index: number, random: SeededRandom) => string }[] = [
  { name: 'a digit', line: (index) => `ITEM${String(index).padStart(3, '0')} bolt M8 x 40 stainless` },
  { name: 'a digit at the end', line: (index) => `Bolt, stainless, galvanized, number ${index}` },
  { name: 'one word', line: (index) => `one bolt M8 x 40 ${WORDS[index % WORDS.length]} in bags of ten` },
  { name: 'a price, and often in nothing', line: (_, random) => `Milk 1 l, fresh ${random.integer(1, 2)}.09` },
  { name: 'nothing', line: () => 'Milk 1 l, fresh 1.09' },
  {
    name: 'a digit, but for three in a row',
    line: (index) => `ITEM${String(index % 7 < 3 ? 1000 + Math.floor(index / 7) : index)} bolt M8 x 40`,
  },
]

const WORDS =
  'steel brass copper nylon zinc titanium bronze silver carbon rubber leather timber glass marble granite slate cotton linen wool silk amber ivory pewter chrome nickel cobalt tin lead iron gold'.split(
    ' ',
  )

const draw = (name: string, random: SeededRandom): string[] => {
  const { line } = lists.find((list) => list.name === name)!
  return Array.from({ length: random.integer(30, 70) }, (_, index) => line(index, random))
}

const asTiles = (texts: readonly (readonly string[])[], seams: readonly Seam[]): TileText[][] =>
  texts.map((lines, index) => [{ text: lines.join('\n'), above: seams[index - 1] ?? null, left: null }])

const joined = (tiles: TileText[][]): string[] => joinTiles(tiles).split(/\n+/)

/** Cuts a list between its lines, and sees which look the same. */
function cutAtGaps(list: readonly string[], random: SeededRandom): TileText[][] {
  const texts: string[][] = []
  for (let start = 0; start < list.length;) {
    const length = random.integer(8, 20)
    texts.push(list.slice(start, start + length))
    start += length
  }
  const look = (line: string) => list.indexOf(line)
  const seams = texts.slice(1).map((below, index): Seam => {
    const looks = { above: texts[index]!.toReversed().map(look), below: below.map(look) }
    return { kind: 'gap', share: 0.09, isWide: false, looks: random.chance(0.3) ? null : looks }
  })
  return asTiles(texts, seams)
}

/** Cuts a list anywhere: lines at the edges are read badly, or not at all. Tiles are `height` lines high. */
function cutAnywhere(list: readonly string[], height: number, overlap: number, random: SeededRandom): TileText[][] {
  const texts: string[][] = []
  for (let top = -random.next(); ; top += height - overlap) {
    const bottom = top + height
    texts.push(
      list.flatMap((line, index) => {
        const shown = Math.min(index + 1, bottom) - Math.max(index, top)
        return shown < 0.35 ? [] : [shown > 0.98 ? line : garbled(line, random)]
      }),
    )
    if (bottom >= list.length) break
  }
  const seam: Seam = { kind: 'overlap', share: overlap / height, isWide: false, looks: null }
  return asTiles(
    texts,
    texts.slice(1).map(() => seam),
  )
}

function garbled(line: string, random: SeededRandom): string {
  const letters = 'acenorsuvxz013578'.split('')
  return Array.from(line, (letter) => (letter !== ' ' && random.chance(0.12) ? random.pick(letters) : letter)).join('')
}

const count = (lines: readonly string[], wanted: string) => lines.filter((line) => line === wanted).length

describe('a list in tiles', () => {
  for (const { name } of lists) {
    it(`has each line once where it was cut through paper: lines that differ in ${name}`, () => {
      for (let seed = 1; seed <= 200; seed++) {
        const random = seededRandom(seed)
        const list = draw(name, random)
        assert.deepEqual(joined(cutAtGaps(list, random)), list, `seed ${seed}`)
      }
    })

    it(`has each line where the tiles overlap, and none twice that is like no other: lines that differ in ${name}`, () => {
      for (let seed = 1; seed <= 200; seed++) {
        const random = seededRandom(seed)
        const list = draw(name, random)
        const overlap = 2.2 + 2 * random.next()
        const tiles = cutAnywhere(list, random.integer(10, 25), overlap, random)
        const lines = joined(tiles)
        if (new Set(list).size === list.length) assert.deepEqual(lines, list, `seed ${seed}, ${overlap}`)
        // Which of equal lines is which, no text tells: in doubt they are kept.
        const isKept = (line: string) => count(lines, line) >= count(list, line)
        assert.ok(list.every(isKept) && lines.length <= list.length + 2 * tiles.length, `seed ${seed}, ${overlap}`)
      }
    })
  }

  for (const shared of [1, 2, 3, 4])
    it(`has each line once that an engine has read beyond its tile: ${shared} of 12`, () => {
      const list = Array.from({ length: 5 * (12 - shared) + shared }, (_, index) =>
        lists[0]!.line(index, seededRandom(1)),
      )
      const texts = Array.from({ length: 5 }, (_, tile) => list.slice(tile * (12 - shared), tile * (12 - shared) + 12))
      const distinct = Array.from({ length: 12 }, (_, index) => index)
      const same = distinct.map(() => 0)
      const seen = [
        { above: distinct, below: distinct.map((index) => 12 + index) },
        // The page shows lines that are all the same, and two of the text are not.
        ...(shared > 1 ? [{ above: same, below: same }] : []),
      ]
      for (const looks of seen) {
        const seam: Seam = { kind: 'gap', share: 0.091, isWide: false, looks }
        assert.deepEqual(joined(asTiles(texts, [seam, seam, seam, seam])), list)
      }
    })

  for (const lines of [1, 2, 3])
    it(`keeps equal lines that look different on the page, each with a picture of its own: ${lines} below the cut`, () => {
      const texts = [
        ['Item 1', 'Item 2', 'Milk 1.09', 'Milk 1.09'],
        [...Array.from({ length: lines }, () => 'Milk 1.09'), 'Item 3'],
      ]
      const looks = { above: [0, 1, 2, 3], below: [4, 5, 6, 7] }
      assert.deepEqual(joined(asTiles(texts, [{ kind: 'gap', share: 0.5, isWide: false, looks }])), texts.flat())
    })
})
