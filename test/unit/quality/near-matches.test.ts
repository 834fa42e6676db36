import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findNearMatches } from '../../quality/score/near-matches.ts'

describe('near matches', () => {
  it('are found with the edits that are allowed', () => {
    assert.deepEqual(findNearMatches('PATTERN', '---PATERN---', 1), [{ start: 3, end: 9, distance: 1 }])
    assert.deepEqual(findNearMatches('PATTERN', '---PATERN---', 0), [])
    assert.deepEqual(findNearMatches('PATTERN', '---PA_ERN---', 1), [])
  })

  it('that are exact are all given, in code points, though they overlap', () => {
    assert.deepEqual(
      findNearMatches('aa', '𝒜aaa', 0).map(({ start }) => start),
      [1, 2],
    )
  })

  it('that overlap are one: the best of them', () => {
    const found = findNearMatches('abcdef', 'xxabcdefxx abcxef', 2)
    assert.deepEqual(
      found.map(({ start, distance }) => [start, distance]),
      [
        [2, 0],
        [11, 1],
      ],
    )
  })

  it('are found in a long text in a moment', () => {
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(2000)
    assert.equal(findNearMatches('the quack brown fix', text, 4).length, 2000)
  })

  it('refuse to look for nothing', () => {
    assert.throws(() => findNearMatches('', 'a', 1), RangeError)
  })
})
