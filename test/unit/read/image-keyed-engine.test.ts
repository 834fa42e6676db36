import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMemoryStore } from '../../../gateway/cache/memory-store.ts'
import type { PageStore } from '../../../gateway/cache/page-store.ts'
import { cachedEngine } from '../../../gateway/read/cached-engine.ts'
import { imageKeyedEngine } from '../../../gateway/read/image-keyed-engine.ts'
import type { PagePrompt } from '../../../gateway/engine/engine.ts'
import type { PageImage } from '../../../gateway/page/page.ts'
import { within } from '../../support/within.ts'
import { collect, createScriptedEngine, endDelta, pageImage, pagePrompt } from './scripted-engine.ts'

const live = new AbortController().signal
const stamp: PageImage = { ...pageImage, sha256: 'ab12' }

/** The engines as they stand in the gateway: the cache by page key, the cache by image key. */
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
  const scripted = createScriptedEngine()
  const engine = cachedEngine(imageKeyedEngine(cachedEngine(scripted.engine, store)), store)
  const ask = (pageKey: string, image: PageImage = stamp, changes: Partial<PagePrompt> = {}) =>
    within(collect(engine(pagePrompt(pageKey, { image: async () => image, ...changes }), live)), 2_000, pageKey)
  const answer = async (asked: ReturnType<typeof ask>, text: string) => {
    const call = await scripted.nextCall()
    call.say(text, endDelta())
    return asked
  }
  return { ask, answer, scripted, values }
}

describe('pages that look the same', () => {
  it('are read once, when they are asked for at once', async () => {
    const { ask, answer, scripted } = setUp()
    const [first, second] = [ask('page 1'), ask('page 2')]
    assert.equal((await answer(first, 'stamp')).end?.cache, 'miss')
    const { text, end } = await second
    assert.deepEqual([text, end?.cache], ['stamp', 'joined'])
    assert.equal(scripted.calls.length, 1)
  })

  it('are read once, when they come one after the other, and are kept once', async () => {
    const { ask, answer, scripted, values } = setUp()
    const long = 'stamp '.repeat(1000)
    await answer(ask('page 1'), long)
    const { text, end } = await ask('page 2')
    assert.deepEqual([text, end?.cache], [long, 'hit'])
    assert.deepEqual((await ask('page 2', stamp, { image: () => assert.fail('drawn again') })).text, long)
    assert.equal(scripted.calls.length, 1)
    assert.equal([...values.values()].filter((value) => value.length > 1000).length, 1)
    assert.equal(values.size, 3)
  })

  const others: { name: string; image?: Partial<PageImage>; prompt?: Partial<PagePrompt> }[] = [
    { name: 'other pixels', image: { sha256: 'cd34' } },
    { name: 'another size', image: { width: 801 } },
    { name: 'a warning of its own', image: { warnings: [{ code: 'image_small', message: '…' }] } },
    { name: 'another model or task', prompt: { questionKey: 'other' } },
  ]
  for (const { name, image, prompt } of others) {
    it(`are another page to a reader with ${name}`, async () => {
      const { ask, answer } = setUp()
      await answer(ask('page 1'), 'first')
      assert.equal((await answer(ask('page 2', { ...stamp, ...image }, prompt), 'second')).text, 'second')
    })
  }

  it('are known by all that a page image will ever say, and not by its bytes twice', async () => {
    const { ask, answer } = setUp()
    await answer(ask('page 1', Object.assign({ ...stamp }, { textLayer: { text: 'a' } })), 'first')
    const other = Object.assign({ ...stamp }, { textLayer: { text: 'b' } })
    assert.equal((await answer(ask('page 2', other), 'second')).text, 'second')
    const copied = Object.assign({ ...stamp, data: new Uint8Array([9, 9]) }, { textLayer: { text: 'a' } })
    assert.equal((await ask('page 3', copied)).text, 'first')
  })

  it('are each read for themselves where the cache is off, or nobody knows what they look like', async () => {
    const { ask, answer } = setUp()
    const { sha256: _, ...unknown } = stamp
    await answer(ask('page 1'), 'first')
    assert.equal((await answer(ask('page 2', stamp, { cache: 'off' }), 'second')).text, 'second')
    assert.equal((await answer(ask('page 3', unknown), 'third')).text, 'third')
    assert.equal((await answer(ask('page 4', unknown), 'fourth')).text, 'fourth')
    assert.equal((await ask('page 3', unknown)).text, 'third')
  })

  it('are read anew once for each request that wants them so', async () => {
    const { ask, answer } = setUp()
    await answer(ask('page 1'), 'old')
    const turn = () => ({ lane: 'interactive', key: '', request: 'same id' }) as const
    const refresh = { cache: 'refresh', turn: turn() } as const
    assert.equal((await answer(ask('page 1', stamp, refresh), 'new')).text, 'new')
    assert.equal((await ask('page 2', stamp, refresh)).text, 'new')
    assert.equal((await answer(ask('page 1', stamp, { ...refresh, turn: turn() }), 'newer')).text, 'newer')
    assert.equal((await ask('page 2')).text, 'newer')
  })

  it('are read anew after a first that was not read whole', async () => {
    const { ask, answer, scripted } = setUp()
    const turn = { lane: 'interactive', key: '', request: '' } as const
    const failed = ask('page 1', stamp, { cache: 'refresh', turn })
    const call = await scripted.nextCall()
    call.say('half', endDelta({ finishReason: 'length' }))
    await failed
    assert.equal((await answer(ask('page 2', stamp, { cache: 'refresh', turn }), 'whole')).text, 'whole')
  })

  it('are read again when only what pointed to the answer is left', async () => {
    const { ask, answer, values } = setUp()
    const memory = createMemoryStore({ maxBytes: 1_000_000, maxValueBytes: 100_000, ttlSeconds: 60 })
    await answer(ask('page 1'), 'first')
    const pointer = values.get('page 1')
    assert.ok(pointer !== undefined && pointer.length < 200, pointer)
    await memory.set('page 1', pointer)
    const scripted = createScriptedEngine()
    const engine = cachedEngine(scripted.engine, memory)
    const asked = collect(engine(pagePrompt('page 1'), live))
    const call = await scripted.nextCall()
    call.say('again', endDelta())
    assert.equal((await within(asked, 2_000, 'the answer')).text, 'again')
  })
})
