import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { collect } from '../../../gateway/answer/collect.ts'
import { prime } from '../../../gateway/answer/prime.ts'
import type { AnswerEvents } from '../../../gateway/ocr/answer-events.ts'
import { within } from '../../support/within.ts'
import { opened, twoPages } from './told.ts'

const A_MINUTE = 60_000
const live = new AbortController().signal

/** Opens the documents, unless they cannot be; what follows comes when it is let. */
async function* held(letGo: Promise<void>, failure: Error | null = null): AnswerEvents {
  if (failure !== null) throw failure
  yield [{ type: 'document-open', documents: [], pages: 2, cachedPages: 0 }]
  await letGo
  yield* twoPages()
}

describe('waiting for the first page', () => {
  it('returns the opened documents, and loses no later event', async () => {
    const primed = await prime(opened(), A_MINUTE, live)
    assert.deepEqual([primed.opened.pages, primed.opened.cachedPages], [2, 1])
    assert.equal((await collect(primed.rest)).content, 'one|two')
  })

  it('waits no longer than its limit', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const primed = await within(prime(held(promise), 1, live), 5000, 'the stream is begun')
    resolve()
    assert.equal((await collect(primed.rest)).content, 'one|two')
  })

  it('ends the pipeline with its signal, also when nobody has read the rest', async () => {
    const ended = Promise.withResolvers<void>()
    async function* watched(): AnswerEvents {
      try {
        yield* opened()
      } finally {
        ended.resolve()
      }
    }
    const leave = new AbortController()
    await prime(watched(), A_MINUTE, leave.signal)
    leave.abort(new Error('the client has left'))
    await within(ended.promise, 5000, 'the pipeline ends')
  })

  it('leaves a later failure to the reader of the rest', async () => {
    const { promise, reject } = Promise.withResolvers<void>()
    const late = await within(prime(held(promise), 1, live), 5000, 'the stream is begun')
    reject(new Error('late'))
    await assert.rejects(collect(late.rest), { message: 'late' })
  })

  it('throws what the first page failed with', async () => {
    await assert.rejects(prime(held(Promise.reject(new Error('boom'))), A_MINUTE, live), { message: 'boom' })
  })

  it('throws why the documents cannot be opened', async () => {
    await assert.rejects(prime(held(Promise.resolve(), new Error('no document')), A_MINUTE, live), {
      message: 'no document',
    })
  })
})
