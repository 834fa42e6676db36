import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { createSilence } from '../../../gateway/upstream/silence.ts'

/** Runs with a clock that the test sets, in seconds. */
function withClock(run: (at: (seconds: number) => void) => void): void {
  const clock = mock.method(performance, 'now', () => 0)
  try {
    run((seconds) => clock.mock.mockImplementation(() => seconds * 1000))
  } finally {
    clock.mock.restore()
  }
}

describe('the silence of a server', () => {
  it('is nothing when it is late once, soon after a sign of life', () =>
    withClock((at) => {
      const silence = createSilence()
      at(9)
      assert.deepEqual([silence.wasLate(), silence.isLate], [false, false])
    }))

  it('has others come first after ten seconds, and is a problem after twenty-five', () =>
    withClock((at) => {
      const silence = createSilence()
      at(15)
      assert.deepEqual([silence.wasLate(), silence.isLate], [false, true])
      at(26)
      assert.deepEqual([silence.wasLate(), silence.isLate], [true, true])
    }))

  it('ends with any sign of life', () =>
    withClock((at) => {
      const silence = createSilence()
      at(24)
      silence.wasLate()
      silence.heard()
      assert.equal(silence.isLate, false)
      at(30)
      assert.deepEqual([silence.wasLate(), silence.isLate], [false, false])
    }))
})
