import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { StreamEvents } from '../../../gateway/answer/writer.ts'
import { eventStream } from '../../../gateway/http/event-stream.ts'

/** Answers with events; `ends` says of each end whether the client had left. */
function answer(events: StreamEvents) {
  const ends: boolean[] = []
  const response = eventStream(events, {
    headers: {},
    last: '[DONE]',
    keepAlive: () => ({ data: {} }),
    onError: (thrown) => ({ data: { error: (thrown as Error).message } }),
    onEnd: (left) => void ends.push(left),
    leave: new AbortController(),
  })
  return { body: response.body!, ends }
}

async function piecesOf(events: StreamEvents): Promise<string[]> {
  return Array.fromAsync(answer(events).body.pipeThrough(new TextDecoderStream()))
}

describe('a stream of events', () => {
  it('sends events together that come together, and others as they come', async () => {
    const pieces = await piecesOf(
      (async function* events() {
        yield [{ data: { page: 1 } }]
        yield [{ name: 'page', data: { page: 2 } }]
        await setImmediate()
        await setImmediate()
        yield [{ data: { page: 3 } }]
      })(),
    )
    assert.equal(pieces[0], 'data: {"page":1}\n\nevent: page\ndata: {"page":2}\n\n')
    assert.equal(pieces.slice(1).join(''), 'data: {"page":3}\n\ndata: [DONE]\n\n')
  })

  it('sends what came before a failure, and then the failure', async () => {
    const pieces = await piecesOf(
      (async function* events() {
        yield [{ data: { page: 1 } }]
        throw new Error('the engine is gone')
      })(),
    )
    assert.deepEqual(pieces.slice(0, 2), ['data: {"page":1}\n\n', 'data: {"error":"the engine is gone"}\n\n'])
  })

  it('writes a long event as it is sent, as the last one of a document of many pages', async () => {
    const data = {
      ocr: { pages: Array.from({ length: 20_000 }, (_, page) => ({ page, status: 'ok', error: undefined })) },
    }
    const pieces = await piecesOf(
      (async function* events() {
        yield [{ name: 'end', data }, { data: { page: 2 } }]
      })(),
    )
    assert.ok(pieces.length > 3 && Math.max(...pieces.map(({ length }) => length)) < 70_000)
    const expected = `event: end\ndata: ${JSON.stringify(data)}\n\ndata: {"page":2}\n\ndata: [DONE]\n\n`
    assert.equal(pieces.join(''), expected)
  })

  it('sends what came together in several pieces where it is long, and all of it', async () => {
    const long = Array.from({ length: 50 }, (_, page) => ({ data: { page, text: 'x'.repeat(4000) } }))
    const pieces = await piecesOf(
      (async function* events() {
        yield long
      })(),
    )
    assert.ok(Math.max(...pieces.map(({ length }) => length)) < 40_000)
    const expected = long.map(({ data }) => `data: ${JSON.stringify(data)}\n\n`).join('')
    assert.equal(pieces.join(''), `${expected}data: [DONE]\n\n`)
  })

  it('takes no more from the pipeline than a client that reads nothing can be sent at once', async () => {
    let taken = 0
    const { body, ends } = answer(
      (async function* events() {
        for (; taken < 1000; taken++) yield [{ data: { text: 'x'.repeat(4000) } }]
      })(),
    )
    for (let turn = 0; turn < 50; turn++) await setImmediate()
    // A few pieces of 32 KiB wait in the streams.
    assert.ok(taken > 1 && taken < 60, `${taken} events`)
    await body.cancel()
    assert.deepEqual(ends, [true])
  })
})
