import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { retryAfterSeconds, retryDelay } from '../../../gateway/webhook/retry.ts'

const DAY = 86_400_000

describe('the delay before the next try of a webhook event', () => {
  for (const random of [0, 0.999])
    it(`grows, and all together are about a day: by chance ${random}`, () => {
      const delays: number[] = []
      for (let delay = retryDelay(1, null, random); delay !== null; delay = retryDelay(delays.length + 1, null, random))
        delays.push(delay)
      assert.deepEqual(
        delays,
        delays.toSorted((a, b) => a - b),
      )
      const sum = delays.reduce((total, delay) => total + delay, 0)
      assert.ok(sum > 0.95 * DAY && sum < 1.25 * DAY, `${sum / DAY} days`)
    })

  it('is never shorter because a receiver asks for it', () => {
    assert.equal(retryDelay(1, 1, 0), 5000)
    assert.equal(retryDelay(1, 60, 0), 60_000)
    assert.equal(retryDelay(1, Infinity, 0), 36_000_000)
    assert.equal(retryDelay(99, 60, 0), null)
  })

  for (const { name, header, seconds } of [
    { name: 'seconds', header: ' 120 ', seconds: 120 },
    { name: 'a date', header: 'Sat, 28 Nov 2026 12:00:30 GMT', seconds: 30 },
    { name: 'a date that is over', header: 'Sat, 28 Nov 2026 11:00:00 GMT', seconds: 0 },
    { name: 'a number that is none', header: '-5', seconds: null },
    { name: 'a fraction', header: '1.5', seconds: null },
    { name: 'words', header: 'soon', seconds: null },
    { name: 'nothing', header: '', seconds: null },
    { name: 'no header', header: null, seconds: null },
  ])
    it(`is asked for in ${name}`, () => {
      assert.equal(retryAfterSeconds(header, Date.parse('2026-11-28T12:00:00Z')), seconds)
    })
})
