import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTally } from '../../../gateway/schedule/tally.ts'

/** A tally of four buckets of ten milliseconds, and its clock. */
function makeTally(start = 0) {
  const clock = { at: start }
  return { clock, tally: createTally<'a' | 'b'>({ buckets: 4, bucketMs: 10, now: () => clock.at }) }
}

describe('a tally', () => {
  it('counts by name and bucket, and forgets what is older than its buckets', () => {
    const { clock, tally } = makeTally()
    tally.add('a')
    clock.at = 9
    tally.add('a', 2)
    clock.at = 15
    tally.add('a', 5)
    tally.add('b')
    assert.deepEqual(tally.series('a'), [0, 0, 3, 5])
    assert.deepEqual(tally.series('b'), [0, 0, 0, 1])
    assert.deepEqual([tally.sum('a', 1), tally.sum('a', 2), tally.sum('a', 100)], [5, 8, 8])
    clock.at = 39
    assert.deepEqual(tally.series('a'), [3, 5, 0, 0])
    clock.at = 40
    assert.deepEqual(tally.series('a'), [5, 0, 0, 0], 'the first bucket is over')
    clock.at = 50
    assert.equal(tally.sum('a', 4), 0)
  })

  it('has nothing left after a pause of any length', () => {
    for (const pause of [40, 41, 1e9]) {
      const { clock, tally } = makeTally(7)
      tally.add('a', 9)
      clock.at += pause
      assert.deepEqual(tally.series('a'), [0, 0, 0, 0], String(pause))
      tally.add('a')
      assert.equal(tally.sum('a', 4), 1)
    }
  })

  it('counts on when it begins in the middle of a long uptime', () => {
    const { clock, tally } = makeTally(123_456_789)
    tally.add('a')
    clock.at += 10
    tally.add('a', 2)
    assert.deepEqual(tally.series('a'), [0, 0, 1, 2])
  })
})
