import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readBrightness } from '../../gateway/prepare/gray.ts'
import { findInkReduced } from '../../gateway/prepare/ink-mask.ts'
import { isBlank } from '../../gateway/prepare/ink.ts'
import { loadLegibility } from '../../gateway/prepare/legibility.ts'
import { levelPage } from '../../gateway/prepare/level.ts'
import { guessTurn } from '../../gateway/prepare/orientation.ts'
import { measureSkew } from '../../gateway/prepare/skew.ts'
import { findTurn } from '../../gateway/prepare/upright.ts'
import { turn } from '../fixtures/printed-page.ts'
import { drawForEngine } from '../support/draw-for-engine.ts'
import { readCorpus } from './read-corpus.ts'

const SURE = 0.6
const budget = { longestEdge: 1540, maxPixels: 1540 * 1540 }
const skewed = 'public/real/scan-jbig2-rotate90-skewed.pdf'
const draw = (path: string, page = 1) => drawForEngine(readCorpus(path), page)

describe('preparation of real pages', () => {
  // Turned clockwise in steps of a quarter of a degree, the ink in the rows of the first varies most at 2.75.
  for (const { name, path, degrees } of [
    { name: 'a real scan, 2.75° counterclockwise', path: skewed, degrees: -2.75 },
    { name: 'a made scan, 0.7° clockwise', path: 'truth/synthetic/synth-scan-en-letter-table.pdf', degrees: 0.7 },
  ])
    it(`measures the skew of ${name}`, async () => {
      const skew = measureSkew(await draw(path))
      assert.ok(Math.abs(skew.degrees - degrees) <= 0.2 && skew.confidence >= SURE, JSON.stringify(skew))
    })

  it('levels a real scan', async () => {
    const page = await draw(skewed)
    const levelled = await levelPage(page, measureSkew(page).degrees, budget)
    assert.ok(Math.abs(measureSkew(levelled).degrees) < 0.2)
  })

  for (const degrees of [0, 90, 180, 270])
    it(`sees which side of a real scan is up: turned by ${degrees}°`, async () => {
      const page = await turn(await draw('public/real/scan-two-column-paper-1977.pdf'), degrees)
      assert.equal(guessTurn(readBrightness(page)), (360 - degrees) % 360)
    })

  it('puts a Chinese scan upright', async () => {
    const page = await turn(await draw('truth/synthetic/synth-scan-zh-notice-table.pdf'), 180)
    assert.equal(await findTurn(page, await loadLegibility()), 180)
  })

  for (const [page, expected] of [
    [1, false],
    [2, true],
  ] as const)
    it(`tells the empty pages of a real paper from the others: page ${page}`, async () => {
      assert.equal(isBlank(findInkReduced(await draw('public/real/blank-empty-pages-between.pdf', page))), expected)
    })
})
