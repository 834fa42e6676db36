import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { watchOwnFigures } from '../../../gateway/upstream/own-figures.ts'

const load = (running: number, waiting: number | null) => ({ running, waiting, kvCacheUsage: null, preemptions: null })

/** Has a gateway with 20 pages at the server hear these figures; returns what it was told of those that wait. */
function hear(figures: readonly (ReturnType<typeof load> | null)[], isFull = true) {
  const looks: { most: number; waiting: number }[] = []
  let nothings = 0
  const note = watchOwnFigures({
    isFull: () => isFull,
    active: () => 20,
    onWaiting: (look) => looks.push(look),
    onNothing: () => nothings++,
  })
  for (const each of figures) note(each)
  return { looks, nothings }
}

describe('what a server says of its own queue', () => {
  it('counts when pages wait each time: the fewest of them', () => {
    const { looks } = hear([load(16, 4), load(15, 5), load(16, 4), load(17, 3)])
    assert.deepEqual(looks, [{ most: 20, waiting: 3 }])
  })

  it('does not count when none has waited in between, or it does not answer', () => {
    for (const none of [load(16, 0), load(16, null), null]) {
      const { looks, nothings } = hear([load(16, 4), load(16, 4), none, load(16, 4), load(16, 4)])
      assert.deepEqual([looks, nothings], [[], 1])
    }
  })

  it("does not count where others' requests are in it, or the limit is not reached", () => {
    const many = Array.from({ length: 8 }, () => load(16, 30))
    const few = Array.from({ length: 8 }, () => load(16, 4))
    assert.deepEqual([hear(many).looks, hear(few, false).looks], [[], []])
  })
})
