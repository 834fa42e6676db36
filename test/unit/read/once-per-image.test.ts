import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMemoryStore } from '../../../gateway/cache/memory-store.ts'
import type { PageStore } from '../../../gateway/cache/page-store.ts'
import type { PageImage } from '../../../gateway/page/page.ts'
import type { ReadPage } from '../../../gateway/read/flights.ts'
import { createFlights } from '../../../gateway/read/flights.ts'
import { createOnce } from '../../../gateway/read/once.ts'
import { oncePerImage } from '../../../gateway/read/once-per-image.ts'
import { within } from '../../support/within.ts'
import { pageImage } from './scripted-engine.ts'
import { cachedPage, createScriptedReading } from './scripted-reading.ts'

const live = new AbortController().signal
const stamp: PageImage = { ...pageImage, sha256: 'ab12' }

/** Pages as they are read in the gateway: once by page key, once by image key. */
function setUp() {
  const memory = createMemoryStore({ maxBytes: 1_000_000, maxValueBytes: 100_000, ttlSeconds: 60 })
  const values = new Map<string, string>()
  const store: PageStore = {
    ...memory,
    set: (key, value) => {
      values.set(key, value)
      return memory.set(key, value)
    },
  }
  const scripted = createScriptedReading()
  const once = createOnce(store, createFlights())
  const read: ReadPage = async (page, signal) => {
    const image = await page.draw(signal)
    return oncePerImage(once, page, image, signal, (shown, own) => scripted.readImage(shown, image, own))
  }
  const ask = (key: string, image: PageImage = stamp, changes: Parameters<typeof cachedPage>[1] = {}) =>
    within(once(key, cachedPage(key, { draw: async () => image, ...changes }), live, read), 2_000, key)
  const answer = async (asked: ReturnType<typeof ask>, text: string) => {
    const reading = await scripted.nextReading()
    reading.answer(text)
    return asked
  }
  return { ask, answer, scripted, values }
}

describe('pages that look the same', () => {
  it('are read once, when they are asked for at once', async () => {
    const { ask, answer, scripted } = setUp()
    const [first, second] = [ask('page 1'), ask('page 2')]
    assert.equal((await answer(first, 'stamp')).cache, 'miss')
    const { text, cache } = await second
    assert.deepEqual([text, cache], ['stamp', 'joined'])
    assert.equal(scripted.readings.length, 1)
  })

  it('are read once, when they come one after the other, and are stored once', async () => {
    const { ask, answer, scripted, values } = setUp()
    const long = 'stamp '.repeat(1000)
    await answer(ask('page 1'), long)
    const { text, cache } = await ask('page 2')
    assert.deepEqual([text, cache], [long, 'hit'])
    assert.deepEqual((await ask('page 2', stamp, { draw: () => assert.fail('drawn again') })).text, long)
    assert.equal(scripted.readings.length, 1)
    assert.equal([...values.values()].filter((value) => value.length > 1000).length, 1)
    assert.equal(values.size, 3)
  })

  const others: { name: string; image?: Partial<PageImage>; page?: Parameters<typeof cachedPage>[1] }[] = [
    { name: 'other pixels', image: { sha256: 'cd34' } },
    { name: 'another size', image: { width: 801 } },
    { name: 'a warning of its own', image: { warnings: [{ code: 'image_small', message: '…' }] } },
    { name: 'another model or task', page: { questionKey: 'other' } },
  ]
  for (const { name, image, page } of others) {
    it(`are different pages with ${name}`, async () => {
      const { ask, answer } = setUp()
      await answer(ask('page 1'), 'first')
      assert.equal((await answer(ask('page 2', { ...stamp, ...image }, page), 'second')).text, 'second')
    })
  }

  it('are compared by all facts of a page image, and by the hash of its bytes', async () => {
    const { ask, answer } = setUp()
    await answer(ask('page 1', Object.assign({ ...stamp }, { textLayer: { text: 'a' } })), 'first')
    const other = Object.assign({ ...stamp }, { textLayer: { text: 'b' } })
    assert.equal((await answer(ask('page 2', other), 'second')).text, 'second')
    const copied = Object.assign({ ...stamp, data: new Uint8Array([9, 9]) }, { textLayer: { text: 'a' } })
    assert.equal((await ask('page 3', copied)).text, 'first')
  })

  it('are each read where the cache is off, or the image has no hash', async () => {
    const { ask, answer } = setUp()
    const { sha256: _, ...unknown } = stamp
    await answer(ask('page 1'), 'first')
    assert.equal((await answer(ask('page 2', stamp, { cache: 'off' }), 'second')).text, 'second')
    assert.equal((await answer(ask('page 3', unknown), 'third')).text, 'third')
    assert.equal((await answer(ask('page 4', unknown), 'fourth')).text, 'fourth')
    assert.equal((await ask('page 3', unknown)).text, 'third')
  })

  it('are read again once for each request with `refresh`', async () => {
    const { ask, answer } = setUp()
    await answer(ask('page 1'), 'old')
    const refresh = () => ({ cache: 'refresh', refreshedImages: new Set<string>() }) as const
    const request = refresh()
    assert.equal((await answer(ask('page 1', stamp, request), 'new')).text, 'new')
    assert.equal((await ask('page 2', stamp, request)).text, 'new')
    assert.equal((await answer(ask('page 1', stamp, refresh()), 'newer')).text, 'newer')
    assert.equal((await ask('page 2')).text, 'newer')
  })

  it('are read again after one that was not read whole', async () => {
    const { ask, answer, scripted } = setUp()
    await answer(ask('page 1'), 'old')
    const request = { cache: 'refresh', refreshedImages: new Set<string>() } as const
    const failed = ask('page 1', stamp, request)
    const reading = await scripted.nextReading()
    reading.answer('half', { finishReason: 'length' })
    await failed
    // The old answer is still kept: a page image that counts as refreshed would have it.
    assert.equal((await answer(ask('page 2', stamp, request), 'whole')).text, 'whole')
  })

  it('are read again when only the pointer to the answer is left', async () => {
    const { ask, answer, values } = setUp()
    const memory = createMemoryStore({ maxBytes: 1_000_000, maxValueBytes: 100_000, ttlSeconds: 60 })
    await answer(ask('page 1'), 'first')
    const pointer = values.get('page 1')
    assert.ok(pointer !== undefined && pointer.length < 200, pointer)
    await memory.set('page 1', pointer)
    const scripted = createScriptedReading()
    const asked = createOnce(memory, createFlights())('page 1', cachedPage('page 1'), live, scripted.read)
    const reading = await scripted.nextReading()
    reading.answer('again')
    assert.equal((await within(asked, 2_000, 'the answer')).text, 'again')
  })
})
