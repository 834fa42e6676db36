import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { makePdf } from '../support/make-pdf.ts'
import { inputFile, inputOf } from '../support/read-response.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { startReceiver, unwrapEvent } from '../support/start-receiver.ts'
import { eventually } from '../support/within.ts'

const DEADLINE = 20_000

const begin = ({ client }: Pick<TestGateway, 'client'>, more: object = {}) =>
  client.responses.create({
    model: 'default',
    background: true,
    input: inputOf(inputFile(makePdf([{ number: 1 }]))),
    ...more,
  } as ResponseCreateParamsNonStreaming)

describe('webhooks', () => {
  it('tell of a background response that was read, signed as the official client wants it', async () => {
    await using fake = await startFakeVllm()
    await using receiver = await startReceiver()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, ...receiver.settings })
    const { id } = await begin(gateway)
    await eventually(() => receiver.received.length > 0, DEADLINE, 'the event')
    const [event] = receiver.received
    const { id: eventId, created_at: createdAt, ...rest } = await unwrapEvent(event!)
    assert.deepEqual(rest, { object: 'event', type: 'response.completed', data: { id } })
    assert.match(eventId, /^evt_[0-9a-f]{32}$/)
    assert.equal(event!.headers['webhook-id'], eventId)
    assert.ok(Math.abs(createdAt - Date.now() / 1000) < 30)
  })
})
