import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createMemoryStore } from '../../../gateway/cache/memory-store.ts'
import type { PageStore } from '../../../gateway/cache/page-store.ts'
import { cachedEngine } from '../../../gateway/read/cached-engine.ts'
import type { EndDelta, PagePrompt } from '../../../gateway/engine/engine.ts'
import { within } from '../../support/within.ts'
import { collect, createScriptedEngine, endDelta, pageImage, pagePrompt } from './scripted-engine.ts'

const live = new AbortController().signal

function setUp(changes: Partial<PageStore> = {}) {
  const memory = createMemoryStore({ maxBytes: 1_000_000, maxValueBytes: 100_000, ttlSeconds: 60 })
  const asked: string[] = []
  const store: PageStore = {
    ...memory,
    get: (pageKey, signal) => {
      asked.push(`get ${pageKey}`)
      return memory.get(pageKey, signal)
    },
    set: (pageKey, value) => {
      asked.push(`set ${pageKey}`)
      return memory.set(pageKey, value)
    },
    ...changes,
  }
  const scripted = createScriptedEngine()
  const engine = cachedEngine(scripted.engine, store)
  const ask = (prompt: PagePrompt, signal = live) => within(collect(engine(prompt, signal)), 2_000, 'the answer')
  return { engine, ask, scripted, memory, asked }
}

type SetUp = ReturnType<typeof setUp>

async function answerOnce({ ask, scripted }: SetUp, prompt: PagePrompt, ...pieces: (string | EndDelta)[]) {
  const answer = ask(prompt)
  const call = await scripted.nextCall()
  call.say(...pieces)
  return answer
}

/** A page image that a test hands over when it wants to. */
function createImage() {
  const asked = Promise.withResolvers<void>()
  const drawn = Promise.withResolvers<typeof pageImage>()
  const image = () => {
    asked.resolve()
    return drawn.promise
  }
  return { image, asked: within(asked.promise, 2_000, 'the image is asked for'), drawn }
}

describe('cached engine: the store', () => {
  it('answers an equal page from the store: same text, same numbers, no drawing, no engine', async () => {
    const gateway = setUp()
    const end = endDelta({ usage: { promptTokens: 7, completionTokens: 9 }, width: 1, height: 2, engine: 'tesseract' })
    const first = await answerOnce(gateway, pagePrompt('a'), '# Tit', 'le', end)
    assert.deepEqual(first, { text: '# Title', end: { ...end, cache: 'miss' } })

    const second = await gateway.ask(pagePrompt('a', { image: () => assert.fail('a hit costs no drawing') }))
    assert.deepEqual(second, { text: '# Title', end: { ...end, cache: 'hit' } })
    assert.equal(gateway.scripted.calls.length, 1)
  })

  it('keeps different page keys apart', async () => {
    const gateway = setUp()
    await answerOnce(gateway, pagePrompt('a'), 'A', endDelta())
    const other = await answerOnce(gateway, pagePrompt('b'), 'B', endDelta())
    assert.equal(other.text, 'B')
  })

  it('hands a hit over as one text delta and the end', async () => {
    const gateway = setUp()
    await answerOnce(gateway, pagePrompt('a'), 'o', 'n', 'e', endDelta())
    const types: string[] = []
    for await (const delta of gateway.engine(pagePrompt('a'), live)) types.push(delta.type)
    assert.deepEqual(types, ['text', 'end'])
  })

  const notStored: { name: string; pieces: (string | EndDelta)[] }[] = [
    { name: 'an answer that was cut off', pieces: ['# Ti', endDelta({ finishReason: 'length' })] },
    { name: 'an answer that repeated itself', pieces: ['la la', endDelta({ finishReason: 'repetition' })] },
    { name: 'an answer that the engine aborted', pieces: ['# Ti', endDelta({ finishReason: 'abort' })] },
    { name: 'an empty answer', pieces: [endDelta()] },
    { name: 'an answer of white space', pieces: [' \n', '\t\n', endDelta()] },
  ]
  for (const { name, pieces } of notStored) {
    it(`does not store ${name}`, async () => {
      const gateway = setUp()
      await answerOnce(gateway, pagePrompt('a'), ...pieces)
      const second = await answerOnce(gateway, pagePrompt('a'), 'whole', endDelta())
      assert.equal(second.text, 'whole')
      assert.equal(second.end?.cache, 'miss')
      assert.deepEqual(gateway.asked, ['get a', 'get a', 'set a'])
    })
  }

  it('does not store a stream that was broken off, and passes it on as it was', async () => {
    const gateway = setUp()
    const answer = gateway.ask(pagePrompt('a'))
    const call = await gateway.scripted.nextCall()
    call.say('# Ti')
    call.breakOff()
    assert.deepEqual(await answer, { text: '# Ti', end: undefined })
    assert.deepEqual(gateway.asked, ['get a'])
  })

  it('does not store a failed answer; the page key is free again', async () => {
    const gateway = setUp()
    const answer = gateway.ask(pagePrompt('a'))
    const call = await gateway.scripted.nextCall()
    call.say('# Ti')
    call.fail(new Error('engine broke'))
    await assert.rejects(answer, /engine broke/)
    const second = await answerOnce(gateway, pagePrompt('a'), 'whole', endDelta())
    assert.equal(second.text, 'whole')
  })

  it('recomputes and stores on `refresh`, whatever the store holds', async () => {
    const gateway = setUp()
    await answerOnce(gateway, pagePrompt('a'), 'old', endDelta())
    const fresh = await answerOnce(gateway, pagePrompt('a', { cache: 'refresh' }), 'new', endDelta())
    assert.deepEqual([fresh.text, fresh.end?.cache], ['new', 'miss'])
    const after = await gateway.ask(pagePrompt('a'))
    assert.deepEqual([after.text, after.end?.cache], ['new', 'hit'])
    assert.deepEqual(gateway.asked, ['get a', 'set a', 'set a', 'get a'])
  })

  it('neither reads nor stores on `off`', async () => {
    const gateway = setUp()
    await answerOnce(gateway, pagePrompt('a'), 'stored', endDelta())
    const off = await answerOnce(gateway, pagePrompt('a', { cache: 'off' }), 'own', endDelta())
    assert.deepEqual([off.text, off.end?.cache], ['own', 'miss'])
    assert.deepEqual(gateway.asked, ['get a', 'set a'])
    assert.equal((await gateway.ask(pagePrompt('a'))).text, 'stored')
  })

  const good = { v: 1, text: 'x', finishReason: 'stop', usage: { promptTokens: 1, completionTokens: 1 } }
  const shape = { width: 1, height: 1, rasterizer: 'pdfjs', engine: 'vllm' }
  const unreadable = [
    { name: 'no JSON', value: 'oops' },
    { name: 'JSON of another shape', value: '[]' },
    { name: 'a value cut in two', value: JSON.stringify({ ...good, ...shape }).slice(0, -9) },
    { name: 'another version', value: JSON.stringify({ ...good, ...shape, v: 2 }) },
    { name: 'an answer that was cut off', value: JSON.stringify({ ...good, ...shape, finishReason: 'length' }) },
    { name: 'a text that is none', value: JSON.stringify({ ...good, ...shape, text: 5 }) },
    { name: 'an unknown engine', value: JSON.stringify({ ...good, ...shape, engine: 'other' }) },
  ]
  for (const { name, value } of unreadable) {
    it(`takes a stored value that it cannot use for a miss, and replaces it: ${name}`, async () => {
      const gateway = setUp()
      await gateway.memory.set('a', value)
      const answer = await answerOnce(gateway, pagePrompt('a'), 'whole', endDelta())
      assert.deepEqual([answer.text, answer.end?.cache], ['whole', 'miss'])
      assert.equal((await gateway.ask(pagePrompt('a'))).end?.cache, 'hit')
    })
  }

  const broken: { name: string; store: Partial<PageStore> }[] = [
    {
      name: 'one that rejects',
      store: { get: () => Promise.reject(new Error('disk')), set: () => Promise.reject(new Error('disk')) },
    },
    {
      name: 'one that throws',
      store: {
        get: () => {
          throw new Error('disk')
        },
        set: () => {
          throw new Error('disk')
        },
      },
    },
    { name: 'one whose writes never end', store: { set: () => new Promise(() => {}) } },
  ]
  for (const { name, store } of broken) {
    it(`reads pages with a broken store too: ${name}`, async () => {
      const gateway = setUp(store)
      for (const text of ['once', 'twice']) {
        const answer = await answerOnce(gateway, pagePrompt('a'), text, endDelta())
        assert.deepEqual([answer.text, answer.end?.cache], [text, 'miss'])
      }
    })
  }

  it('lets a client go while the store has not answered', async () => {
    const gateway = setUp({ get: () => new Promise(() => {}) })
    const client = new AbortController()
    const answer = gateway.ask(pagePrompt('a'), client.signal)
    client.abort(new Error('gone'))
    await assert.rejects(answer, /gone/)
    assert.equal(gateway.scripted.calls.length, 0)
  })

  it('asks nothing of the engine when the client has gone before the store answered', async () => {
    const stored = Promise.withResolvers<null>()
    const gateway = setUp({ get: () => stored.promise })
    const client = new AbortController()
    const answer = gateway.ask(pagePrompt('a'), client.signal)
    client.abort(new Error('gone'))
    await assert.rejects(answer, /gone/)
    stored.resolve(null)
    await setImmediate()
    assert.equal(gateway.scripted.calls.length, 0)
  })

  it('asks nothing for a client that has gone already', async () => {
    const gateway = setUp()
    await assert.rejects(gateway.ask(pagePrompt('a'), AbortSignal.abort(new Error('gone'))), /gone/)
    assert.deepEqual(gateway.asked, [])
    assert.equal(gateway.scripted.calls.length, 0)
  })
})

describe('cached engine: a page already in flight', () => {
  it('computes equal pages asked at once only once; who comes later gets everything from the beginning', async () => {
    const gateway = setUp()
    const first = gateway.ask(pagePrompt('a'))
    const call = await gateway.scripted.nextCall()
    const second = gateway.ask(pagePrompt('a'))
    call.say('one ', 'two ')
    const third = gateway.ask(pagePrompt('a'))
    call.say('three', endDelta())
    const answers = await Promise.all([first, second, third])
    assert.deepEqual(
      answers.map(({ text, end }) => [text, end?.cache]),
      [
        ['one two three', 'miss'],
        ['one two three', 'joined'],
        ['one two three', 'joined'],
      ],
    )
    assert.equal(gateway.scripted.calls.length, 1)
    assert.deepEqual(gateway.asked, ['get a', 'set a'])
  })

  it('passes each delta on as it comes, to all', async () => {
    const gateway = setUp()
    const readers = [1, 2].map(() => gateway.engine(pagePrompt('a'), live)[Symbol.asyncIterator]())
    const firsts = readers.map((reader) => reader.next())
    const call = await gateway.scripted.nextCall()
    call.say('early')
    for (const first of firsts) {
      const { value } = await within(first, 2_000, 'the first delta')
      assert.deepEqual(value, { type: 'text', text: 'early' })
    }
    call.say(endDelta())
    for (const reader of readers) assert.equal((await within(reader.next(), 2_000, 'the end')).value?.type, 'end')
  })

  it('gives a hit to all who asked at once', async () => {
    const gateway = setUp()
    await answerOnce(gateway, pagePrompt('a'), 'A', endDelta())
    const answers = await Promise.all([1, 2, 3].map(() => gateway.ask(pagePrompt('a'))))
    assert.deepEqual(
      answers.map(({ text, end }) => [text, end?.cache]),
      [1, 2, 3].map(() => ['A', 'hit']),
    )
    assert.deepEqual(gateway.asked, ['get a', 'set a', 'get a'])
  })

  it('does not leave a gap between the flight and the store: one who asks right after the end hits', async () => {
    const gateway = setUp()
    const reader = gateway.engine(pagePrompt('a'), live)[Symbol.asyncIterator]()
    const first = reader.next()
    const call = await gateway.scripted.nextCall()
    call.say('A', endDelta())
    await first
    await reader.next()
    const after = await gateway.ask(pagePrompt('a'))
    assert.equal(after.end?.cache, 'hit')
    assert.equal(gateway.scripted.calls.length, 1)
  })

  it('does not join on `off`', async () => {
    const gateway = setUp()
    const shared = gateway.ask(pagePrompt('a'))
    const call = await gateway.scripted.nextCall()
    const own = gateway.ask(pagePrompt('a', { cache: 'off' }))
    const ownCall = await gateway.scripted.nextCall()
    ownCall.say('own', endDelta())
    assert.equal((await own).text, 'own')
    call.say('shared', endDelta())
    assert.equal((await shared).text, 'shared')
  })

  it('joins a running refresh, with `use` and with `refresh`', async () => {
    const gateway = setUp()
    await answerOnce(gateway, pagePrompt('a'), 'old', endDelta())
    const refresh = gateway.ask(pagePrompt('a', { cache: 'refresh' }))
    const call = await gateway.scripted.nextCall()
    const others = (['use', 'refresh'] as const).map((cache) => gateway.ask(pagePrompt('a', { cache })))
    call.say('new', endDelta())
    assert.equal((await refresh).end?.cache, 'miss')
    for (const other of others) {
      const { text, end } = await other
      assert.deepEqual([text, end?.cache], ['new', 'joined'])
    }
    assert.equal(gateway.scripted.calls.length, 2)
  })

  it('does not join a `use` that may still hit on `refresh`', async () => {
    const gateway = setUp()
    await answerOnce(gateway, pagePrompt('a'), 'old', endDelta())
    const use = gateway.ask(pagePrompt('a'))
    const refresh = answerOnce(gateway, pagePrompt('a', { cache: 'refresh' }), 'new', endDelta())
    assert.equal((await use).text, 'old')
    assert.equal((await refresh).text, 'new')
  })

  it('joins what says how sure it is, whether or not that is asked for, and nothing else where it is', async () => {
    const gateway = setUp()
    const plain = gateway.ask(pagePrompt('a'))
    const plainCall = await gateway.scripted.nextCall()
    const sure = gateway.ask(pagePrompt('a', { confidence: true }))
    const sureCall = await gateway.scripted.nextCall()
    const both = [true, false].map((confidence) => gateway.ask(pagePrompt('a', { confidence })))
    sureCall.say('sure', endDelta({ confidence: { mean: 0.9, lowest: 0.8 } }))
    plainCall.say('plain', endDelta())
    assert.equal((await plain).text, 'plain')
    for (const answer of [sure, ...both]) assert.equal((await answer).text, 'sure')
  })

  it('goes on when the first one leaves and another stays; the leaver gets its reason at once', async () => {
    const gateway = setUp()
    const client = new AbortController()
    const leaver = gateway.ask(pagePrompt('a'), client.signal)
    const call = await gateway.scripted.nextCall()
    const stayer = gateway.ask(pagePrompt('a'))
    call.say('one ')
    const reason = new Error('client gone')
    client.abort(reason)
    await assert.rejects(leaver, (error) => error === reason)
    assert.equal(call.signal.aborted, false)
    call.say('two', endDelta())
    const { text, end } = await stayer
    assert.deepEqual([text, end?.cache], ['one two', 'joined'])
    assert.equal((await gateway.ask(pagePrompt('a'))).end?.cache, 'hit')
    assert.equal(gateway.scripted.calls.length, 1)
  })

  it('aborts the work when the last one has left, and stores nothing', async () => {
    const gateway = setUp()
    const clients = [new AbortController(), new AbortController()]
    const answers = clients.map((client) => gateway.ask(pagePrompt('a'), client.signal))
    const call = await gateway.scripted.nextCall()
    call.say('half')
    clients[1]!.abort(new Error('second gone'))
    await assert.rejects(answers[1]!, /second gone/)
    assert.equal(call.signal.aborted, false)
    clients[0]!.abort(new Error('first gone'))
    assert.equal(call.signal.aborted, true)
    await assert.rejects(answers[0]!, /first gone/)
    await within(call.ended, 2_000, 'the engine ends')
    assert.deepEqual(gateway.asked, ['get a'])
  })

  it('starts anew for one who asks while the work of those who left is still ending', async () => {
    const gateway = setUp()
    const client = new AbortController()
    const leaver = gateway.ask(pagePrompt('a'), client.signal)
    await gateway.scripted.nextCall()
    client.abort(new Error('gone'))
    const next = answerOnce(gateway, pagePrompt('a'), 'whole', endDelta())
    await assert.rejects(leaver, /gone/)
    const { text, end } = await next
    assert.deepEqual([text, end?.cache], ['whole', 'miss'])
    // The key belongs to the second flight: the end of the first one must not have freed it.
    assert.equal((await gateway.ask(pagePrompt('a'))).end?.cache, 'hit')
  })

  it('joins the second flight although the first, given up one, ends later', async () => {
    const gateway = setUp()
    const client = new AbortController()
    const held = createImage()
    const leaver = gateway.ask(pagePrompt('a', { image: held.image }), client.signal)
    await held.asked
    client.abort(new Error('gone'))
    await assert.rejects(leaver, /gone/)
    const second = gateway.ask(pagePrompt('a'))
    const call = await gateway.scripted.nextCall()
    held.drawn.reject(new Error('document closed'))
    await within(gateway.scripted.calls[0]!.ended, 2_000, 'the first flight ends')
    const third = gateway.ask(pagePrompt('a'))
    call.say('A', endDelta())
    assert.equal((await second).end?.cache, 'miss')
    assert.equal((await third).end?.cache, 'joined')
  })

  it('counts a reader that breaks off as one who left', async () => {
    const gateway = setUp()
    const deltas = gateway.engine(pagePrompt('a'), live)
    const pending = gateway.scripted.nextCall()
    void pending.then((call) => call.say('one', 'two'))
    for await (const delta of deltas) {
      assert.equal(delta.type, 'text')
      break
    }
    const call = await pending
    assert.equal(call.signal.aborted, true)
    await within(call.ended, 2_000, 'the engine ends')
  })

  it('counts a paused reader whose signal is aborted as one who left', async () => {
    const gateway = setUp()
    const client = new AbortController()
    const reader = gateway.engine(pagePrompt('a'), client.signal)[Symbol.asyncIterator]()
    const first = reader.next()
    const call = await gateway.scripted.nextCall()
    call.say('one', 'two')
    await first
    client.abort(new Error('gone'))
    assert.equal(call.signal.aborted, true)
    await assert.rejects(reader.next(), /gone/)
  })

  it('tells all of a failure, and nobody after it', async () => {
    const gateway = setUp()
    const answers = [1, 2, 3].map(() => gateway.ask(pagePrompt('a')))
    const outcomes = Promise.allSettled(answers)
    const call = await gateway.scripted.nextCall()
    call.say('half')
    const failure = new Error('engine broke')
    call.fail(failure)
    for (const outcome of await outcomes) {
      assert.equal(outcome.status, 'rejected')
      assert.equal(outcome.reason, failure)
    }
    const after = await answerOnce(gateway, pagePrompt('a'), 'whole', endDelta())
    assert.equal(after.text, 'whole')
  })

  it('does not hold the answer back while the engine still tidies up', async () => {
    const tidied = Promise.withResolvers<void>()
    const store = createMemoryStore({ maxBytes: 1_000_000, maxValueBytes: 100_000, ttlSeconds: 60 })
    const engine = cachedEngine(async function* tidy() {
      yield { type: 'text', text: 'A' }
      yield endDelta()
      await tidied.promise
      throw new Error('nobody may hear of this')
    }, store)
    const { text } = await within(collect(engine(pagePrompt('a'), live)), 2_000, 'the answer')
    assert.equal(text, 'A')
    assert.equal((await collect(engine(pagePrompt('a'), live))).end?.cache, 'hit')
    tidied.resolve()
  })
})

describe('cached engine: whose document draws the page', () => {
  it('draws with the first one; who joins draws nothing', async () => {
    const gateway = setUp()
    const first = gateway.ask(pagePrompt('a'))
    const second = gateway.ask(pagePrompt('a', { image: () => assert.fail('drawn twice') }))
    const call = await gateway.scripted.nextCall()
    call.say('A', endDelta())
    await Promise.all([first, second])
  })

  it('draws with the next living one when the first left and took its document along', async () => {
    const gateway = setUp()
    const [firstClient, secondClient] = [new AbortController(), new AbortController()]
    const held = createImage()
    const first = gateway.ask(pagePrompt('a', { image: held.image }), firstClient.signal)
    await held.asked
    const second = gateway.ask(pagePrompt('a', { image: () => assert.fail('gone') }), secondClient.signal)
    const third = gateway.ask(pagePrompt('a'))
    firstClient.abort(new Error('first gone'))
    secondClient.abort(new Error('second gone'))
    await assert.rejects(first, /first gone/)
    await assert.rejects(second, /second gone/)
    held.drawn.reject(new Error('document closed'))
    const call = await gateway.scripted.nextCall()
    call.say('A', endDelta())
    assert.deepEqual((await third).text, 'A')
  })

  it('keeps what the first one drew although it has left meanwhile', async () => {
    const gateway = setUp()
    const client = new AbortController()
    const held = createImage()
    const first = gateway.ask(pagePrompt('a', { image: held.image }), client.signal)
    await held.asked
    const second = gateway.ask(pagePrompt('a', { image: () => assert.fail('drawn twice') }))
    client.abort(new Error('gone'))
    await assert.rejects(first, /gone/)
    held.drawn.resolve(pageImage)
    const call = await gateway.scripted.nextCall()
    call.say('A', endDelta())
    assert.equal((await second).text, 'A')
  })

  it('tells all when a page cannot be drawn and its owner is still there', async () => {
    const gateway = setUp()
    const prompt = pagePrompt('a', { image: () => Promise.reject(new Error('page too large')) })
    const answers = await Promise.allSettled([1, 2].map(() => gateway.ask(prompt)))
    for (const answer of answers) {
      assert.equal(answer.status, 'rejected')
      assert.match(String(answer.reason), /page too large/)
    }
  })

  it('gives up drawing when everyone has left', async () => {
    const gateway = setUp()
    const client = new AbortController()
    const seen = Promise.withResolvers<AbortSignal>()
    const image = (signal: AbortSignal) => {
      seen.resolve(signal)
      return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const answer = gateway.ask(pagePrompt('a', { image }), client.signal)
    const imageSignal = await within(seen.promise, 2_000, 'the image is asked for')
    client.abort(new Error('gone'))
    await assert.rejects(answer, /gone/)
    assert.equal(imageSignal.aborted, true)
    await within(gateway.scripted.calls[0]!.ended, 2_000, 'the engine ends')
  })
})
