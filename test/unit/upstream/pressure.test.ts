import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPressure } from '../../../gateway/upstream/pressure.ts'

function pressureOf(maxKvCacheUsage: number | null) {
  let usage: number | null = null
  let at = 0
  const changes: boolean[] = []
  const pressure = createPressure({
    maxKvCacheUsage,
    ask: async () => (usage === null ? null : { running: 1, waiting: 0, kvCacheUsage: usage, preemptions: 0 }),
    onChange: () => void changes.push(pressure.status().isHeldBack),
    onLog() {},
    now: () => at,
  })
  const ended = AbortSignal.abort()
  return {
    pressure,
    changes,
    says: async (next: number | null, seconds = 1): Promise<boolean> => {
      usage = next
      at += seconds * 1000
      await pressure.read(ended)
      return pressure.status().isHeldBack
    },
  }
}

describe('the pressure of a server', () => {
  it('holds pages back from a share on, until it has fallen by a tenth', async () => {
    const { says, changes, pressure } = pressureOf(0.8)
    const said = [0.79, 0.8, 0.79, 0.73, 0.725, 0.71, 0.79, 0.95]
    const held = []
    for (const usage of said) held.push(await says(usage))
    assert.deepEqual(held, [false, true, true, true, true, false, false, true])
    assert.deepEqual(changes, [true, false, true])
    assert.deepEqual([pressure.holdsBack(1), pressure.holdsBack(0)], [true, false], 'one page may run')
  })

  it('holds nothing back for a server that says nothing, or nothing any more', async () => {
    const { says, pressure } = pressureOf(0.8)
    assert.equal(await says(null), false)
    assert.equal(await says(0.9), true)
    assert.equal(await says(null, 4), true, 'for a moment')
    assert.equal(await says(null, 2), false)
    assert.equal(pressure.status().load?.kvCacheUsage, 0.9, 'said 6 s ago')
    await says(null, 30)
    assert.equal(pressure.status().load, null)
  })

  it('holds nothing back without a share', async () => {
    assert.equal(await pressureOf(null).says(1), false)
  })
})
