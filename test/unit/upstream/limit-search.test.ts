import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  beginSearch,
  reopen,
  shorten,
  waitingInRush,
  type LimitSearch,
} from '../../../gateway/upstream/limit-search.ts'

const someWait = (search: LimitSearch) => shorten(search, { most: 9, waiting: 5, rate: 4, now: 0 })
const nobodyWaits = (search: LimitSearch) => shorten(search, { most: 5, waiting: 0, rate: 4, now: 1000 })

describe('the search for a limit, after a rush that pages waiting have ended', () => {
  it('is begun again where nobody waits any more, twice at most', () => {
    let search = beginSearch(9)
    const phases: string[] = []
    for (let round = 0; round < 3; round++) {
      search = someWait(search)
      assert.deepEqual([search.phase, search.hasPlaces], ['settled', true])
      search = nobodyWaits(search)
      assert.deepEqual([search.hasPlaces, search.rejected.up], [false, null])
      phases.push(search.phase)
      // As many as in the rush before.
      search = { ...search, limit: 9 }
    }
    assert.deepEqual(phases, ['first', 'first', 'settled'])
  })

  it('says no more that it works at less than what nobody waited at', () => {
    const search = { ...nobodyWaits(someWait(beginSearch(9))), limit: 12 }
    assert.equal(waitingInRush(search, { most: 12, waiting: 9 }), 8)
    assert.equal(waitingInRush(search, { most: 3, waiting: 2 }), 0)
    assert.equal(waitingInRush(beginSearch(12), { most: 12, waiting: 9 }), 9)
  })

  it('is begun again from what it came from where pages were only prepared, six times at most', () => {
    let search = someWait(beginSearch(9))
    const limits: [string, number][] = []
    for (let round = 0; round < 7; round++) {
      search = reopen({ ...search, phase: 'settled', probe: { direction: 'down', from: 20, rate: 1, seconds: 1 } })
      limits.push([search.phase, search.limit])
    }
    assert.deepEqual(limits, [...Array.from({ length: 6 }, () => ['first', 20]), ['settled', 20]])
    assert.deepEqual(search.rejected, { up: null, down: null })
  })

  it('is not, where text has said what more pages bring', () => {
    const levels = [{ pages: 4, pace: 100, seconds: 0.5 }]
    assert.equal(nobodyWaits(someWait({ ...beginSearch(9), levels })).phase, 'settled')
  })
})
