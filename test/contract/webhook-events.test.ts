import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses'
import { webhookEvent, webhookEventList, webhookPayload } from '../../gateway/wire/openai/webhook.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { makePdf } from '../support/make-pdf.ts'
import { inputFile, inputOf } from '../support/read-response.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { startReceiver, unwrapEvent, type WebhookReceiver } from '../support/start-receiver.ts'
import { eventually } from '../support/within.ts'

const DEADLINE = 10_000
const PATH = '/webhooks/events'

describe('webhook events', () => {
  let fake: FakeVllm
  let receiver: WebhookReceiver
  let gateway: TestGateway

  before(async () => {
    fake = await startFakeVllm()
    receiver = await startReceiver()
    gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_API_KEYS: 'one:1,two:2',
      ...receiver.settings,
    })
  })
  after(async () => {
    await gateway.stop()
    await receiver[Symbol.asyncDispose]()
    await fake.close()
  })

  const as = (apiKey: string) => gateway.client.withOptions({ apiKey })
  const begin = async (apiKey: string, page: number, more: object = {}) => {
    const input = inputOf(inputFile(makePdf([{ number: page }])))
    const params = { model: 'default', background: true, input, ...more }
    return as(apiKey).responses.create(params as ResponseCreateParamsNonStreaming)
  }
  const listed = async (apiKey: string, query: Record<string, unknown> = {}) =>
    webhookEventList.parse(await as(apiKey).get(PATH, { query }))
  const eventFor = async (apiKey: string, objectId: string) => {
    const find = async () => (await listed(apiKey)).data.find(({ data }) => data.id === objectId)
    await eventually(async () => (await find())?.delivery.status === 'delivered', DEADLINE, 'the delivery')
    return (await find())!
  }

  it('say what a receiver was sent, and how that went', async () => {
    const { id } = await begin('1', 1)
    const { delivery, ...event } = await eventFor('1', id)
    const [received] = receiver.received
    assert.deepEqual(event, await unwrapEvent(received!))
    assert.deepEqual(event, webhookPayload.parse(JSON.parse(received!.body)))
    assert.deepEqual([event.type, received!.headers['content-type']], ['response.completed', 'application/json'])
    const { ended_at: endedAt, ...rest } = delivery
    assert.deepEqual(rest, { status: 'delivered', attempts: 1, next_attempt_at: null, last_error: null })
    assert.ok(Math.abs(endedAt! - Date.now() / 1000) < 30)
    assert.deepEqual(webhookEvent.parse(await as('1').get(`${PATH}/${event.id}`)), { ...event, delivery })
  })

  it('tell of responses that were cancelled, and that failed', async () => {
    const { id } = await begin('1', 1, { input: inputOf(inputFile(Buffer.from('%PDF-1.7\nno document'))) }).catch(() => ({ id: '' })) // prettier-ignore
    // A document that cannot be opened is refused, or fails in the background.
    if (id !== '') assert.equal((await eventFor('1', id)).type, 'response.failed')
    fake.setHealthy(false)
    const { id: cancelled } = await begin('1', 9, { ocr: { cache: 'off' } })
    await as('1').responses.cancel(cancelled)
    fake.setHealthy(true)
    assert.equal((await eventFor('1', cancelled)).type, 'response.cancelled')
  })

  it('are seen and sent again by their own key alone', async () => {
    const { id } = await begin('2', 2)
    const event = await eventFor('2', id)
    assert.equal(
      (await listed('1')).data.some((other) => other.id === event.id),
      false,
    )
    const notFound = { status: 404, code: 'not_found', message: /no event "evt_.*another key/ }
    await assert.rejects(as('1').get(`${PATH}/${event.id}`), notFound)
    await assert.rejects(as('1').post(`${PATH}/${event.id}/redeliver`), notFound)
    const before = receiver.received.length
    const again = webhookEvent.parse(await as('2').post(`${PATH}/${event.id}/redeliver`))
    assert.deepEqual([again.id, again.delivery.status, again.delivery.attempts], [event.id, 'pending', 0])
    await eventually(() => receiver.received.length > before, DEADLINE, 'the second delivery')
    assert.equal(receiver.received.at(-1)!.body, receiver.received.find(({ body }) => body.includes(id))!.body)
  })

  it('are listed in parts', async () => {
    for (const page of [3, 4]) await eventFor('2', (await begin('2', page)).id)
    const first = await listed('2', { limit: 2 })
    assert.deepEqual([first.data.length, first.has_more, first.last_id], [2, true, first.data[1]!.id])
    const rest = await listed('2', { limit: 2, after: first.last_id })
    assert.deepEqual([rest.data.length, rest.has_more], [1, false])
    assert.deepEqual((await listed('2', { status: 'failed' })).data, [])
    assert.equal((await listed('2', { status: 'delivered' })).data.length, 3)
  })

  for (const { name, query, message } of [
    { name: 'a limit', query: { limit: '0' }, message: /limit: expected a number from 1 to 100/ },
    { name: 'a status', query: { status: 'lost' }, message: /status: expected "pending", "delivered" or "failed"/ },
    { name: 'a place', query: { after: 'evt_none' }, message: /after: there is no such event/ },
  ])
    it(`refuse ${name} that is none`, async () => {
      await assert.rejects(listed('1', query), { status: 400, code: 'invalid_value', message })
    })

  it('are no part of a gateway without a receiver', async () => {
    await using plain = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const message = /sends no webhooks: GATEWAY_WEBHOOK_URL is not set/
    await assert.rejects(plain.client.get(PATH), { status: 404, code: 'not_found', message })
  })
})
