import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reopen, shorten } from '../../../gateway/upstream/limit-places.ts'
import { beginSearch, type LimitSearch } from '../../../gateway/upstream/limit-search.ts'

const someWait = (search: LimitSearch) => shorten(search, { most: 9, waiting: 5, rate: 4, now: 0 })
const full = { most: 12, waiting: 0, rate: 4, now: 2000 }
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

  it('is begun again from what it came from where pages were only prepared, four times at most in ten minutes', () => {
    let search = someWait(beginSearch(9))
    const again = (now: number) => {
      search = reopen({ ...search, phase: 'settled', probe: { direction: 'down', from: 20, rate: 1, seconds: 1 } }, now)
      return [search.phase, search.limit]
    }
    const limits = Array.from({ length: 5 }, () => again(0))
    assert.deepEqual(limits, [...Array.from({ length: 4 }, () => ['first', 20]), ['settled', 20]])
    assert.deepEqual(again(600_001), ['first', 20])
    assert.deepEqual(search.rejected, { up: null, down: null })
  })

  it('is not lowered beneath what it was begun again at', () => {
    const search = shorten({ ...nobodyWaits(someWait(beginSearch(9))), limit: 12 }, { ...full, waiting: 9 }, 6)
    assert.deepEqual([search.limit, search.phase], [6, 'settled'])
  })

  it('is not, where text has said what more pages bring', () => {
    const levels = [{ pages: 4, pace: 100, seconds: 0.5 }]
    const search = someWait({ ...beginSearch(9), levels })
    assert.equal(nobodyWaits(search).phase, 'settled')
    assert.equal(reopen(search, 0), search)
    assert.deepEqual(reopen(search, 0, true).levels, [], 'but for long')
  })
})
