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

  for (const [wants, pause] of [
    ['answers soon', 250],
    ['answers', 1000],
  ] as const)
    it(`is asked again after ${pause} ms where its figures are listened to (${wants}), and not beside itself`, async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] })
      let [asked, at] = [0, 0]
      let answer = () => {}
      const listener = { wantsFigures: () => current, serverSaid: () => {} }
      let current: 'nothing' | 'answers' | 'answers soon' = 'nothing'
      const pressure = createPressure({
        maxKvCacheUsage: null,
        listener,
        ask() {
          asked += 1
          return new Promise((resolve) => (answer = () => resolve(null)))
        },
        onChange() {},
        onLog() {},
        now: () => at,
      })
      const answered = async () => {
        answer()
        await new Promise(setImmediate)
      }
      pressure.listen()
      assert.equal(asked, 0, 'nobody has said until when')
      void pressure.read(new AbortController().signal)
      await answered()
      t.mock.timers.tick(10_000)
      at += 10_000
      assert.equal(asked, 1, 'nobody listens')
      current = wants
      pressure.listen()
      at += 10_000
      pressure.listen()
      assert.equal(asked, 2, 'it has not answered yet')
      await answered()
      pressure.listen()
      t.mock.timers.tick(pause - 1)
      assert.equal(asked, 2)
      t.mock.timers.tick(1)
      assert.equal(asked, 3)
      current = 'nothing'
      await answered()
      current = wants
      pressure.listen()
      assert.equal(asked, 3, 'it was asked just now')
      at += pause
      pressure.listen()
      assert.equal(asked, 4)
    })
})
