import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPageSlots, spareAttempts } from '../../../gateway/read/page-slots.ts'
import { someone } from '../../support/turn.ts'
import { within } from '../../support/within.ts'

const live = new AbortController().signal

function setUp(capacity: number) {
  const upstreams = { capacity }
  const listeners: (() => void)[] = []
  const slots = createPageSlots({
    capacityOf: () => upstreams.capacity,
    onCapacityChange: (listener) => void listeners.push(listener),
    tesseractThreads: 2,
  })
  const change = (next: number) => {
    upstreams.capacity = next
    for (const listener of listeners) listener()
  }
  return { slots, change }
}

describe('page slots', () => {
  const rows = [
    { name: 'eight more than a few are read', capacity: 4, expected: 12 },
    { name: 'a quarter more than many are read', capacity: 64, expected: 80 },
    { name: 'eight where no upstream takes any', capacity: 0, expected: 8 },
  ]
  for (const { name, capacity, expected } of rows)
    it(`are more than the upstreams take, so that pages are drawn ahead: ${name}`, async () => {
      const { slots } = setUp(capacity)
      const { vllm } = slots
      const model = vllm.slotsFor('m')
      for (let page = 0; page < expected; page++) await within(model.acquire(someone, live), 1000, 'a slot')
      const late = new AbortController()
      const waiting = model.acquire(someone, late.signal)
      assert.deepEqual([model.active, vllm.waiting()], [expected, 1])
      late.abort(new Error('left'))
      await assert.rejects(waiting, /left/)
    })

  it('let waiting pages in when the upstreams take more', async () => {
    const { slots, change } = setUp(0)
    const model = slots.vllm.slotsFor('m')
    for (let page = 0; page < 8; page++) await model.acquire(someone, live)
    const waiting = model.acquire(someone, live)
    change(40)
    await within(waiting, 1000, 'the slot')
  })

  it('leave nothing for more attempts at a page while another waits for its first', async () => {
    const { slots } = setUp(0)
    const spare = spareAttempts(slots, () => 5)
    assert.equal(spare('m'), 5)
    const model = slots.vllm.slotsFor('m')
    for (let page = 0; page < 8; page++) await model.acquire(someone, live)
    const late = new AbortController()
    const waiting = model.acquire(someone, late.signal)
    assert.equal(spare('m'), 0)
    late.abort(new Error('left'))
    await assert.rejects(waiting, /left/)
  })

  it('are one more than there are threads of Tesseract', async () => {
    const model = setUp(0).slots.tesseract.slotsFor('tesseract')
    for (let page = 0; page < 3; page++) await within(model.acquire(someone, live), 1000, 'a slot')
    const late = new AbortController()
    const waiting = model.acquire(someone, late.signal)
    late.abort(new Error('left'))
    await assert.rejects(waiting, /left/)
  })
})
