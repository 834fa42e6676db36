import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTextPace, type TextLevel } from '../../../gateway/upstream/text-pace.ts'

function setUp({ pages = 4, enough = 0 } = {}) {
  const clock = { now: 0, due: [] as (() => void)[] }
  const levels: TextLevel[] = []
  let [here, silences] = [pages, 0]
  const pace = createTextPace({
    pages: () => here,
    onLevel(level) {
      levels.push(level)
      return level.seconds >= enough
    },
    onSilence: () => silences++,
    now: () => clock.now,
    later: (_, run) => clock.due.push(run),
  })
  const all = Array.from({ length: pages }, () => pace.page())
  /** Each page gets so many characters, every 10 ms. */
  const flow = (milliseconds: number, characters: number) => {
    const until = clock.now + milliseconds
    while (clock.now < until) {
      clock.now += 10
      for (const page of all) page.heard(characters)
    }
  }
  return { pace, clock, levels, all, flow, leave: () => here--, come: () => here++, silences: () => silences }
}

describe('the pace of text', () => {
  it('is that of all pages together, whenever each of them is heard', () => {
    const { pace, levels, flow } = setUp()
    flow(50, 20)
    pace.measure()
    flow(100, 20)
    assert.equal(levels.length, 1)
    assert.ok(Math.abs((levels[0]?.pace ?? 0) - 8000) < 1, JSON.stringify(levels))
  })

  it('is that of as many pages as were there while it came', () => {
    const { pace, levels, flow, come } = setUp({ enough: 0.06 })
    flow(20, 20)
    pace.measure()
    flow(20, 20)
    for (let more = 0; more < 4; more++) come()
    flow(50, 20)
    // Four for 10 ms between two pieces, then six in the mean of 10 ms, and eight for 30.
    const level = levels.at(-1)
    assert.equal(level?.pages, 7)
    assert.ok(Math.abs(level.pace / 2000 - 6.7) < 0.2, JSON.stringify(levels))
  })

  it('leaves the first piece of a page out, which may be short', () => {
    const { pace, levels, all, clock, flow } = setUp()
    pace.measure()
    clock.now += 10
    for (const page of all) page.heard(1)
    flow(60, 20)
    assert.deepEqual(levels[0], { pages: 4, pace: 8000, seconds: levels[0]?.seconds })
  })

  it('is measured for longer where it is not enough', () => {
    const { pace, levels, flow } = setUp({ enough: 0.5 })
    pace.measure()
    flow(700, 5)
    assert.ok(levels.length >= 2 && levels.length <= 8, JSON.stringify(levels))
    assert.ok((levels.at(-1)?.seconds ?? 0) >= 0.5)
  })

  it('is not measured where pages leave meanwhile', () => {
    const { pace, levels, flow, leave } = setUp()
    pace.measure()
    flow(20, 5)
    leave()
    flow(500, 5)
    assert.deepEqual(levels, [])
  })

  it('goes on where as many pages are there again', () => {
    const { pace, levels, flow, leave, come } = setUp({ enough: 0.5 })
    pace.measure()
    flow(400, 5)
    leave()
    flow(200, 50)
    assert.equal(levels.at(-1)?.pace, 2000)
    come()
    flow(200, 50)
    pace.measure()
    flow(250, 5)
    assert.ok((levels.at(-1)?.seconds ?? 0) >= 0.5, JSON.stringify(levels))
    assert.ok(Math.abs((levels.at(-1)?.pace ?? 0) - 2000) < 1, JSON.stringify(levels))
  })

  it('begins when those have come that follow pages which ended together', () => {
    const { pace, clock, levels, all, flow } = setUp({ pages: 50 })
    for (const page of all) page.heard(5)
    all[0]?.ended()
    pace.measure()
    // What was held up comes all at once.
    flow(100, 50)
    assert.equal(levels.length, 0)
    flow(600, 5)
    assert.equal(levels.length, 1)
    assert.ok(Math.abs((levels[0]?.pace ?? 0) - 25_000) < 1, JSON.stringify(levels))
    assert.ok(clock.now > 400)
  })

  it('is not waited for where text comes whole at the end: once it is, at first', () => {
    const { pace, clock, all, silences } = setUp()
    pace.measure()
    assert.equal(silences(), 0)
    clock.now = 250
    for (const run of clock.due) run()
    assert.equal(silences(), 1)
    for (const page of all) {
      page.heard(1000)
      page.ended()
    }
    pace.measure()
    assert.equal(silences(), 2)
  })
})
