import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { beginSearch, shorten, type LimitSearch } from '../../../gateway/upstream/limit-search.ts'

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

  it('is not, where text has said what more pages bring', () => {
    const levels = [{ pages: 4, pace: 100, seconds: 0.5 }]
    assert.equal(nobodyWaits(someWait({ ...beginSearch(9), levels })).phase, 'settled')
  })
})
