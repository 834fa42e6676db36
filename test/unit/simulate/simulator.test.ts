import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oneDocument } from '../../simulate/document.ts'
import { createHeap } from '../../simulate/heap.ts'
import { createSpread } from '../../simulate/measures.ts'
import { always, batching, exponential, fixedRate, lognormal, ranges, type Scenario } from '../../simulate/scenario.ts'
import { simulate } from '../../simulate/simulator.ts'
import { seededRandom } from '../../support/seeded-random.ts'

/** Single pages that arrive at random, and are drawn in no time: what queueing theory knows. */
const single = (rate: number, rest: Partial<Scenario>): Scenario => ({
  documentsPerSecond: () => rate,
  maxDocumentsPerSecond: rate,
  seconds: 100_000 / rate,
  warmUpSeconds: 10_000 / rate,
  pagesOfDocument: always(1),
  workOfPage: exponential(1),
  knownShare: 0,
  gateways: 1,
  drawers: 1000,
  drawSeconds: always(0),
  lookahead: 64,
  engines: [fixedRate(1, 1)],
  seed: 1,
  ...rest,
})

/** One document of 500 pages that comes at once, and is drawn in no time. */
const document = (engines: Scenario['engines'], rest: Partial<Scenario> = {}): Scenario => ({
  ...oneDocument(500, engines, 0),
  drawers: 1000,
  ...rest,
})

function isNear(actual: number, expected: number, share: number): void {
  assert.ok(Math.abs(actual / expected - 1) <= share, `${actual} is not within ${share * 100} % of ${expected}`)
}

/** Erlang's C: the share of arrivals that wait, for `offered` = arrivals per second × seconds each. */
function erlangC(servers: number, offered: number): number {
  let blocked = 1
  for (let each = 1; each <= servers; each++) blocked = (offered * blocked) / (each + offered * blocked)
  return blocked / (1 - (offered / servers) * (1 - blocked))
}

describe('the simulator, beside what queueing theory says', () => {
  const rows = [
    { servers: 1, load: 0.5 },
    { servers: 1, load: 0.8 },
    { servers: 8, load: 0.8 },
    { servers: 64, load: 0.9 },
  ]
  for (const { servers, load } of rows)
    it(`makes pages wait as long as M/M/c does: ${servers} places, ${load * 100} % of them taken`, () => {
      const { waitSeconds, pageSeconds, engineUse } = simulate(
        single(load * servers, { engines: [fixedRate(servers, 1)] }),
      )
      const wait = erlangC(servers, load * servers) / (servers * (1 - load))
      isNear(waitSeconds.mean, wait, 0.1)
      isNear(pageSeconds.mean, wait + 1, 0.03)
      isNear(engineUse, load, 0.02)
      // P(wait > t) = C × e^(−(c − λ)t)
      const p95 = Math.log(erlangC(servers, load * servers) / 0.05) / (servers * (1 - load))
      isNear(waitSeconds.quantile(0.95), Math.max(p95, 0), 0.1)
    })

  it('makes pages that share one processor take as long as M/M/1 with processor sharing', () => {
    // A thousand places, and a page takes as many times as long as there are others.
    const shared = { places: 1000, secondsAt: (pages: number) => pages }
    const { pageSeconds, waitSeconds } = simulate(single(0.7, { engines: [shared] }))
    isNear(pageSeconds.mean, 1 / (1 - 0.7), 0.05)
    assert.equal(waitSeconds.quantile(0.99), 0)
  })

  it('loses no page to the clock: what flows in flows out, by Little’s law', () => {
    const { pageSeconds, engineUse, pages } = simulate(single(6, { engines: [fixedRate(8, 1)], seed: 3 }))
    assert.equal(pageSeconds.count, pages)
    isNear(engineUse * 8, 6, 0.02)
  })

  it('comes out the same for the same seed, and differently for another one', () => {
    const [one, again, other] = [1, 1, 2].map((seed) =>
      simulate(single(6, { engines: [fixedRate(8, 1)], seconds: 2000, seed })),
    )
    assert.equal(one?.pageSeconds.mean, again?.pageSeconds.mean)
    assert.notEqual(one?.pageSeconds.mean, other?.pageSeconds.mean)
  })
})

describe('the simulator, beside the least time that engines need for a document of 500 pages', () => {
  const rows = [
    { name: '16 places of 1 s', engines: [fixedRate(16, 1)], ideal: 32 },
    { name: '64 places of 2 s', engines: [fixedRate(64, 2)], ideal: 16 },
    { name: '4 and 16 places of 1 s', engines: [fixedRate(4, 1), fixedRate(16, 1)], ideal: 25 },
    { name: '16 places of 1 s, and 16 of 3 s', engines: [fixedRate(16, 1), fixedRate(16, 3)], ideal: 24 },
  ]
  for (const { name, engines, ideal } of rows)
    it(`is as fast, and no faster: ${name}`, () => {
      const { endedAt, pageSeconds } = simulate(document(engines))
      assert.equal(pageSeconds.count, 500)
      assert.ok(endedAt >= ideal - 1e-6 && endedAt <= ideal * 1.05, `${endedAt}`)
    })

  it('takes as long as drawing does, where the gateway has too few cores', () => {
    const { endedAt, drawerUse } = simulate(
      document([fixedRate(64, 1)], { drawers: 2, drawSeconds: always(0.1), seconds: 20 }),
    )
    isNear(endedAt, (500 * 0.1) / 2 + 1, 0.02)
    assert.ok(drawerUse > 0.99)
  })

  it('takes no longer for a small document beside a large one than for two answers', () => {
    const sizes = [500, 1]
    const outcome = simulate(
      document([fixedRate(8, 1)], { maxDocuments: 2, pagesOfDocument: () => sizes.shift() ?? 1, lookahead: 1000 }),
    )
    // In the page slots that are drawn ahead it stands behind the eight pages that are drawn already.
    assert.ok(outcome.singleSeconds.mean <= 3, `${outcome.singleSeconds.mean}`)
  })

  it('sends no page to the engines that the cache knows', () => {
    const { pageSeconds, pages, endedAt } = simulate(document([fixedRate(16, 1)], { knownShare: 1 }))
    assert.deepEqual([pageSeconds.count, pages, endedAt], [0, 500, 0])
  })
})

describe('what the simulator is made of', () => {
  it('hands out what is due in its order, and equals in theirs', () => {
    const heap = createHeap<number>()
    const random = seededRandom(5)
    const all = Array.from({ length: 500 }, (_, order) => ({ due: random.integer(0, 50), order }))
    for (const { due, order } of all) heap.push(due, order)
    const sorted = all.toSorted((one, other) => one.due - other.due || one.order - other.order)
    assert.deepEqual(Array.from({ length: 500 }, () => heap.pop()), sorted.map(({ order }) => order)) // prettier-ignore
    assert.deepEqual([heap.pop(), heap.nextDue()], [undefined, Infinity])
  })

  it('knows quantiles to two hundredths', () => {
    const spread = createSpread()
    for (let value = 1; value <= 1000; value++) spread.add(value / 10)
    isNear(spread.quantile(0.5), 50, 0.02)
    isNear(spread.quantile(0.95), 95, 0.02)
    assert.equal(createSpread().quantile(0.5), 0)
  })

  it('reads at the rate that an engine is said to have when it is full, and a page alone in its time', () => {
    const engine = batching(128, 5.71, 1.2)
    isNear(128 / engine.secondsAt(128), 5.71, 1e-9)
    assert.equal(engine.secondsAt(1), 1.2)
  })

  it('draws from distributions that have the mean that was asked for', () => {
    const random = seededRandom(9)
    const mean = (draw: (random: () => number) => number) => Array.from({ length: 50_000 }, () => draw(() => random.next())).reduce((sum, value) => sum + value) / 50_000 // prettier-ignore
    isNear(mean(lognormal(2, 0.6)), 2, 0.03)
    isNear(mean(exponential(3)), 3, 0.03)
    isNear(mean(ranges([[0.5, 1, 1], [0.5, 11, 20]])), 0.5 + 15.5 / 2, 0.03) // prettier-ignore
  })
})
