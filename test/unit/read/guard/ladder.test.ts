import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { profiles } from '../../../../gateway/profile/profiles.ts'

describe('the ladder of every profile', () => {
  for (const { id, ladder, sampling } of profiles) {
    it(`begins with the model's own sampling, and its temperature rises: ${id}`, () => {
      assert.deepEqual(ladder[0], {})
      const temperatures = ladder.map((rung) => rung.temperature ?? sampling.temperature)
      assert.deepEqual(
        temperatures,
        temperatures.toSorted((a, b) => a - b),
      )
      assert.equal(new Set(temperatures).size, temperatures.length)
      // With top_k 1 a temperature changes nothing.
      for (const rung of ladder.slice(1)) assert.notEqual({ ...sampling, ...rung }.top_k, 1)
    })
  }
})
