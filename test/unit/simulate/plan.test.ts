import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { busiestHours, dayCurve, defaults, gatewayGigabytes, plan } from '../../simulate/plan.ts'
import { simulate } from '../../simulate/simulator.ts'

describe('the plan for a flow of pages', () => {
  it('is what the arithmetic of docs/operating/sizing.md says', () => {
    const { peakPagesPerSecond, gpus, gateways, redisGigabytes } = plan({ ...defaults, pagesPerDay: 8.64e6, peak: 2 })
    assert.equal(peakPagesPerSecond, 200)
    assert.equal(gpus, Math.ceil((200 * 1.03) / (5.71 * 0.8)) + 1)
    assert.equal(gateways, Math.ceil((200 * 0.09) / 0.6 / 8) + 1)
    assert.equal(redisGigabytes, 35)
  })

  it('needs nothing for pages that the cache knows', () => {
    const half = plan({ ...defaults, pagesPerDay: 20e6, knownShare: 0.5 })
    assert.equal(half.gpus, plan({ ...defaults, pagesPerDay: 10e6 }).gpus)
  })

  it('is what the table of docs/operating/sizing.md was made from', () => {
    const page = readFileSync(new URL('../../../docs/operating/sizing.md', import.meta.url), 'utf8')
    for (const [name, pagesPerDay, peak] of [
      ['1 million, in office hours', 1e6, 2.2],
      ['1 million, all day long', 1e6, 1],
      ['10 million, in office hours', 10e6, 2.2],
      ['10 million, all day long', 10e6, 1],
    ] as const) {
      // prettier-ignore
      const cells = page.split('\n').find((line) => line.startsWith(`| ${name}`))?.split('|').map((cell) => cell.trim()) // prettier-ignore
      const { peakPagesPerSecond, gpus, gateways, redisGigabytes } = plan({ ...defaults, pagesPerDay, peak })
      assert.deepEqual(
        [cells?.[2], cells?.[3], cells?.[4], cells?.[6]],
        [peakPagesPerSecond.toFixed(0), String(gpus), `${gateways} × 8`, `${redisGigabytes} GB`],
        'run `npm run simulate -- --write`',
      )
    }
    for (const cores of [2, 4, 8, 16]) assert.match(page, new RegExp(`^\\| +${cores} \\| +${gatewayGigabytes(cores)} GB `, 'm')) // prettier-ignore
  })

  for (const peak of [1, 1.5, 2.2, 5])
    it(`has a day of as many pages as it should, whose busiest moment is ${peak} times the mean`, () => {
      const curve = dayCurve(peak)
      const minutes = Array.from({ length: 1440 }, (_, minute) => curve((minute - 720) * 60))
      assert.ok(Math.abs(minutes.reduce((sum, each) => sum + each) / 1440 - 1) < 1e-6)
      assert.ok(Math.abs(Math.max(...minutes) - peak) < 1e-3)
      assert.equal(Math.max(...minutes), curve(0))
    })

  it('reads what comes at the busiest moment, with one GPU and one gateway less', () => {
    const figures = { ...defaults, pagesPerDay: 300_000 }
    const { gpus, gateways } = plan(figures)
    const { engineLoad, documents, singleSeconds } = simulate(busiestHours(figures, gpus - 1, gateways - 1))
    assert.ok(documents > 1000 && engineLoad > 0.5 && engineLoad < 0.9, `${engineLoad}`)
    // Hardly more than what the GPU itself takes for a page beside others.
    assert.ok(singleSeconds.quantile(0.5) < 10, `${singleSeconds.quantile(0.5)}`)
  })
})
