import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, it, mock } from 'node:test'
import { createLooker } from '../../../gateway/schedule/looker.ts'

const EVERY = 60_000

describe('what looks for work', () => {
  it('looks from the start, and once more for all that wake it while it looks', async () => {
    const looks: PromiseWithResolvers<void>[] = []
    const look = (): Promise<void> => {
      const found = Promise.withResolvers<void>()
      looks.push(found)
      return found.promise
    }
    const looker = createLooker({ look, everyMs: EVERY, onTrouble: () => {} })
    await turn()
    await turn()
    assert.equal(looks.length, 1)
    looker.wake()
    looker.wake()
    assert.equal(looks.length, 1)
    looks[0]!.resolve()
    await turn()
    assert.equal(looks.length, 2)
    // It waits for the look that is under way, and looks no more.
    looker.wake()
    let isClosed = false
    const closing = looker.close().then(() => (isClosed = true))
    await turn()
    assert.equal(isClosed, false)
    looks[1]!.resolve()
    await closing
    looker.wake()
    await turn()
    assert.equal(looks.length, 2)
  })

  it('tells of trouble once, until it is over', async () => {
    let isTroubled = true
    const onTrouble = mock.fn()
    const look = async (): Promise<void> => {
      if (isTroubled) throw new Error('Redis is away')
    }
    const looker = createLooker({ look, everyMs: EVERY, onTrouble })
    const lookAgain = async () => {
      looker.wake()
      await turn()
    }
    for (let times = 0; times < 3; times += 1) await lookAgain()
    assert.equal(onTrouble.mock.callCount(), 1)
    isTroubled = false
    await lookAgain()
    isTroubled = true
    await lookAgain()
    assert.equal(onTrouble.mock.callCount(), 2)
    await looker.close()
  })
})
