import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { createSharedRedis } from '../../gateway/store/redis.ts'
import { startReceiver, unwrapEvent, WEBHOOK_SECRET } from '../support/start-receiver.ts'
import { startRedis } from '../support/start-redis.ts'
import { createWebhookBench } from '../support/webhook-bench.ts'
import { eventually } from '../support/within.ts'

const DEADLINE = 10_000
const HOUR = 3_600_000

describe('the delivery of a webhook event', { concurrency: 3 }, () => {
  it('is tried for about a day while the receiver answers 500, and then given up loudly', async () => {
    await using receiver = await startReceiver()
    await using bench = createWebhookBench(receiver)
    receiver.answer((response) => response.writeHead(500).end('Oh no.'))
    const startedAt = bench.now()
    await bench.tell('batch_1')
    const waits: number[] = []
    let event = await bench.tried('batch_1', 1)
    while (event.status === 'pending') {
      waits.push((event.dueAt! - bench.now()) / 1000)
      event = await bench.tried('batch_1', event.attempts + 1)
    }
    const bounds = [5, 60, 300, 1800, 2 * 3600, 5 * 3600, 8 * 3600, 8 * 3600]
    assert.equal(waits.length, bounds.length)
    for (const [index, least] of bounds.entries())
      assert.ok(waits[index]! >= least && waits[index]! <= 1.2 * least, waits.join())
    const hours = (bench.now() - startedAt) / HOUR
    assert.ok(hours > 23 && hours < 29, `${hours}`)
    assert.deepEqual([event.status, event.attempts, event.problem], ['failed', 9, 'answered with status 500'])
    assert.deepEqual(await bench.outcomes(), { failed: 8, given_up: 1 })
    assert.match(bench.logged(), /"level":50,.*webhook event given up/)
    // Each try was the same event, signed anew.
    assert.equal(new Set(receiver.received.map(({ body }) => body)).size, 1)
    assert.equal(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size, 1)
    // The operator has repaired the receiver.
    receiver.answer((response) => response.writeHead(200).end())
    await bench.webhooks.redeliver(null, event.id)
    await eventually(async () => (await bench.find('batch_1')).status === 'delivered', DEADLINE, 'the delivery')
    assert.equal(receiver.received.length, 10)
  })

  it('says nothing secret in the log', async () => {
    await using receiver = await startReceiver()
    await using bench = createWebhookBench({ url: `${receiver.url}/T0KEN?key=S3CRET` })
    receiver.answer((response) => response.writeHead(receiver.received.length === 1 ? 500 : 200).end())
    await bench.tell('batch_1')
    await bench.tried('batch_1', 2)
    assert.equal(receiver.received[1]?.path, '/hooks/T0KEN?key=S3CRET')
    assert.match(bench.logged(), /webhook event is sent again later.*webhook event delivered/s)
    assert.doesNotMatch(bench.logged(), /T0KEN|S3CRET|whsec|MDEyMzQ1/)
  })

  it('is signed with each secret, so that a receiver can change from one to the next', async () => {
    const next = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    await using receiver = await startReceiver()
    await using bench = createWebhookBench({ url: receiver.url, secrets: [next, WEBHOOK_SECRET] })
    await bench.tell('batch_1')
    await bench.tried('batch_1', 1)
    const [event] = receiver.received
    assert.equal((await unwrapEvent(event!)).id, (await unwrapEvent(event!, next)).id)
    await assert.rejects(unwrapEvent(event!, `whsec_${Buffer.alloc(32, 8).toString('base64')}`))
    await assert.rejects(unwrapEvent({ ...event!, body: event!.body.replace('batch_1', 'batch_2') }))
  })

  for (const [name, status, headers, least] of [
    ['as long as the receiver asks for, in seconds', 429, { 'retry-after': '600' }, 600],
    [
      'as long as the receiver asks for, until a date',
      503,
      { 'retry-after': new Date(Date.now() + 900_000).toUTCString() },
      890,
    ],
    ['no longer than ten hours, whatever the receiver asks for', 503, { 'retry-after': '999999999' }, 36_000],
    ['no less than otherwise', 503, { 'retry-after': '0' }, 5],
  ] as const)
    it(`waits ${name}`, async () => {
      await using receiver = await startReceiver()
      await using bench = createWebhookBench(receiver)
      receiver.answer((response) => response.writeHead(status, headers).end())
      await bench.tell('batch_1')
      const { dueAt, problem } = await bench.tried('batch_1', 1)
      const seconds = (dueAt! - bench.now()) / 1000
      assert.ok(seconds >= least && seconds <= 1.21 * least + 12, `${seconds}`)
      assert.equal(problem, `answered with status ${status}`)
    })

  it('ends with 410', async () => {
    await using receiver = await startReceiver()
    await using bench = createWebhookBench(receiver)
    receiver.answer((response) => response.writeHead(410).end())
    await bench.tell('batch_1')
    const { status, attempts, problem } = await bench.tried('batch_1', 1)
    assert.deepEqual(
      [status, attempts, problem],
      ['failed', 1, 'answered with status 410: it does not want this event'],
    )
    assert.match(bench.logged(), /given up/)
  })

  it('follows no redirect', async () => {
    await using receiver = await startReceiver()
    await using elsewhere = await startReceiver()
    await using bench = createWebhookBench(receiver)
    receiver.answer((response) => response.writeHead(307, { location: elsewhere.url }).end())
    await bench.tell('batch_1')
    const { status, problem } = await bench.tried('batch_1', 1)
    assert.equal(status, 'pending')
    assert.match(problem!, /status 307, and redirects are not followed/)
    assert.equal(elsewhere.received.length, 0)
  })

  it('is tried again where the connection is reset in the middle', async () => {
    await using receiver = await startReceiver()
    await using bench = createWebhookBench(receiver)
    receiver.answer((response) => response.socket?.resetAndDestroy())
    await bench.tell('batch_1')
    const { status, problem } = await bench.tried('batch_1', 1)
    assert.deepEqual([status, problem], ['pending', 'broke the connection off'])
    // And where it breaks after its answer has begun, the answer counts.
    receiver.answer((response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('Th', () => response.socket?.resetAndDestroy())
    })
    assert.equal((await bench.tried('batch_1', 2)).status, 'delivered')
  })

  it('does not read an answer that never ends', async () => {
    await using receiver = await startReceiver()
    await using bench = createWebhookBench(receiver)
    let isOpen = true
    receiver.answer((response) => {
      response.writeHead(200)
      const piece = Buffer.alloc(64 * 1024)
      const more = (): void => void (isOpen && !response.destroyed && (response.write(piece) ? setImmediate(more) : response.once('drain', more))) // prettier-ignore
      response.once('close', () => (isOpen = false))
      more()
    })
    await bench.tell('batch_1')
    assert.equal((await bench.tried('batch_1', 1)).status, 'delivered')
    await eventually(() => !isOpen, DEADLINE, 'the end of the connection')
  })

  it('says that nobody is there', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    await using bench = createWebhookBench({ url: `http://127.0.0.1:${port}/` })
    await bench.tell('batch_1')
    assert.equal((await bench.tried('batch_1', 1)).problem, 'refused the connection')
  })

  for (const [name, url, leadsTo] of [
    ['is private', 'http://127.0.0.1:PORT/', []],
    ['has a name that leads to a private address', 'http://receiver.example:PORT/', ['127.0.0.1']],
    [
      'has a name that leads to a private address among others',
      'http://receiver.example:PORT/',
      ['8.8.8.8', '127.0.0.1'],
    ],
    ['has a name that leads to the metadata of a cloud', 'http://receiver.example:PORT/', ['169.254.169.254']],
  ] as const)
    it(`never connects to a receiver that ${name}`, async () => {
      await using receiver = await startReceiver()
      await using bench = createWebhookBench({
        url: url.replace('PORT', new URL(receiver.url).port),
        listed: [],
        resolve: async () => leadsTo.map((address) => ({ address, family: 4 })),
      })
      await bench.tell('batch_1')
      const { status, problem } = await bench.tried('batch_1', 1)
      assert.equal(status, 'pending')
      assert.match(problem!, /leads to an address that is not public: list its host in GATEWAY_ALLOWED_URL_HOSTS/)
      assert.equal(receiver.received.length, 0)
    })

  it('goes on in the next process', async () => {
    await using receiver = await startReceiver()
    await using bench = createWebhookBench(receiver)
    receiver.answer((response) => response.writeHead(503).end())
    await bench.tell('batch_1')
    assert.equal((await bench.tried('batch_1', 1)).attempts, 1)
    receiver.answer(() => {})
    bench.pass(10_000)
    await bench.webhooks.tell([])
    await eventually(() => receiver.received.length === 2, DEADLINE, 'the second try')
    // It is broken off, and given back.
    await bench.restart()
    receiver.answer((response) => response.writeHead(200).end())
    await eventually(async () => (await bench.find('batch_1')).status === 'delivered', DEADLINE, 'the delivery')
    assert.deepEqual([(await bench.find('batch_1')).attempts, receiver.received.length], [2, 3])
  })

  it('is not held up by others that the receiver does not answer', async () => {
    await using receiver = await startReceiver()
    await using bench = createWebhookBench({ url: receiver.url, timeoutSeconds: 2 })
    receiver.answer((response, { body }) => void (body.includes('slow') || response.writeHead(200).end()))
    for (const slow of [1, 2, 3, 4, 5]) await bench.tell(`slow_${slow}`)
    await eventually(() => receiver.received.length === 5, DEADLINE, 'the slow ones')
    await bench.tell('batch_1')
    await eventually(async () => (await bench.find('batch_1')).status === 'delivered', DEADLINE, 'the delivery')
    const { status, problem } = await bench.tried('slow_1', 1)
    assert.deepEqual([status, problem], ['pending', 'did not answer within 2 seconds'])
  })

  it('is made once by two replicas that share a Redis', async () => {
    await using redis = await startRedis()
    await using receiver = await startReceiver()
    await using connections = new AsyncDisposableStack()
    const connect = () => connections.adopt(createSharedRedis({ url: redis.url }), (it) => it.close())
    await using one = createWebhookBench({ url: receiver.url, shared: connect() })
    await using two = createWebhookBench({ url: receiver.url, shared: connect() })
    const batches = Array.from({ length: 50 }, (_, index) => `batch_${index}`)
    // Both have seen each end.
    await Promise.all(batches.flatMap((batch) => [one.tell(batch), two.tell(batch)]))
    const delivered = async () =>
      (await Promise.all(batches.map((batch) => one.find(batch)))).filter(({ status }) => status === 'delivered')
    await eventually(async () => (await delivered()).length === 50, DEADLINE, 'all deliveries')
    const events = await Promise.all(receiver.received.map((event) => unwrapEvent(event)))
    assert.deepEqual(events.map((event) => ('data' in event && 'id' in event.data ? event.data.id : '')).toSorted(), batches.toSorted()) // prettier-ignore
    const shares = await Promise.all([one.outcomes(), two.outcomes()])
    assert.equal(
      shares.reduce((sum, { delivered: share = 0 }) => sum + share, 0),
      50,
    )
  })

  it('waits while Redis is away', async () => {
    await using redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    await using receiver = await startReceiver()
    await using connections = new AsyncDisposableStack()
    const shared = connections.adopt(createSharedRedis({ url: redis.url }), (it) => it.close())
    await using bench = createWebhookBench({ url: receiver.url, shared })
    receiver.answer((response) => response.writeHead(503).end())
    await bench.tell('batch_1')
    await bench.tried('batch_1', 1)
    receiver.answer((response) => response.writeHead(200).end())
    redis.pause()
    bench.pass(10_000)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    assert.equal(receiver.received.length, 1)
    redis.resume()
    await eventually(() => receiver.received.length === 2, DEADLINE, 'the next try')
    await eventually(async () => (await bench.find('batch_1')).status === 'delivered', DEADLINE, 'the delivery')
  })

  it('says the time of Redis to the receiver, who takes nothing from a replica whose clock is wrong', async (t) => {
    await using redis = await startRedis()
    await using receiver = await startReceiver()
    await using connections = new AsyncDisposableStack()
    const shared = connections.adopt(createSharedRedis({ url: redis.url }), (it) => it.close())
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() - 600_000 })
    await using bench = createWebhookBench({ url: receiver.url, shared })
    await bench.tell('batch_1')
    await eventually(() => receiver.received.length === 1, DEADLINE, 'the event')
    t.mock.timers.reset()
    assert.equal((await unwrapEvent(receiver.received[0]!)).type, 'batch.completed')
  })
})
