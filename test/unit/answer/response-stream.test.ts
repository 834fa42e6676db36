import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createResponseStream } from '../../../gateway/answer/response-stream.ts'
import { newResponse, readResponseObject } from '../../../gateway/answer/response.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import { responseEvent, type ResponseEvent } from '../../../gateway/wire/openai/response-events.ts'
import { responseObject } from '../../../gateway/wire/openai/response.ts'
import { makeRequest } from '../../support/make-request.ts'

const answer = {
  stream: true,
  background: true,
  store: true,
  instructions: null,
  metadata: {},
  previousResponseId: null,
  format: { type: 'text' },
  serviceTier: 'flex',
} as const
const head = newResponse('ocr', answer)
const document = { sha256: 'a', mediaType: 'application/pdf', pages: 0, name: null }
const done = readResponseObject(
  head,
  { content: 'text', ledger: { documents: [document], pages: [], warnings: [] } },
  makeRequest(),
)
const told = (event: ResponseEvent) => [event.sequence_number, responseEvent.parse(event).type.replace('response.', '')]

describe('the events of a response', () => {
  it('have the same numbers whenever they are made', () => {
    const steps = [
      { type: 'created' },
      { type: 'begun' },
      { type: 'text', text: 'te', page: 1 },
      { type: 'text', text: 'xt', page: null },
      { type: 'done', response: done },
    ] as const
    const make = () => {
      const stream = createResponseStream(head)
      return steps.flatMap((step) => stream.next(step))
    }
    const events = make()
    assert.deepEqual(make(), events)
    assert.deepEqual(events.map(told), [
      [0, 'created'],
      [1, 'queued'],
      [2, 'in_progress'],
      [3, 'output_item.added'],
      [4, 'content_part.added'],
      [5, 'output_text.delta'],
      [6, 'output_text.delta'],
      [7, 'output_text.done'],
      [8, 'content_part.done'],
      [9, 'output_item.done'],
      [10, 'completed'],
    ])
  })

  it('are not counted where they only keep a client waiting, or break off', () => {
    const stream = createResponseStream(head)
    stream.next({ type: 'created' })
    assert.deepEqual(told(stream.keepAlive()), [1, 'queued'])
    stream.next({ type: 'begun' })
    const awake = stream.keepAlive()
    assert.deepEqual(told(awake), [4, 'output_text.delta'])
    assert.ok(awake.type === 'response.output_text.delta' && awake.delta === '')
    const error = new GatewayError('draining', 'Later.')
    assert.deepEqual(told(stream.broken(error)), [4, 'error'])
    assert.deepEqual(stream.next({ type: 'text', text: 'a', page: 1 }).map(told), [[5, 'output_text.delta']])
    assert.deepEqual(stream.next({ type: 'failed', error }).map(told), [[6, 'error']])
  })

  it('say of one whose client waits that it is in progress from the start', () => {
    const stream = createResponseStream({ ...head, answer: { ...answer, background: false } })
    assert.deepEqual(stream.next({ type: 'created' }).map(told), [[0, 'created']])
    assert.deepEqual(told(stream.keepAlive()), [0, 'in_progress'])
  })
})

describe('a response', () => {
  it('is whole', () => {
    assert.deepEqual(responseObject.parse(done), done)
    assert.equal(done.service_tier, 'flex')
    assert.equal(done.output[0]?.id, head.id.replace('resp_', 'msg_'))
  })
})
