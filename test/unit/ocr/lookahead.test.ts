import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pagesBegun } from '../../../gateway/ocr/lookahead.ts'

describe('the pages of a request that are begun', () => {
  it('are half as many more as may be at the engines, and one at least', () => {
    assert.deepEqual(
      [1, 2, 3, 16, 64].map((lookahead) => pagesBegun(lookahead)),
      [2, 3, 5, 24, 96],
    )
  })
})
