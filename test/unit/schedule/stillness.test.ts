import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { watchStillness } from '../../../gateway/schedule/stillness.ts'

describe('a body that stands still', () => {
  let clock = 0
  beforeEach(() => {
    clock = 0
    mock.timers.enable({ apis: ['setTimeout'] })
  })
  afterEach(() => mock.timers.reset())

  /** Brings so many bytes every so many seconds; returns when it was given up, in seconds, at most 1000. */
  function givenUp(bytes: number, everySeconds: number, until = Infinity): number | null {
    const given: { at: number | null } = { at: null }
    const stillness = watchStillness(30, () => (given.at = clock / 1000), () => clock) // prettier-ignore
    for (let second = 1; second <= 1000 && given.at === null; second++) {
      clock = second * 1000
      mock.timers.tick(1000)
      if (second % everySeconds === 0 && second <= until) stillness.moved(bytes)
    }
    stillness.stop()
    return given.at
  }

  for (const { name, bytes, every, until, at } of [
    { name: 'nothing comes', bytes: 0, every: 1, at: 30 },
    { name: 'a byte comes every ten seconds', bytes: 1, every: 10, at: 31 },
    { name: 'it comes at a modem of 64 kbit/s', bytes: 8000, every: 1, at: null },
    { name: 'it comes at such a modem, in bursts with pauses of 25 seconds', bytes: 200_000, every: 25, at: null },
    { name: 'it comes at 1.1 KB/s', bytes: 1127, every: 1, at: null },
    { name: 'it comes at 0.8 KB/s', bytes: 819, every: 1, at: 146 },
    { name: 'it stops after 50 MB', bytes: 5e6, every: 1, until: 10, at: 40 },
  ]) {
    it(`is given up in time, or not at all: ${name}`, () => {
      const second = givenUp(bytes, every, until)
      if (at === null) assert.equal(second, null)
      else assert.ok(second !== null && Math.abs(second - at) <= 1, `${second}`)
    })
  }
})
