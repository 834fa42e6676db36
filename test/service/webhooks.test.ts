import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import OpenAI from 'openai'
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { createBatch, linesOf, untilEnded } from '../support/run-batch.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { makePdf } from '../support/make-pdf.ts'
import { readMetrics, sumBy, valueOf } from '../support/read-metrics.ts'
import { inputFile, inputOf } from '../support/read-response.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { startReceiver, unwrapEvent } from '../support/start-receiver.ts'
import { startRedis } from '../support/start-redis.ts'
import { eventually } from '../support/within.ts'

const DEADLINE = 20_000

const begin = ({ client }: Pick<TestGateway, 'client'>, more: object = {}) =>
  client.responses.create({
    model: 'default',
    background: true,
    input: inputOf(inputFile(makePdf([{ number: 1 }]))),
    ...more,
  } as ResponseCreateParamsNonStreaming)

// One waits for a lease to end, the others meanwhile.
describe('webhooks', { concurrency: 3 }, () => {
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

  it('tell of batches that were completed, cancelled, and that failed', async () => {
    await using fake = await startFakeVllm()
    await using receiver = await startReceiver()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, ...receiver.settings })
    const { client } = gateway
    const data = `data:application/pdf;base64,${Buffer.from(makePdf([{ number: 1 }])).toString('base64')}`
    const content = [{ type: 'file', file: { file_data: data } }]
    const body = { model: 'default', messages: [{ role: 'user', content }] }
    const create = (line: { custom_id: string; body: object }) =>
      createBatch(client, '/v1/chat/completions', linesOf('/v1/chat/completions', [line]))
    const completed = await create({ custom_id: 'a', body })
    const failed = await create({ custom_id: 'a', body: { model: 'none' } })
    await Promise.all([untilEnded(client, completed.id), untilEnded(client, failed.id)])
    fake.setHealthy(false)
    const cancelled = await create({ custom_id: 'a', body: { ...body, ocr: { cache: 'off' } } })
    await client.batches.cancel(cancelled.id)
    await eventually(() => receiver.received.length >= 3, DEADLINE, 'all events')
    const events = await Promise.all(receiver.received.map((event) => unwrapEvent(event)))
    const told = events.map((event) => [event.type, 'data' in event && 'id' in event.data && event.data.id] as const)
    assert.equal(told.length, 3)
    assert.deepEqual(Object.fromEntries(told), {
      'batch.cancelled': cancelled.id,
      'batch.completed': completed.id,
      'batch.failed': failed.id,
    })
    const { completed_at: endedAt } = await client.batches.retrieve(completed.id)
    assert.equal(events.find(({ type }) => type === 'batch.completed')?.created_at, endedAt)
  })

  it('are counted, with what waits and for how long', async () => {
    await using fake = await startFakeVllm()
    await using receiver = await startReceiver()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, ...receiver.settings })
    receiver.answer((response) => response.writeHead(500).end())
    await begin(gateway)
    const samples = () => readMetrics(gateway.url)
    await eventually(
      async () => valueOf(await samples(), 'ocr_gateway_webhook_events_waiting') === 1,
      DEADLINE,
      'the event is counted',
    )
    const failed = async () => sumBy(await samples(), 'ocr_gateway_webhook_deliveries_total', 'outcome')['failed'] ?? 0
    await eventually(async () => (await failed()) >= 1, DEADLINE, 'the try is counted')
    await eventually(
      async () => valueOf(await samples(), 'ocr_gateway_webhook_oldest_event_seconds') > 1,
      DEADLINE,
      'the event grows older',
    )
    // A receiver that is away is no reason to send the gateway no requests.
    assert.equal((await fetch(`${gateway.url}/ready`)).status, 200)
    receiver.answer((response) => response.writeHead(200).end())
    await eventually(
      async () => valueOf(await samples(), 'ocr_gateway_webhook_events_waiting') === 0,
      DEADLINE,
      'the next try',
    )
    assert.equal(valueOf(await samples(), 'ocr_gateway_webhook_oldest_event_seconds'), 0)
  })

  it('are sent after kill -9 in the middle of the delivery, by the next process', async () => {
    await using fake = await startFakeVllm()
    await using receiver = await startReceiver()
    const dataDir = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
    const settings = { GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_DATA_DIR: dataDir, ...receiver.settings }
    receiver.answer(() => {})
    await using first = await startGatewayProcess(settings)
    const client = new OpenAI({ baseURL: `${first.url}/v1`, apiKey: 'none', maxRetries: 0 })
    const { id } = await begin({ client })
    await eventually(() => receiver.received.length === 1, DEADLINE, 'the first try')
    first.child.kill('SIGKILL')
    await first.exited
    receiver.answer((response) => response.writeHead(200).end())
    await using second = await startGatewayProcess(settings)
    // As soon as the lease of the first has ended.
    await eventually(() => receiver.received.length === 2, 40_000, 'the second try')
    const [one, two] = await Promise.all(receiver.received.map((event) => unwrapEvent(event)))
    assert.deepEqual(one, two)
    assert.deepEqual([one!.type, 'data' in one! && 'id' in one.data && one.data.id], ['response.completed', id])
    second.child.kill('SIGKILL')
    await second.exited
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('are kept in Redis where replicas share it, and each is sent by one of them', async () => {
    await using redis = await startRedis()
    await using fake = await startFakeVllm()
    await using receiver = await startReceiver()
    const settings = { GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_REDIS_URL: redis.url, ...receiver.settings }
    await using one = await startTestGateway(settings)
    await using two = await startTestGateway(settings)
    const responses = await Promise.all([one, two, one, two].map((gateway) => begin(gateway)))
    const ids = responses.map(({ id }) => id).toSorted()
    await eventually(() => receiver.received.length >= ids.length, DEADLINE, 'all events')
    const told = receiver.received.map(({ body }) => (JSON.parse(body) as { data: { id: string } }).data.id)
    assert.deepEqual(told.toSorted(), ids)
    const listed = (await two.client.get('/webhooks/events')) as { data: { data: { id: string } }[] }
    assert.deepEqual(listed.data.map(({ data }) => data.id).toSorted(), ids)
  })
})
