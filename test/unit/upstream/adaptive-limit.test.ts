import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAdaptiveLimit, type SentPage } from '../../../gateway/upstream/adaptive-limit.ts'
import { simulate, turnClock, type SimulatedRun, type VirtualClock } from './simulated-server.ts'

function setUp(pinned: number | null = null) {
  const clock: VirtualClock = { now: 0, timers: [] }
  let changes = 0
  const limit = createAdaptiveLimit({
    pinned,
    now: () => clock.now,
    later: (milliseconds, run) => clock.timers.push({ at: clock.now + milliseconds, run }),
    onChange: () => changes++,
  })
  return { limit, clock, run: (run: SimulatedRun) => simulate(limit, clock, run), changes: () => changes }
}

/** To a tenth: the pace is a running mean. */
function assertNear(found: readonly number[], expected: readonly number[]): void {
  const isNear = found.every((each, index) => Math.abs(each - (expected[index] ?? NaN)) < 0.1)
  assert.ok(isNear, `${found.map((each) => each.toFixed(2)).join(' ')}, not ${expected.join(' ')}`)
}

describe('the limit that finds itself', () => {
  for (const places of [4, 8, 16, 32])
    it(`ends at the places of a server of ${places}, or a few more that keep it busy`, () => {
      const { limit, run } = setUp()
      run({ server: { places, seconds: 1 }, pages: 2000 })
      assert.ok(limit.current >= places && limit.current <= places * 2, `${limit.current}`)
    })

  for (const { places, most } of [
    { places: 4, most: 1.05 },
    { places: 8, most: 1.05 },
    { places: 16, most: 1.05 },
    { places: 32, most: 1.05 },
    // It climbs beyond them, and what is sent too much at a time ends late.
    { places: 64, most: 1.1 },
  ])
    it(`costs 500 pages at a server of ${places} at most ${most} times the ideal, however even its answers come`, () => {
      for (const jitter of [0, 0.1, 0.3]) {
        const { seconds } = setUp().run({ server: { places, seconds: 1, jitter }, pages: 500 })
        const ratio = seconds / Math.ceil(500 / places)
        assert.ok(ratio <= most, `${ratio.toFixed(3)} with a jitter of ${jitter}`)
      }
    })

  for (const jitter of [0, 0.5, 0.9])
    it(`gets three quarters of what a shared processor can do, whose pages differ by ${jitter}`, () => {
      // A page takes 1 s and 0.1 s for each beside it: never more than 10 pages per second.
      const { seconds } = setUp().run({ server: { places: null, seconds: 1, share: 0.1, jitter }, pages: 2000 })
      assert.ok(2000 / seconds >= 7.5, `${(2000 / seconds).toFixed(2)} pages per second`)
    })

  it('is not lowered for those of the first pages that may be stuck: the others would not be sent any more', () => {
    const { limit, clock } = setUp()
    const [first] = [1, 2, 3, 4].map((inFlight) => limit.sent(inFlight))
    clock.now = 20
    first?.begun()
    clock.now = 200
    first?.answered()
    first?.left()
    assert.equal(limit.current, 4)
  })

  it('stays where it is pinned', () => {
    const { limit, run, changes } = setUp(3)
    const { limits } = run({ server: { places: 16, seconds: 1, jitter: 0.3 }, pages: 500 })
    assert.deepEqual([limits, limit.current, changes()], [[3], 3, 0])
  })

  for (const demand of [1, 2, 3])
    it(`learns nothing from ${demand} at a time on an idle gateway`, () => {
      const { run, changes } = setUp()
      const { limits } = run({ server: { places: 64, seconds: 1, jitter: 0.3 }, pages: 2000, demand })
      assert.deepEqual([limits.length, changes()], [1, 0])
    })

  it('climbs no further than pages are wanted', () => {
    const { limit, run } = setUp()
    run({ server: { places: 64, seconds: 1, jitter: 0.3 }, pages: 2000, demand: 12 })
    assert.ok(limit.current >= 12 && limit.current <= 16, `${limit.current}`)
  })

  for (const places of [1, 4, 16, 64])
    it(`sends a server of ${places} hardly more than it works at, in the first seconds already`, () => {
      const { limit, run } = setUp()
      const { limits } = run({ server: { places, seconds: 1, jitter: 0.1 }, pages: places * 3 })
      assert.ok(Math.max(...limits) <= Math.max(8, places * 2) + places, limits.join(' '))
      run({ server: { places, seconds: 1, jitter: 0.1 }, pages: places * 20 })
      assert.ok(limit.current <= Math.max(2, Math.ceil(places * 1.25)), `${limit.current}`)
    })

  for (const [server, textAfter] of [
    ['prepares each page before its first text', 3],
    ['sends no streams', 8],
  ] as const)
    it(`takes nothing for a line at a server that ${server}`, () => {
      const { limit, clock } = setUp()
      const pages: SentPage[] = []
      // One more every tenth of a second, and 8 at a time.
      for (let page = 0; page < 400; page++) {
        const ended = pages[page - 8]
        if (textAfter === 8) ended?.begun()
        ended?.answered()
        ended?.left()
        pages.push(limit.sent(Math.min(8, page + 1)))
        if (textAfter < 8) pages[page - textAfter]?.begun()
        turnClock(clock, clock.now + 100)
      }
      assert.ok(limit.current >= 8, `${limit.current}`)
    })

  it('follows a server that has become slower', () => {
    const { limit, run } = setUp()
    run({ server: { places: 16, seconds: 1 }, pages: 1500 })
    const before = limit.current
    run({ server: { places: 4, seconds: 1 }, pages: 1500 })
    assert.ok(limit.current >= 4 && limit.current <= before * 0.6, `${before}, then ${limit.current}`)
  })

  it('follows a server that has become slower in the middle of a document', () => {
    const slower = { afterPages: 2000, server: { places: 8, seconds: 1 } }
    const { limit, run } = setUp()
    const { limits } = run({ server: { places: 64, seconds: 1 }, pages: 4000, later: slower })
    const most = Math.max(...limits)
    assert.ok(limit.current >= 8 && limit.current <= most / 3, limits.join(' '))
  })

  it('looks again after ten minutes, and finds places that were added', () => {
    const { limit, run } = setUp()
    run({ server: { places: 4, seconds: 1 }, pages: 500 })
    assert.ok(limit.current < 16, `${limit.current}`)
    run({ server: { places: 16, seconds: 1 }, pages: 16 * 700 })
    assert.ok(limit.current >= 16 && limit.current <= 40, `${limit.current}`)
    const { seconds } = run({ server: { places: 16, seconds: 1 }, pages: 500 })
    assert.ok(seconds <= 1.05 * Math.ceil(500 / 16), `${seconds}`)
  })

  it('knows how fast pages are answered, and how fast one can be', () => {
    const { limit, run } = setUp(8)
    run({ server: { places: 8, seconds: 0.5, jitter: 0.1 }, pages: 500 })
    const [rate, fastest] = [10_000 / limit.secondsFor(10_000), limit.secondsFor(1)]
    assert.ok(rate > 16 * 0.8 && rate < 16 * 1.2, `${rate} pages per second`)
    assert.ok(fastest > 0.5 * 0.85 && fastest < 0.5 * 1.15, `${fastest} s`)
  })

  it('knows from when on each of a full server will have a page more', () => {
    const { limit, clock, run } = setUp()
    run({ server: { places: 4, seconds: 1 }, pages: 500 })
    // One more is sent that waits there; the first is begun 0.4 s before the others.
    limit.sent(1).begun()
    clock.now += 400
    for (const inFlight of [2, 3, 4]) limit.sent(inFlight).begun()
    limit.sent(5)
    clock.now += 500
    const seconds = [5, 6, 8, 9, 10].map((pages) => limit.secondsFor(pages))
    assertNear(seconds, [0.1 + 1, 0.5 + 1, 0.5 + 1, 0.1 + 2, 0.5 + 2])
  })

  it('knows that a page has begun of which nothing is heard yet', () => {
    const { limit, clock, run } = setUp()
    run({ server: { places: 4, seconds: 1 }, pages: 500 })
    for (const inFlight of [1, 2, 3]) limit.sent(inFlight).begun()
    clock.now += 900
    for (const inFlight of [4, 5]) limit.sent(inFlight)
    const seconds = [5, 7, 8, 9].map((pages) => limit.secondsFor(pages))
    assertNear(seconds, [0.1 + 1, 0.1 + 1, 1 + 1, 0.1 + 2])
  })

  it('counts no page that was left or failed', () => {
    const clock = { now: 0 }
    const limit = createAdaptiveLimit({ pinned: null, now: () => clock.now })
    const first = limit.current
    for (let page = 1; page <= 1000; page++) {
      limit.sent(1 + (page % 12))
      clock.now += 5
    }
    assert.equal(limit.current, first)
    // Nothing is known of it, so that it gets some pages and shows.
    assert.ok(limit.secondsFor(1) < 0.1)
  })
})
