import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { afterOthers, shareLoop } from '../../../gateway/schedule/loop-share.ts'

/** Takes turns of the event loop until all have gone on; returns how many had by the end of each turn. */
async function goneOnByTurn(all: readonly Promise<void>[]): Promise<number[]> {
  let gone = 0
  for (const one of all) void one.then(() => (gone += 1))
  const counts: number[] = []
  while (gone < all.length) {
    await turn()
    counts.push(gone)
  }
  return counts
}

describe('work that lets others have their turn', () => {
  it('goes on one by one, each in a turn of its own, in the order in which it came', async () => {
    const order: number[] = []
    const all = [1, 2, 3].map((number) => afterOthers().then(() => void order.push(number)))
    assert.deepEqual(await goneOnByTurn(all), [0, 1, 2, 3])
    assert.deepEqual(order, [1, 2, 3])
  })

  it('goes on after what was to be done in this turn', async () => {
    const order: string[] = []
    const waited = afterOthers().then(() => order.push('looked at'))
    setImmediate(() => order.push('sent'))
    await Promise.resolve()
    assert.deepEqual(order, [])
    await waited
    assert.deepEqual(order, ['sent', 'looked at'])
  })

  it('does not wait for long work that waits for its slice', async () => {
    const order: string[] = []
    const hold = (): void => {
      for (const until = performance.now() + 12; performance.now() < until;);
    }
    await shareLoop()
    hold()
    const slices = [1, 2, 3].map((number) => shareLoop().then(() => order.push(`slice ${number}`)))
    const looked = afterOthers().then(() => order.push('looked at'))
    await Promise.all([...slices, looked])
    assert.deepEqual(order, ['slice 1', 'looked at', 'slice 2', 'slice 3'])
  })
})
