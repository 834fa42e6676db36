import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createMemoryStore } from '../../../gateway/cache/memory-store.ts'
import type { PageClaims, PageStore } from '../../../gateway/cache/page-store.ts'
import { createFlights } from '../../../gateway/read/flights.ts'
import { createFindKnown, createOnce } from '../../../gateway/read/once.ts'
import type { PageAnswer } from '../../../gateway/read/page-answer.ts'
import type { Draw, PageToRead } from '../../../gateway/read/page-to-read.ts'
import type { Turn } from '../../../gateway/schedule/turn.ts'
import { within } from '../../support/within.ts'
import { pageImage } from './scripted-engine.ts'
import { answerOf, cachedPage, createScriptedReading } from './scripted-reading.ts'

const live = new AbortController().signal

function setUp(changes: Partial<PageStore> = {}) {
  const memory = createMemoryStore({ maxBytes: 1_000_000, maxValueBytes: 100_000, ttlSeconds: 60 })
  const asked: string[] = []
  const store: PageStore = {
    ...memory,
    get: (pageKeys, signal) => {
      asked.push(`get ${pageKeys.join(' ')}`)
      return memory.get(pageKeys, signal)
    },
    set: (pageKey, value) => {
      asked.push(`set ${pageKey}`)
      return memory.set(pageKey, value)
    },
    ...changes,
  }
  const scripted = createScriptedReading()
  const flights = createFlights()
  const once = createOnce(store, flights)
  const ask = (page: PageToRead, signal = live) =>
    within(once(page.key, page, signal, scripted.read), 2_000, 'the answer')
  const findKnown = createFindKnown(store, flights)
  return { ask, findKnown, scripted, memory, asked }
}

type SetUp = ReturnType<typeof setUp>

async function answerOnce({ ask, scripted }: SetUp, page: PageToRead, text: string, changes: Partial<PageAnswer> = {}) {
  const answer = ask(page)
  const reading = await scripted.nextReading()
  reading.answer(text, changes)
  return answer
}

/** A page image that a test hands over when it wants to. */
function createDrawing() {
  const asked = Promise.withResolvers<void>()
  const drawn = Promise.withResolvers<typeof pageImage>()
  const draw = () => {
    asked.resolve()
    return drawn.promise
  }
  return { draw, asked: within(asked.promise, 2_000, 'the image is asked for'), drawn }
}

describe('reading once: the store', () => {
  it('answers an equal page from the store: same text, same numbers, no drawing, no reading', async () => {
    const gateway = setUp()
    const facts = { usage: { promptTokens: 7, completionTokens: 9 }, width: 1, height: 2, engine: 'tesseract' } as const
    const first = await answerOnce(gateway, cachedPage('a'), '# Title', facts)
    assert.deepEqual(first, answerOf('# Title', facts))

    const second = await gateway.ask(cachedPage('a', { draw: () => assert.fail('a hit costs no drawing') }))
    assert.deepEqual(second, answerOf('# Title', { ...facts, cache: 'hit' }))
    assert.equal(gateway.scripted.begun.length, 1)
  })

  it('keeps different page keys apart', async () => {
    const gateway = setUp()
    await answerOnce(gateway, cachedPage('a'), 'A')
    const other = await answerOnce(gateway, cachedPage('b'), 'B')
    assert.equal(other.text, 'B')
  })

  const notStored: { name: string; text: string; changes?: Partial<PageAnswer> }[] = [
    { name: 'an answer that was cut off', text: '# Ti', changes: { finishReason: 'length' } },
    { name: 'an answer that repeated itself', text: 'la la', changes: { finishReason: 'repetition' } },
    { name: 'an answer that the engine aborted', text: '# Ti', changes: { finishReason: 'abort' } },
    { name: 'a text layer that stands for an answer', text: 'layer', changes: { isFallback: true } },
    { name: 'an empty answer', text: '' },
    { name: 'an answer of white space', text: ' \n\t\n' },
  ]
  for (const { name, text, changes } of notStored) {
    it(`does not store ${name}`, async () => {
      const gateway = setUp()
      await answerOnce(gateway, cachedPage('a'), text, changes)
      const second = await answerOnce(gateway, cachedPage('a'), 'whole')
      assert.equal(second.text, 'whole')
      assert.equal(second.cache, 'miss')
      assert.deepEqual(gateway.asked, ['get a', 'get a', 'set a'])
    })
  }

  it('does not store a failed answer; the page key is free again', async () => {
    const gateway = setUp()
    const answer = gateway.ask(cachedPage('a'))
    const reading = await gateway.scripted.nextReading()
    reading.fail(new Error('engine broke'))
    await assert.rejects(answer, /engine broke/)
    const second = await answerOnce(gateway, cachedPage('a'), 'whole')
    assert.equal(second.text, 'whole')
  })

  it('reads and stores again on `refresh`, whatever the store holds', async () => {
    const gateway = setUp()
    await answerOnce(gateway, cachedPage('a'), 'old')
    const fresh = await answerOnce(gateway, cachedPage('a', { cache: 'refresh' }), 'new')
    assert.deepEqual([fresh.text, fresh.cache], ['new', 'miss'])
    const after = await gateway.ask(cachedPage('a'))
    assert.deepEqual([after.text, after.cache], ['new', 'hit'])
    assert.deepEqual(gateway.asked, ['get a', 'set a', 'set a', 'get a'])
  })

  it('neither reads nor stores on `off`', async () => {
    const gateway = setUp()
    await answerOnce(gateway, cachedPage('a'), 'stored')
    const off = await answerOnce(gateway, cachedPage('a', { cache: 'off' }), 'own')
    assert.deepEqual([off.text, off.cache], ['own', 'miss'])
    assert.deepEqual(gateway.asked, ['get a', 'set a'])
    assert.equal((await gateway.ask(cachedPage('a'))).text, 'stored')
  })

  const good = { v: 1, text: 'x', finishReason: 'stop', usage: { promptTokens: 1, completionTokens: 1 } }
  const shape = { width: 1, height: 1, rasterizer: 'pdfjs', engine: 'vllm' }
  const unreadable = [
    { name: 'no JSON', value: 'oops' },
    { name: 'JSON of another shape', value: '[]' },
    { name: 'a value cut in two', value: JSON.stringify({ ...good, ...shape }).slice(0, -9) },
    { name: 'another version', value: JSON.stringify({ ...good, ...shape, v: 2 }) },
    { name: 'an answer that was cut off', value: JSON.stringify({ ...good, ...shape, finishReason: 'length' }) },
    { name: 'a text that is no string', value: JSON.stringify({ ...good, ...shape, text: 5 }) },
    { name: 'an unknown engine', value: JSON.stringify({ ...good, ...shape, engine: 'other' }) },
  ]
  for (const { name, value } of unreadable) {
    it(`treats a stored value that it cannot use as a miss, and replaces it: ${name}`, async () => {
      const gateway = setUp()
      await gateway.memory.set('a', value)
      const answer = await answerOnce(gateway, cachedPage('a'), 'whole')
      assert.deepEqual([answer.text, answer.cache], ['whole', 'miss'])
      assert.equal((await gateway.ask(cachedPage('a'))).cache, 'hit')
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
        const answer = await answerOnce(gateway, cachedPage('a'), text)
        assert.deepEqual([answer.text, answer.cache], [text, 'miss'])
      }
    })
  }

  it('ends an aborted request while the store has not answered', async () => {
    const gateway = setUp({ get: () => new Promise(() => {}) })
    const client = new AbortController()
    const answer = gateway.ask(cachedPage('a'), client.signal)
    client.abort(new Error('gone'))
    await assert.rejects(answer, /gone/)
    assert.equal(gateway.scripted.begun.length, 0)
  })

  it('asks no engine when the client left before the store answered', async () => {
    const stored = Promise.withResolvers<null[]>()
    const gateway = setUp({ get: () => stored.promise })
    const client = new AbortController()
    const answer = gateway.ask(cachedPage('a'), client.signal)
    client.abort(new Error('gone'))
    await assert.rejects(answer, /gone/)
    stored.resolve([null])
    await setImmediate()
    assert.equal(gateway.scripted.begun.length, 0)
  })

  it('asks nothing for a client that has already left', async () => {
    const gateway = setUp()
    await assert.rejects(gateway.ask(cachedPage('a'), AbortSignal.abort(new Error('gone'))), /gone/)
    assert.deepEqual(gateway.asked, [])
    assert.equal(gateway.scripted.begun.length, 0)
  })
})

describe('reading once: a page already in flight', () => {
  it('reads equal pages that are asked for at once only once; a later page gets the whole answer', async () => {
    const gateway = setUp()
    const first = gateway.ask(cachedPage('a'))
    const reading = await gateway.scripted.nextReading()
    const second = gateway.ask(cachedPage('a'))
    const third = gateway.ask(cachedPage('a'))
    reading.answer('whole')
    const answers = await Promise.all([first, second, third])
    assert.deepEqual(
      answers.map(({ text, cache }) => [text, cache]),
      [
        ['whole', 'miss'],
        ['whole', 'joined'],
        ['whole', 'joined'],
      ],
    )
    assert.equal(gateway.scripted.begun.length, 1)
    assert.deepEqual(gateway.asked, ['get a', 'set a'])
  })

  it('gives a hit to all pages that asked at once', async () => {
    const gateway = setUp()
    await answerOnce(gateway, cachedPage('a'), 'A')
    const answers = await Promise.all([1, 2, 3].map(() => gateway.ask(cachedPage('a'))))
    assert.deepEqual(
      answers.map(({ text, cache }) => [text, cache]),
      [1, 2, 3].map(() => ['A', 'hit']),
    )
    assert.deepEqual(gateway.asked, ['get a', 'set a', 'get a'])
  })

  it('leaves no gap between the flight and the store: a page that asks right after the end is a hit', async () => {
    const gateway = setUp()
    await answerOnce(gateway, cachedPage('a'), 'A')
    assert.equal((await gateway.ask(cachedPage('a'))).cache, 'hit')
    assert.equal(gateway.scripted.begun.length, 1)
  })

  it('does not join on `off`', async () => {
    const gateway = setUp()
    const shared = gateway.ask(cachedPage('a'))
    const reading = await gateway.scripted.nextReading()
    const own = gateway.ask(cachedPage('a', { cache: 'off' }))
    const ownReading = await gateway.scripted.nextReading()
    ownReading.answer('own')
    assert.equal((await own).text, 'own')
    reading.answer('shared')
    assert.equal((await shared).text, 'shared')
  })

  it('joins a running refresh, with `use` and with `refresh`', async () => {
    const gateway = setUp()
    await answerOnce(gateway, cachedPage('a'), 'old')
    const refresh = gateway.ask(cachedPage('a', { cache: 'refresh' }))
    const reading = await gateway.scripted.nextReading()
    const others = (['use', 'refresh'] as const).map((cache) => gateway.ask(cachedPage('a', { cache })))
    reading.answer('new')
    assert.equal((await refresh).cache, 'miss')
    for (const other of others) {
      const { text, cache } = await other
      assert.deepEqual([text, cache], ['new', 'joined'])
    }
    assert.equal(gateway.scripted.begun.length, 2)
  })

  it('does not join a running `use`, which may be a hit, with `refresh`', async () => {
    const gateway = setUp()
    await answerOnce(gateway, cachedPage('a'), 'old')
    const use = gateway.ask(cachedPage('a'))
    const refresh = answerOnce(gateway, cachedPage('a', { cache: 'refresh' }), 'new')
    assert.equal((await use).text, 'old')
    assert.equal((await refresh).text, 'new')
  })

  it('joins a flight with confidence whether or not it wants one, and only such a flight when it wants one', async () => {
    const gateway = setUp()
    const plain = gateway.ask(cachedPage('a'))
    const plainReading = await gateway.scripted.nextReading()
    const sure = gateway.ask(cachedPage('a', { confidence: true }))
    const sureReading = await gateway.scripted.nextReading()
    const both = [true, false].map((confidence) => gateway.ask(cachedPage('a', { confidence })))
    sureReading.answer('sure', { confidence: { mean: 0.9, lowest: 0.8 } })
    plainReading.answer('plain')
    assert.equal((await plain).text, 'plain')
    for (const answer of [sure, ...both]) assert.equal((await answer).text, 'sure')
  })

  it('goes on when the first waiter leaves and another stays, whose reading it is then; the first gets its reason at once', async () => {
    const gateway = setUp()
    const client = new AbortController()
    const leaver = gateway.ask(cachedPage('a'), client.signal)
    const reading = await gateway.scripted.nextReading()
    const stayer = gateway.ask(cachedPage('a'))
    const reason = new Error('client gone')
    client.abort(reason)
    await assert.rejects(leaver, (error) => error === reason)
    assert.equal(reading.signal.aborted, false)
    reading.answer('two')
    const { text, cache } = await stayer
    assert.deepEqual([text, cache], ['two', 'miss'])
    assert.equal((await gateway.ask(cachedPage('a'))).cache, 'hit')
    assert.equal(gateway.scripted.begun.length, 1)
  })

  it('aborts the work when the last waiter has left, and stores nothing', async () => {
    const gateway = setUp()
    const clients = [new AbortController(), new AbortController()]
    const answers = clients.map((client) => gateway.ask(cachedPage('a'), client.signal))
    const reading = await gateway.scripted.nextReading()
    clients[1]!.abort(new Error('second gone'))
    await assert.rejects(answers[1]!, /second gone/)
    assert.equal(reading.signal.aborted, false)
    clients[0]!.abort(new Error('first gone'))
    assert.equal(reading.signal.aborted, true)
    await assert.rejects(answers[0]!, /first gone/)
    await within(gateway.scripted.begun[0]!.ended, 2_000, 'the work ends')
    assert.deepEqual(gateway.asked, ['get a'])
  })

  it('starts a new flight while the work of an abandoned one is still ending', async () => {
    const gateway = setUp()
    const client = new AbortController()
    const leaver = gateway.ask(cachedPage('a'), client.signal)
    await gateway.scripted.nextReading()
    client.abort(new Error('gone'))
    const next = answerOnce(gateway, cachedPage('a'), 'whole')
    await assert.rejects(leaver, /gone/)
    const { text, cache } = await next
    assert.deepEqual([text, cache], ['whole', 'miss'])
    // The key belongs to the second flight: the end of the first one must not have freed it.
    assert.equal((await gateway.ask(cachedPage('a'))).cache, 'hit')
  })

  it('joins the second flight although the abandoned first one ends later', async () => {
    const gateway = setUp()
    const client = new AbortController()
    const held = createDrawing()
    const leaver = gateway.ask(cachedPage('a', { draw: held.draw }), client.signal)
    await held.asked
    client.abort(new Error('gone'))
    await assert.rejects(leaver, /gone/)
    const second = gateway.ask(cachedPage('a'))
    const reading = await gateway.scripted.nextReading()
    held.drawn.reject(new Error('document closed'))
    await within(gateway.scripted.begun[0]!.ended, 2_000, 'the first flight ends')
    const third = gateway.ask(cachedPage('a'))
    reading.answer('A')
    assert.equal((await second).cache, 'miss')
    assert.equal((await third).cache, 'joined')
  })

  it('gives a failure to all waiters, and to no later page', async () => {
    const gateway = setUp()
    const answers = [1, 2, 3].map(() => gateway.ask(cachedPage('a')))
    const outcomes = Promise.allSettled(answers)
    const reading = await gateway.scripted.nextReading()
    const failure = new Error('engine broke')
    reading.fail(failure)
    for (const outcome of await outcomes) {
      assert.equal(outcome.status, 'rejected')
      assert.equal(outcome.reason, failure)
    }
    const after = await answerOnce(gateway, cachedPage('a'), 'whole')
    assert.equal(after.text, 'whole')
  })
})

describe('reading once: a page that another replica has claimed', () => {
  const heldBy = (end: () => 'ended' | 'ignored', waits: string[]): PageClaims => ({
    longestMs: 1_000,
    take: async () => null,
    waitForEnd: async (key, { lane }, until) => {
      waits.push(`${key} ${lane} ${Math.round((until - performance.now()) / 500)}`)
      return end()
    },
  })

  it('reads it without a claim when waiting is wrong, and stores the answer', async () => {
    const waits: string[] = []
    const ends = ['ended', 'ended', 'ignored'] as const
    const gateway = setUp({ claims: heldBy(() => ends[waits.length - 1] ?? 'ended', waits) })
    const answer = await answerOnce(gateway, cachedPage('a'), 'whole')
    assert.deepEqual([answer.text, answer.cache], ['whole', 'miss'])
    // One time limit for all the waiting.
    assert.deepEqual(
      waits,
      Array.from({ length: 3 }, () => 'a interactive 2'),
    )
    assert.equal(gateway.asked.at(-1), 'set a')
  })

  it('takes the answer that was stored while it waited, even then', async () => {
    const waits: string[] = []
    const gateway = setUp()
    await answerOnce(gateway, cachedPage('a'), 'whole')
    const [stored] = await gateway.memory.get(['a'], live)
    const late = setUp({
      claims: heldBy(() => {
        void late.memory.set('a', stored ?? '')
        return 'ignored'
      }, waits),
    })
    const answer = await late.ask(cachedPage('a'))
    assert.deepEqual([answer.text, answer.cache, late.scripted.begun.length], ['whole', 'joined', 0])
  })
})

describe('finding pages that are known', () => {
  const texts = async ({ findKnown }: SetUp, pages: readonly PageToRead[]) =>
    (await findKnown(pages, live)).map((answer) => answer?.text ?? null)

  it('asks for all of them together, and then for the answers that they share', async () => {
    const gateway = setUp()
    await answerOnce(gateway, cachedPage('a'), 'A')
    await answerOnce(gateway, cachedPage('same'), 'the same')
    for (const key of ['b', 'c']) {
      await answerOnce(gateway, cachedPage(key), 'the same', { imageKey: 'same' })
    }
    gateway.asked.length = 0
    const pages = ['a', 'b', 'missing', 'c'].map((key) => cachedPage(key))
    const found = await gateway.findKnown(pages, live)
    assert.deepEqual(found, [
      answerOf('A', { cache: 'hit' }),
      answerOf('the same', { cache: 'hit', imageKey: 'same' }),
      null,
      answerOf('the same', { cache: 'hit', imageKey: 'same' }),
    ])
    assert.deepEqual(gateway.asked, ['get a b missing c', 'get same same'])
  })

  it('leaves those out that use no stored answer, and those that are being read', async () => {
    const gateway = setUp()
    for (const key of ['a', 'b', 'c']) await answerOnce(gateway, cachedPage(key), key)
    const anew = gateway.ask(cachedPage('b', { cache: 'refresh' }))
    const reading = await gateway.scripted.nextReading()
    const pages = [cachedPage('a', { cache: 'off' }), cachedPage('b'), cachedPage('c')]
    assert.deepEqual(await texts(gateway, pages), [null, null, 'c'])
    reading.answer('new')
    await anew
    assert.deepEqual(await texts(gateway, pages), [null, 'new', 'c'])
  })

  it('finds nothing that is broken, and nothing where the store fails', async () => {
    const gateway = setUp()
    await answerOnce(gateway, cachedPage('a'), 'A')
    await answerOnce(gateway, cachedPage('b'), 'B', { imageKey: 'gone' })
    await gateway.memory.set('c', '{"v":')
    const pages = ['a', 'b', 'c'].map((key) => cachedPage(key))
    assert.deepEqual(await texts(gateway, pages), ['A', null, null])
    const failing = setUp({ get: () => Promise.reject(new Error('disk')) })
    assert.deepEqual(await texts(failing, pages), [null, null, null])
  })
})

describe('reading once: whose turn it is', () => {
  const turnOf = (lane: Turn['lane'], request: string): Turn => ({ lane, key: '', request })

  it('is that of the most urgent page, from when it joins until it leaves', async () => {
    const gateway = setUp()
    const turns: string[] = []
    const held = createDrawing()
    const draw: Draw = (_, { turn } = {}) => {
      turns.push(turn?.lane ?? 'none')
      turn?.onChange?.(() => turns.push(turn.lane))
      return held.draw()
    }
    const batch = gateway.ask(cachedPage('a', { draw, turn: turnOf('batch', '1') }))
    await held.asked
    const client = new AbortController()
    const chat = gateway.ask(cachedPage('a', { turn: turnOf('interactive', '2') }), client.signal)
    await setImmediate()
    client.abort(new Error('gone'))
    await assert.rejects(chat, /gone/)
    assert.deepEqual(turns, ['batch', 'interactive', 'batch'])
    held.drawn.resolve(pageImage)
    const reading = await gateway.scripted.nextReading()
    const { page } = reading
    assert.deepEqual([page.turn.lane, page.turn.request], ['batch', '1'])
    reading.answer('A')
    assert.equal((await batch).text, 'A')
  })
})

describe('reading once: whose document draws the page', () => {
  it('draws with the first waiter; one that joins draws nothing', async () => {
    const gateway = setUp()
    const first = gateway.ask(cachedPage('a'))
    const second = gateway.ask(cachedPage('a', { draw: () => assert.fail('drawn twice') }))
    const reading = await gateway.scripted.nextReading()
    reading.answer('A')
    await Promise.all([first, second])
  })

  it('draws with the next waiter when the first left and closed its document', async () => {
    const gateway = setUp()
    const [firstClient, secondClient] = [new AbortController(), new AbortController()]
    const held = createDrawing()
    const first = gateway.ask(cachedPage('a', { draw: held.draw }), firstClient.signal)
    await held.asked
    const second = gateway.ask(cachedPage('a', { draw: () => assert.fail('gone') }), secondClient.signal)
    const third = gateway.ask(cachedPage('a'))
    firstClient.abort(new Error('first gone'))
    secondClient.abort(new Error('second gone'))
    await assert.rejects(first, /first gone/)
    await assert.rejects(second, /second gone/)
    held.drawn.reject(new Error('document closed'))
    const reading = await gateway.scripted.nextReading()
    reading.answer('A')
    assert.deepEqual((await third).text, 'A')
  })

  it('keeps the image of the first waiter although it has left meanwhile', async () => {
    const gateway = setUp()
    const client = new AbortController()
    const held = createDrawing()
    const first = gateway.ask(cachedPage('a', { draw: held.draw }), client.signal)
    await held.asked
    const second = gateway.ask(cachedPage('a', { draw: () => assert.fail('drawn twice') }))
    client.abort(new Error('gone'))
    await assert.rejects(first, /gone/)
    held.drawn.resolve(pageImage)
    const reading = await gateway.scripted.nextReading()
    reading.answer('A')
    assert.equal((await second).text, 'A')
  })

  it('fails all waiters when a page cannot be drawn and its owner has not left', async () => {
    const gateway = setUp()
    const prompt = cachedPage('a', { draw: () => Promise.reject(new Error('page too large')) })
    const answers = await Promise.allSettled([1, 2].map(() => gateway.ask(prompt)))
    for (const answer of answers) {
      assert.equal(answer.status, 'rejected')
      assert.match(String(answer.reason), /page too large/)
    }
  })

  it('stops drawing when every waiter has left', async () => {
    const gateway = setUp()
    const client = new AbortController()
    const seen = Promise.withResolvers<AbortSignal>()
    const draw = (signal: AbortSignal) => {
      seen.resolve(signal)
      return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const answer = gateway.ask(cachedPage('a', { draw }), client.signal)
    const imageSignal = await within(seen.promise, 2_000, 'the image is asked for')
    client.abort(new Error('gone'))
    await assert.rejects(answer, /gone/)
    assert.equal(imageSignal.aborted, true)
    await within(gateway.scripted.begun[0]!.ended, 2_000, 'the work ends')
  })
})
