import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMemoryStore } from '../../../gateway/cache/memory-store.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import type { PageImage } from '../../../gateway/page/page.ts'
import { tesseract } from '../../../gateway/profile/models/tesseract.ts'
import type { AskEngine } from '../../../gateway/read/ask.ts'
import { createGuard } from '../../../gateway/read/guard/guard.ts'
import { createFlights } from '../../../gateway/read/flights.ts'
import { createOnce } from '../../../gateway/read/once.ts'
import type { PageToRead } from '../../../gateway/read/page-to-read.ts'
import { readPage } from '../../../gateway/read/read-page.ts'
import { createKeyGates } from '../../../gateway/schedule/request-gates.ts'
import { createSlots } from '../../../gateway/schedule/slots.ts'
import { servedModel } from '../../support/page-prompt.ts'
import { someone } from '../../support/turn.ts'
import { within } from '../../support/within.ts'
import { createScriptedEngine, goodEnd, pageImage } from './scripted-engine.ts'
import { answerOf, cachedPage, createScriptedReading } from './scripted-reading.ts'

const live = new AbortController().signal

function setUp(changes: { readonly ask?: AskEngine } = {}) {
  const scripted = createScriptedReading()
  const slots = createSlots(() => 1)
  const modelSlots = { slotsFor: () => slots, refill: () => {}, waiting: () => slots.waiting }
  const told: string[] = []
  const services = {
    once: createOnce(
      createMemoryStore({ maxBytes: 1_000_000, maxValueBytes: 100_000, ttlSeconds: 60 }),
      createFlights(),
    ),
    slots: { vllm: modelSlots, tesseract: modelSlots },
    gates: createKeyGates(() => Infinity),
    ask: { vllm: changes.ask ?? scripted.readImage, tesseract: async () => answerOf('by Tesseract') },
    crossCheck: { totalTimeoutSeconds: 60 },
    observer: {
      onSlot: () => void told.push('slot'),
      onBegin: () => {
        told.push('begin')
        return {
          onDrawn: () => void told.push('drawn'),
          onAnswer: ({ cache }: { readonly cache: string }) => void told.push(`answer ${cache}`),
          [Symbol.dispose]: () => void told.push('end'),
        }
      },
    },
  }
  const read = (page: PageToRead, signal = live) => within(readPage(page, services, signal), 2_000, 'the page')
  return { scripted, slots, told, read }
}

describe('reading a page', () => {
  it('reports pages that are read here, and not hits', async () => {
    const { scripted, told, read } = setUp()
    const first = read(cachedPage('a'))
    const reading = await scripted.nextReading()
    reading.answer('A')
    assert.deepEqual(await first, answerOf('A'))
    const second = await read(cachedPage('a', { draw: () => assert.fail('drawn again') }))
    assert.deepEqual([second.text, second.cache], ['A', 'hit'])
    assert.deepEqual(told, ['slot', 'begin', 'drawn', 'answer miss', 'end'])
  })

  it('asks the engine of its model', async () => {
    const { read } = setUp()
    const { text } = await read(cachedPage('a', { model: servedModel(tesseract, { engine: 'tesseract' }) }))
    assert.equal(text, 'by Tesseract')
  })

  it('asks no engine about a page without ink', async () => {
    const { scripted, told, read } = setUp()
    const answer = await read(cachedPage('a', { draw: async () => ({ ...pageImage, blank: true }) }))
    assert.deepEqual([answer.blank, answer.text, answer.finishReason], [true, '', 'stop'])
    assert.equal(scripted.readings.length, 0)
    assert.deepEqual(told, ['slot', 'begin', 'drawn', 'end'])
  })

  it('reports a page whose image was read before as a hit', async () => {
    const { scripted, told, read } = setUp()
    const draw = async (): Promise<PageImage> => ({ ...pageImage, sha256: 'ab12' })
    const first = read(cachedPage('a', { draw }))
    const reading = await scripted.nextReading()
    reading.answer('stamp')
    await first
    assert.equal((await read(cachedPage('b', { draw }))).text, 'stamp')
    assert.deepEqual(told.slice(-3), ['drawn', 'answer hit', 'end'])
  })

  it('reads tiles one after the other, and skips a tile without ink', async () => {
    const { scripted, read } = setUp()
    const tile = { ...pageImage, width: 400, above: null, left: null }
    const tiles = [[tile, { ...tile, blank: true }], [{ ...tile, height: 500 }]]
    const answer = read(cachedPage('a', { draw: async () => ({ ...pageImage, tiles }) }))
    const first = await scripted.nextReading()
    assert.equal(first.image, tile)
    assert.equal(scripted.readings.length, 1)
    first.answer('# Top of the page', { attempts: 2, reasons: ['loop'] })
    const second = await scripted.nextReading()
    second.answer('and its bottom')
    const { text, attempts, reasons, usage, width } = await answer
    assert.equal(text, '# Top of the page\n\nand its bottom')
    assert.deepEqual([attempts, reasons, width], [2, ['loop'], 800])
    assert.deepEqual(usage, { promptTokens: 20, completionTokens: 10 })
  })
})

describe('a page in tiles', () => {
  it('ends as the tile that did not end well', async () => {
    const { scripted, read } = setUp()
    const tile = { ...pageImage, above: null, left: null }
    const answer = read(cachedPage('a', { draw: async () => ({ ...pageImage, tiles: [[tile], [tile]] }) }))
    for (const finishReason of ['length', 'stop']) {
      const reading = await scripted.nextReading()
      reading.answer('some text', { finishReason })
    }
    assert.equal((await answer).finishReason, 'length')
  })
})

describe('drawing a page', () => {
  it('happens once for all attempts at it', async () => {
    const engine = createScriptedEngine()
    const guard = createGuard(engine.engine, { totalTimeoutSeconds: 60 })
    const { read } = setUp({ ask: guard })
    let drawn = 0
    const answer = read(
      cachedPage('a', {
        draw: async () => {
          drawn++
          return pageImage
        },
      }),
    )
    for (const text of ['', '# Title']) {
      const call = await engine.nextCall()
      call.say(text, goodEnd())
    }
    assert.deepEqual((await answer).reasons, ['empty'])
    assert.equal(drawn, 1)
  })

  it('fails the page when it fails, and asks no engine', async () => {
    const { scripted, slots, told, read } = setUp()
    const failure = new GatewayError('page_too_large', 'The page is too large.')
    const draw = () => Promise.reject(failure)
    await assert.rejects(read(cachedPage('a', { draw })), (error) => error === failure)
    assert.equal(scripted.readings.length, 0)
    assert.equal(slots.active, 0)
    assert.deepEqual(told, ['slot', 'begin', 'end'])
  })
})

describe('the slot of a page', () => {
  it('is taken before the page is drawn, and is released at the end', async () => {
    const { scripted, slots, read } = setUp()
    const first = read(cachedPage('a'))
    let isDrawn = false
    const second = read(
      cachedPage('b', {
        draw: async () => {
          isDrawn = true
          return pageImage
        },
      }),
    )
    const readingA = await scripted.nextReading()
    assert.deepEqual([isDrawn, slots.waiting], [false, 1])
    readingA.answer('A')
    await first
    const readingB = await scripted.nextReading()
    readingB.answer('B')
    assert.equal((await second).text, 'B')
    assert.deepEqual([slots.active, slots.waiting], [0, 0])
  })

  it('is released when the engine fails', async () => {
    const { scripted, slots, read } = setUp()
    const answer = read(cachedPage('a'))
    const reading = await scripted.nextReading()
    reading.fail(new Error('engine broke'))
    await assert.rejects(answer, /engine broke/)
    assert.equal(slots.active, 0)
  })

  it('is kept by an aborted page until its engine has ended its work', async () => {
    const ended = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const { slots, read } = setUp({
      async ask(_page, _image, signal) {
        started.resolve()
        await ended.promise
        signal.throwIfAborted()
        return answerOf('too late')
      },
    })
    const client = new AbortController()
    const answer = read(cachedPage('a', { cache: 'off' }), client.signal)
    await started.promise
    client.abort(new Error('gone'))
    assert.equal(slots.active, 1)
    ended.resolve()
    await assert.rejects(answer, /gone/)
    assert.equal(slots.active, 0)
  })

  it('is not taken by a page that was aborted in the queue', async () => {
    const { scripted, slots, read } = setUp()
    const release = await slots.acquire(someone, live)
    const client = new AbortController()
    const answer = read(cachedPage('a'), client.signal)
    client.abort(new Error('gone'))
    await assert.rejects(answer, /gone/)
    release()
    assert.equal(scripted.readings.length, 0)
    assert.deepEqual([slots.active, slots.waiting], [0, 0])
  })
})
