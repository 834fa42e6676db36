import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startTimeLimit } from '../../../gateway/schedule/time-limit.ts'

const late = new Error('the time is up')

function startClock(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  return t.mock.timers
}

describe('a time limit', () => {
  it('fires with its reason when the time is up, and not before', (t) => {
    const clock = startClock(t)
    using limit = startTimeLimit(1000, () => late)
    clock.tick(999)
    assert.equal(limit.signal.aborted, false)
    clock.tick(1)
    assert.equal(limit.signal.reason, late)
  })

  it('follows the signal that it was given', (t) => {
    startClock(t)
    const caller = new AbortController()
    using limit = startTimeLimit(1000, () => late, caller.signal)
    const gone = new Error('gone')
    caller.abort(gone)
    assert.equal(limit.signal.reason, gone)
  })

  it('fires at once when no time is left', (t) => {
    const clock = startClock(t)
    using limit = startTimeLimit(-5, () => late)
    clock.tick(1)
    assert.equal(limit.signal.reason, late)
  })

  it('does not fire at once when the time is longer than a timer of Node can run', async () => {
    using limit = startTimeLimit(3_000_000_000, () => late)
    await delay(20)
    assert.equal(limit.signal.aborted, false)
  })

  it('starts anew with another time and another reason', (t) => {
    const clock = startClock(t)
    using limit = startTimeLimit(1000, () => late)
    clock.tick(900)
    const silent = new Error('silent')
    limit.restart(500, () => silent)
    clock.tick(499)
    assert.equal(limit.signal.aborted, false)
    clock.tick(1)
    assert.equal(limit.signal.reason, silent)
  })

  it('never fires once it is disposed', (t) => {
    const clock = startClock(t)
    const limit = startTimeLimit(1000, () => late)
    limit[Symbol.dispose]()
    clock.tick(5000)
    assert.equal(limit.signal.aborted, false)
  })
})
