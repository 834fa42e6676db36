import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSlots } from '../../../gateway/engine/slots.ts'
import { within } from '../../support/within.ts'

const live = new AbortController().signal

describe('slots', () => {
  it('are given first come first served, never more than there are', async () => {
    const slots = createSlots(2)
    const order: string[] = []
    const ask = async (name: string) => {
      const release = await slots.acquire(live)
      order.push(name)
      return release
    }
    const asked = ['a', 'b', 'c', 'd'].map(ask)
    const [releaseA, releaseB] = await within(Promise.all([asked[0]!, asked[1]!]), 1_000, 'two slots')
    assert.deepEqual(order, ['a', 'b'])
    assert.deepEqual([slots.active, slots.waiting], [2, 2])
    releaseB()
    const releaseC = await within(asked[2]!, 1_000, 'the third')
    releaseA()
    const releaseD = await within(asked[3]!, 1_000, 'the fourth')
    assert.deepEqual(order, ['a', 'b', 'c', 'd'])
    releaseC()
    releaseD()
    assert.deepEqual([slots.active, slots.waiting], [0, 0])
  })

  it('are given back once, however often they are released', async () => {
    const slots = createSlots(1)
    const release = await slots.acquire(live)
    release()
    release()
    const second = await slots.acquire(live)
    release()
    assert.equal(slots.active, 1)
    second()
    assert.equal(slots.active, 0)
  })

  it('are not waited for by one who was aborted: the queue closes up at once', async () => {
    const slots = createSlots(1)
    const release = await slots.acquire(live)
    const leaver = new AbortController()
    const left = slots.acquire(leaver.signal)
    const stayed = slots.acquire(live)
    const reason = new Error('client gone')
    leaver.abort(reason)
    assert.equal(slots.waiting, 1)
    await assert.rejects(left, (error) => error === reason)
    release()
    const next = await within(stayed, 1_000, 'the one who stayed')
    next()
    assert.equal(slots.active, 0)
  })

  it('are not given to one who was aborted before asking', async () => {
    const slots = createSlots(1)
    await assert.rejects(slots.acquire(AbortSignal.abort(new Error('gone'))), /gone/)
    assert.equal(slots.active, 0)
  })

  it('are still given back by one who was aborted after getting one', async () => {
    const slots = createSlots(1)
    const release = await slots.acquire(live)
    const aborted = new AbortController()
    const granted = slots.acquire(aborted.signal)
    release()
    aborted.abort()
    const second = await granted
    second()
    assert.equal(slots.active, 0)
  })

  for (const capacity of [0, -1, 1.5, NaN]) {
    it(`refuse a capacity of ${capacity}`, () => {
      assert.throws(() => createSlots(capacity), RangeError)
    })
  }
})
