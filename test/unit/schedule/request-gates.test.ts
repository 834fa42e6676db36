import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { createRequestGates } from '../../../gateway/schedule/request-gates.ts'
import { someone } from '../../support/turn.ts'

const live = new AbortController().signal

describe('the gates of requests', () => {
  it('let in so many pages of each', async () => {
    const gates = createRequestGates(1)
    const release = await gates.enter(someone, live)
    await gates.enter({ ...someone, request: 'another' }, live)
    let entered = false
    const second = gates.enter(someone, live).then(() => (entered = true))
    await setImmediate()
    assert.equal(entered, false)
    release()
    await second
  })

  it('are not forgotten for a release that comes twice', async () => {
    const gates = createRequestGates(1)
    const release = await gates.enter(someone, live)
    release()
    await gates.enter(someone, live)
    release()
    let entered = false
    void gates.enter(someone, live).then(() => (entered = true))
    await setImmediate()
    assert.equal(entered, false)
  })
})
