import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMemoryStore, type MemoryStoreOptions } from '../../../gateway/cache/memory-store.ts'

const signal = new AbortController().signal
/** Milliseconds on the store's clock. */
const START = 1000
const roomy = { maxBytes: 1_000_000, maxValueBytes: 100_000, ttlSeconds: 60 }

/** One entry of a one-letter key and a 1000-byte value takes 1257 bytes. */
const kilobyte = 'x'.repeat(1000)

function createStore(options: Partial<MemoryStoreOptions> = {}) {
  const clock = { now: START }
  const store = createMemoryStore({ ...roomy, now: () => clock.now, ...options })
  return { store, clock }
}

describe('memory store', () => {
  it('gives back what was stored, letter by letter, and null for what was not', async () => {
    const { store } = createStore()
    const text = 'Größe ≤ 5 µm — 測試 😀 "quoted"\n\u0000end'
    await store.set('a', text)
    assert.deepEqual(await store.get(['a'], signal), [text])
    assert.deepEqual(await store.get(['b'], signal), [null])
  })

  it('tells key by key, in order, what it has', async () => {
    const { store } = createStore()
    await store.set('a', '1')
    await store.set('c', '3')
    assert.deepEqual(await store.has(['c', 'b', 'a', 'a'], signal), [true, false, true, true])
    assert.deepEqual(await store.has([], signal), [])
  })

  it('forgets the least recently used when the bytes run out', async () => {
    const { store } = createStore({ maxBytes: 3 * 1257 })
    for (const key of ['a', 'b', 'c']) await store.set(key, kilobyte)
    await store.get(['a'], signal)
    await store.set('d', kilobyte)
    assert.deepEqual(await store.has(['a', 'b', 'c', 'd'], signal), [true, false, true, true])
  })

  it('does not count asking whether a key is there as use', async () => {
    const { store } = createStore({ maxBytes: 2 * 1257 })
    for (const key of ['a', 'b']) await store.set(key, kilobyte)
    await store.has(['a'], signal)
    await store.set('c', kilobyte)
    assert.deepEqual(await store.has(['a', 'b', 'c'], signal), [false, true, true])
  })

  it('makes room for one large value by forgetting several small ones, and no more than it must', async () => {
    const { store } = createStore({ maxBytes: 4 * 1257 })
    for (const key of ['a', 'b', 'c', 'd']) await store.set(key, kilobyte)
    await store.set('e', kilobyte.repeat(2))
    assert.deepEqual(await store.has(['a', 'b', 'c', 'd', 'e'], signal), [false, false, true, true, true])
  })

  it('counts a replaced value once', async () => {
    const { store } = createStore({ maxBytes: 2 * 1257 })
    await store.set('a', kilobyte)
    for (let i = 0; i < 10; i += 1) await store.set('b', kilobyte)
    assert.deepEqual(await store.has(['a', 'b'], signal), [true, true])
  })

  const bounds = [
    {
      name: 'a value of exactly the bound is stored',
      value: 'x'.repeat(10),
      options: { maxValueBytes: 10 },
      stored: true,
    },
    { name: 'a larger value is left out', value: 'x'.repeat(11), options: { maxValueBytes: 10 }, stored: false },
    {
      name: 'a value is measured in bytes, not letters',
      value: '測試測試',
      options: { maxValueBytes: 10 },
      stored: false,
    },
    {
      name: 'a value larger than the whole store is left out',
      value: kilobyte,
      options: { maxBytes: 1256 },
      stored: false,
    },
    { name: 'a store of 0 bytes stores nothing', value: 'x', options: { maxBytes: 0 }, stored: false },
  ]
  for (const { name, value, options, stored } of bounds) {
    it(name, async () => {
      const { store } = createStore(options)
      await store.set('a', value)
      assert.deepEqual(await store.get(['a'], signal), [stored ? value : null])
    })
  }

  it('keeps the others when a value is too large', async () => {
    const { store } = createStore({ maxBytes: 1257 })
    await store.set('a', kilobyte)
    await store.set('b', `${kilobyte}x`)
    assert.deepEqual(await store.has(['a', 'b'], signal), [true, false])
  })

  it('forgets a value when its time is over, counted from when it was stored', async () => {
    const { store, clock } = createStore({ ttlSeconds: 60 })
    await store.set('a', '1')
    clock.now = START + 59_999
    assert.deepEqual(await store.get(['a'], signal), ['1'])
    clock.now = START + 60_001
    assert.deepEqual(await store.has(['a'], signal), [false])
    assert.deepEqual(await store.get(['a'], signal), [null])
  })

  it('gives the room of a forgotten value back', async () => {
    const { store, clock } = createStore({ maxBytes: 2 * 1257, ttlSeconds: 60 })
    await store.set('a', kilobyte)
    clock.now = START + 60_001
    await store.get(['a'], signal)
    await store.set('b', kilobyte)
    await store.set('c', kilobyte)
    assert.deepEqual(await store.has(['b', 'c'], signal), [true, true])
  })

  it('is empty once it is closed', async () => {
    const { store } = createStore()
    await store.set('a', '1')
    await store.close()
    assert.deepEqual(await store.get(['a'], signal), [null])
  })
})
