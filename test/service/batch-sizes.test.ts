import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { measureValidation } from '../support/batch-validation.ts'

const TIMEOUT = 200_000

// The whole size is measured by `npm run bench batch`.
describe('a large batch', { timeout: TIMEOUT }, () => {
  it('is looked at as a stream: memory does not grow with it, and nobody waits for it', async (t) => {
    const { seconds, peakMegabytes, longestHold } = await measureValidation(10_000, 60, true)
    t.diagnostic(`${seconds.toFixed(1)} s, ${peakMegabytes.toFixed(0)} MB, loop held ${longestHold} ms`)
    assert.ok(peakMegabytes < 400, `${peakMegabytes} MB`)
    assert.ok(longestHold < 200, `${longestHold} ms`)
  })
})
