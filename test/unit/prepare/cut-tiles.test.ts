import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SKRSContext2D } from '@napi-rs/canvas'
import type { Bitmap } from '../../../gateway/prepare/bitmap.ts'
import { cutTiles } from '../../../gateway/prepare/cut-tiles.ts'
import { planTiles } from '../../../gateway/prepare/tile.ts'
import { addNoise, drawPage } from '../../fixtures/printed-page.ts'
import { english } from '../../fixtures/prose.ts'

const budget = { longestEdge: 1540, maxPixels: 1540 * 1540 }
const words = english.split(' ')
const sentence = (line: number, length: number) =>
  Array.from({ length }, (_, index) => words[(line * 7 + index) % words.length]).join(' ')

const tilesOf = (page: Bitmap, isDrawn = true) => {
  const plan = planTiles({ width: page.width, height: page.height, unit: 'px' }, budget)
  assert.ok(plan !== null)
  return cutTiles(page, plan, isDrawn)
}

function drawLarge(width: number, height: number, draw: (context: SKRSContext2D) => void): Bitmap {
  return drawPage(
    (context) => {
      context.font = '26px "Test Sans"'
      draw(context)
    },
    { width, height },
  )
}

const lines = (context: SKRSContext2D, text: (line: number) => string, { left = 60, top = 60, count = 110 } = {}) => {
  for (let line = 0; line < count; line++) context.fillText(text(line), left, top + line * 38)
}

/** Adds up how dark a picture is; the paper around it adds nothing. */
const darkness = ({ pixels }: Bitmap): number => pixels.reduce((sum, value) => sum + (255 - value), 0)

const pages: readonly { name: string; page: Bitmap }[] = [
  { name: 'a list', page: drawLarge(700, 4300, (context) => lines(context, (line) => sentence(line, 6))) },
  {
    name: 'a list that is skewed',
    page: drawLarge(1000, 4400, (context) => {
      context.rotate(0.02)
      lines(context, (line) => sentence(line, 8), { left: 130 })
    }),
  },
  {
    name: 'columns whose lines are not level with each other',
    page: drawLarge(1300, 4400, (context) => {
      for (const [index, left] of [60, 500, 940].entries())
        lines(context, (line) => sentence(line + index * 31, 3), { left, top: 60 + index * 13 })
    }),
  },
  {
    name: 'a table with rules between its columns',
    page: drawLarge(900, 4300, (context) => {
      lines(context, (line) => `${line} pieces`)
      lines(context, (line) => sentence(line, 3), { left: 430 })
      for (const x of [30, 400, 860]) context.fillRect(x, 20, 2, 4260)
    }),
  },
]

describe('cutting a page into tiles', () => {
  for (const { name, page } of pages)
    it(`shows each line in one tile, and all of it: ${name}`, () => {
      const tiles = tilesOf(page)
      assert.ok(tiles.length > 2)
      assert.deepEqual(
        tiles.slice(1).map((row) => row.map(({ above }) => above?.kind)),
        tiles.slice(1).map((row) => row.map(() => 'gap')),
      )
      const [whole, cut] = [darkness(page), tiles.flat().reduce((sum, { bitmap }) => sum + darkness(bitmap), 0)]
      // Rules go on over the paper that stands in for what a neighbour shows.
      assert.ok(cut >= whole && cut <= 1.01 * whole, `${cut / whole}`)
      for (const { bitmap } of tiles.flat()) assert.ok(Math.max(bitmap.width, bitmap.height) <= 1540)
    })

  it('cuts between columns, and one line between words', () => {
    const columns = drawLarge(4400, 1000, (context) => {
      for (let left = 60; left < 4300; left += 140) lines(context, (line) => String(line * left), { left, count: 24 })
    })
    const line = drawLarge(4400, 60, (context) => context.fillText(sentence(0, 90), 20, 40))
    for (const page of [columns, line]) {
      const tiles = tilesOf(page).flat()
      assert.ok(tiles.slice(1).every(({ left }) => left?.kind === 'gap'))
      const sum = tiles.reduce((total, { bitmap }) => total + darkness(bitmap), 0)
      assert.ok(Math.abs(sum / darkness(page) - 1) < 0.001)
    }
  })

  it('overlaps where no paper goes through', () => {
    const wide = drawLarge(3600, 1000, (context) => lines(context, (line) => sentence(line, 60), { count: 24 }))
    const dense = drawLarge(900, 4300, (context) => {
      for (let line = 0; line < 300; line++) context.fillText(sentence(line, 8), 60, 60 + line * 14)
    })
    assert.ok(
      tilesOf(wide)
        .flat()
        .slice(1)
        .every(({ left }) => left?.kind === 'overlap'),
    )
    for (const [tile] of tilesOf(dense).slice(1)) {
      assert.equal(tile?.above?.kind, 'overlap')
      assert.ok(tile.above.share > 0.08 && tile.above.share < 0.1)
    }
  })

  it('sees which of the lines at a cut look the same, and where a paragraph ends', () => {
    const paragraphs = drawLarge(700, 4300, (context) => {
      for (let line = 0; line < 105; line++)
        context.fillText(
          line % 3 === 0 ? 'Milk 1.09' : `Bread ${line} 2.19`,
          60,
          60 + line * 38 + Math.floor(line / 3) * 4,
        )
    })
    for (const [tile] of tilesOf(paragraphs).slice(1)) {
      const { above, below } = tile!.above!.looks!
      const all = [...above.toReversed(), ...below]
      assert.ok(all.length > 8)
      // Every third line is the same, and no other.
      const same = all.filter((number) => all.indexOf(number) !== all.lastIndexOf(number))
      assert.equal(new Set(same).size, 1)
      assert.ok(Math.abs(same.length - all.length / 3) <= 1)
    }
  })

  it('does not say that lines differ which may be the same at another place', () => {
    const indented = drawLarge(700, 4300, (context) => {
      for (let line = 0; line < 110; line++) context.fillText('Milk 1.09', 60 + line / 3, 60 + line * 38)
    })
    const looks = tilesOf(indented)
      .slice(1)
      .map(([tile]) => tile?.above?.looks)
    assert.deepEqual(looks, [null, null])
  })

  it('does not say of a scan that its lines look the same, or differ by a digit', () => {
    const page = drawLarge(700, 4300, (context) => lines(context, (line) => `Milk 1.0${line % 10}`))
    for (const [tile] of tilesOf(addNoise(page, 5), false).slice(1)) assert.equal(tile?.above?.looks, null)
  })
})
