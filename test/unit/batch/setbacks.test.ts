import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSetbacks } from '../../../gateway/batch/setbacks.ts'
import { GatewayError } from '../../../gateway/errors.ts'

const outage = new GatewayError('engine_unavailable', 'Nobody serves it.', { retryAfterSeconds: 0 })
const full = new GatewayError('queue_full', 'There is no room.', { retryAfterSeconds: 30 })

describe('what could not be done of a batch', () => {
  it('waits twice as long each time that it is tried in vain, however many lines fail together', () => {
    let now = 1000
    const setbacks = createSetbacks(
      () => now,
      () => 1,
    )
    const seconds: number[] = []
    for (let round = 0; round < 8; round++) {
      const failed = Array.from({ length: 20 }, () => setbacks.failed('a', outage))
      assert.deepEqual(
        failed.map(({ isFirst }) => isFirst),
        failed.map((_, index) => round === 0 && index === 0),
      )
      const [waits = 0, another] = new Set(failed.map((each) => each.seconds))
      assert.equal(another, undefined)
      seconds.push(waits)
      now += waits * 1000
    }
    assert.deepEqual(seconds, [1, 2, 4, 8, 16, 32, 60, 60])
    assert.equal(setbacks.failed('b', full).seconds, 30)
    setbacks.succeeded('a')
    assert.deepEqual([setbacks.failed('a', outage).seconds, setbacks.failed('a', outage).isFirst], [1, false])
  })

  it('ends its wait when the batch goes on, or the gateway stops', { timeout: 5000 }, async () => {
    const setbacks = createSetbacks()
    const { signal } = new AbortController()
    const waits = [setbacks.failed('a', outage), setbacks.failed('a', new Error('a bug'))].map((each) =>
      each.wait(signal),
    )
    setbacks.succeeded('a')
    await Promise.all(waits)
    const stop = new AbortController()
    const stopped = setbacks.failed('a', full).wait(stop.signal)
    stop.abort()
    await stopped
  })
})
