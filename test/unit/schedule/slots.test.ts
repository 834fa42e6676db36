import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createModelSlots, createSlots } from '../../../gateway/schedule/slots.ts'
import { someone } from '../../support/turn.ts'
import { within } from '../../support/within.ts'

const live = new AbortController().signal

describe('slots', () => {
  it('are given to one request first come first served, never more than there are', async () => {
    const slots = createSlots(() => 2)
    const order: string[] = []
    const ask = async (name: string) => {
      const release = await slots.acquire(someone, live)
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

  it('come to an interactive page beside a batch at once, and no batch page gets more for it', async () => {
    const slots = createSlots(
      () => 8,
      () => 2,
    )
    const batch = { ...someone, lane: 'batch' } as const
    const held = await Promise.all(Array.from({ length: 8 }, () => slots.acquire(batch, live)))
    const waiting = slots.acquire(batch, live)
    const beyond = await within(
      Promise.all([slots.acquire(someone, live), slots.acquire(someone, live)]),
      1_000,
      'two slots beyond',
    )
    const third = slots.acquire(someone, live)
    assert.deepEqual([slots.active, slots.waiting], [10, 2])
    held[0]?.()
    const releaseThird = await within(third, 1_000, 'the slot of a batch page')
    for (const release of [...beyond, releaseThird]) release()
    assert.deepEqual([slots.active, slots.waiting], [7, 1])
    // One of the 8 is kept, as interactive pages have come.
    held[1]?.()
    await within(waiting, 1_000, 'the slot of the waiting batch page')
  })

  it("come to a request's first page at once while a long document has them all, and to no second one", async () => {
    const slots = createSlots(
      () => 4,
      () => 4,
    )
    const of = (request: string, key = '') => ({ ...someone, key, request })
    const held = await Promise.all(Array.from({ length: 4 }, () => slots.acquire(of('long'), live)))
    const waiting = slots.acquire(of('long'), live)
    const first = await within(slots.acquire(of('short'), live), 1_000, "a request's first page")
    const second = slots.acquire(of('short'), live)
    assert.deepEqual([slots.active, slots.waiting], [5, 2])
    // It takes no slot from the others: they wait for one of their own.
    first()
    assert.deepEqual([slots.active, slots.waiting], [4, 2])
    held[0]?.()
    await within(waiting, 1_000, "the long document's next page")
    held[1]?.()
    await within(second, 1_000, 'the second page')
    assert.deepEqual([slots.active, slots.waiting], [4, 0])
  })

  it('come at once to the first pages of one key up to half of those beyond, and to none of the batch lane', async () => {
    const slots = createSlots(
      () => 1,
      () => 4,
    )
    const of = (request: string, key: string) => ({ ...someone, key, request })
    await slots.acquire(of('long', 'ann'), live)
    await within(
      Promise.all([slots.acquire(of('one', 'ann'), live), slots.acquire(of('two', 'ann'), live)]),
      1_000,
      'two of one key',
    )
    void slots.acquire(of('three', 'ann'), live)
    void slots.acquire({ ...of('four', 'ben'), lane: 'batch' }, live)
    assert.deepEqual([slots.active, slots.waiting], [3, 2])
    await within(slots.acquire(of('five', 'ben'), live), 1_000, 'one of another key')
    assert.deepEqual([slots.active, slots.waiting], [4, 2])
  })

  it('are lent to who waits, and taken back at once', async () => {
    const slots = createSlots(() => 1)
    const release = await slots.acquire(someone, live)
    const second = slots.acquire(someone, live)
    const takeBack = slots.lend('interactive')
    const releaseSecond = await within(second, 1_000, 'the lent slot')
    takeBack()
    const third = slots.acquire(someone, live)
    assert.deepEqual([slots.active, slots.waiting], [2, 1])
    release()
    assert.equal(slots.waiting, 1)
    releaseSecond()
    await within(third, 1_000, 'the only slot')
  })

  it('are given back once, however often they are released', async () => {
    const slots = createSlots(() => 1)
    const release = await slots.acquire(someone, live)
    release()
    release()
    const second = await slots.acquire(someone, live)
    release()
    assert.equal(slots.active, 1)
    second()
    assert.equal(slots.active, 0)
  })

  it('are not waited for by one who was aborted: the queue closes up at once', async () => {
    const slots = createSlots(() => 1)
    const release = await slots.acquire(someone, live)
    const leaver = new AbortController()
    const left = slots.acquire(someone, leaver.signal)
    const stayed = slots.acquire(someone, live)
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
    const slots = createSlots(() => 1)
    await assert.rejects(slots.acquire(someone, AbortSignal.abort(new Error('gone'))), /gone/)
    assert.equal(slots.active, 0)
  })

  it('are still given back by one who was aborted after getting one', async () => {
    const slots = createSlots(() => 1)
    const release = await slots.acquire(someone, live)
    const aborted = new AbortController()
    const granted = slots.acquire(someone, aborted.signal)
    release()
    aborted.abort()
    const second = await granted
    second()
    assert.equal(slots.active, 0)
  })

  it('are given to those who wait when there are more of them', async () => {
    let capacity = 1
    const slots = createSlots(() => capacity)
    await slots.acquire(someone, live)
    const waits = [slots.acquire(someone, live), slots.acquire(someone, live)]
    capacity = 3
    slots.refill()
    await within(Promise.all(waits), 1_000, 'both who waited')
    assert.deepEqual([slots.active, slots.waiting], [3, 0])
  })

  it('are not given while there are fewer of them than are held', async () => {
    let capacity = 2
    const slots = createSlots(() => capacity)
    const [first, second] = await Promise.all([slots.acquire(someone, live), slots.acquire(someone, live)])
    const wait = slots.acquire(someone, live)
    capacity = 1
    first()
    assert.deepEqual([slots.active, slots.waiting], [1, 1])
    second()
    await within(wait, 1_000, 'the last slot')
  })

  it('go from request to request', async () => {
    const slots = createSlots(() => 1)
    const release = await slots.acquire(someone, live)
    const order: string[] = []
    const ask = async (request: string) => {
      const done = await slots.acquire({ ...someone, request }, live)
      order.push(request)
      done()
    }
    const asked = ['long', 'long', 'long', 'short'].map(ask)
    release()
    await within(Promise.all(asked), 1_000, 'four slots')
    assert.deepEqual(order, ['long', 'short', 'long', 'long'])
  })
})

describe('the slots of models', () => {
  it('are apart: a model whose slots are taken does not hold up another', async () => {
    const { slotsFor, waiting } = createModelSlots(() => 1)
    await slotsFor('busy').acquire(someone, live)
    void slotsFor('busy').acquire(someone, live)
    await within(slotsFor('free').acquire(someone, live), 1_000, "the other model's slot")
    assert.equal(waiting(), 1)
  })
})
