import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Redis } from 'ioredis'
import { APIError, toFile } from 'openai'
import type OpenAI from 'openai'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { closingOf } from '../support/closing.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { readMetrics, sumBy } from '../support/read-metrics.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { startRedis } from '../support/start-redis.ts'
import { eventually } from '../support/within.ts'

const MODEL = 'lightonai/LightOnOCR-2-1B'
const PATIENCE = 60_000

async function start(t: TestContext, pageMs: number) {
  const closing = closingOf(t)
  const folder = mkdtempSync(join(tmpdir(), 'replicas-'))
  closing.defer(() => rmSync(folder, { recursive: true, force: true }))
  const redis = closing.use(await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] }))
  const fake = closing.use(
    await startFakeVllm({ answer: ({ image }) => ({ text: `page ${image?.pageNumber}`, firstDelayMs: pageMs }) }),
  )
  const settings = {
    GATEWAY_REDIS_URL: redis.url,
    GATEWAY_UPSTREAM_URLS: fake.url,
    // For all replicas together.
    GATEWAY_UPSTREAM_CONCURRENCY: '4',
    GATEWAY_SHARED_DIR: folder,
    GATEWAY_API_KEYS: 'team:secret,other:hidden',
  }
  const replica = async (): Promise<OpenAI> => {
    const gateway = closing.use(await startTestGateway(settings))
    return gateway.client.withOptions({ apiKey: 'secret' })
  }
  return { redis, fake, replica, settings }
}

async function createBatch(client: OpenAI, requests: number, firstPage = 1): Promise<OpenAI.Batch> {
  const lines = Array.from({ length: requests }, (_, index) => {
    const content = [filePart(makePdf([{ number: index + firstPage }]))]
    const body = { model: MODEL, messages: [{ role: 'user', content }] }
    return JSON.stringify({ custom_id: `${index + 1}`, method: 'POST', url: '/v1/chat/completions', body })
  })
  const file = await toFile(Buffer.from(lines.join('\n')), 'input.jsonl')
  const input = await client.files.create({ file, purpose: 'batch' })
  return client.batches.create({
    input_file_id: input.id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  })
}

async function ended(client: OpenAI, id: string): Promise<OpenAI.Batch> {
  let batch = await client.batches.retrieve(id)
  const isOver = async () => {
    batch = await client.batches.retrieve(id).catch(() => batch)
    return ['completed', 'failed', 'cancelled', 'expired'].includes(batch.status)
  }
  await eventually(isOver, PATIENCE, 'the end of the batch')
  return batch
}

/** What the output file says, by the request: `page N`. */
async function answersOf(client: OpenAI, { output_file_id: id }: OpenAI.Batch): Promise<string[]> {
  const text = await (await client.files.content(id!)).text()
  const lines = text.trim().split('\n')
  return lines.map((line) => {
    const { custom_id, response } = JSON.parse(line)
    return `${custom_id}: ${response.body.choices[0].message.content}`
  })
}

const expected = (requests: number) => Array.from({ length: requests }, (_, index) => `${index + 1}: page ${index + 1}`)

/** Returns how many pages a replica has read. */
async function pagesReadBy({ baseURL }: OpenAI): Promise<number> {
  const samples = await readMetrics(new URL(baseURL).origin)
  return Object.values(sumBy(samples, 'ocr_gateway_pages_total', 'status')).reduce((sum, pages) => sum + pages, 0)
}

describe('batches of replicas', { concurrency: 2 }, () => {
  it('are seen, listed, read and cancelled by any of them, for the key that made them', async (t) => {
    const { fake, replica } = await start(t, 150)
    const [one, other] = [await replica(), await replica()]
    const batch = await createBatch(one, 24)
    assert.equal((await other.batches.retrieve(batch.id)).id, batch.id)
    const done = await ended(other, batch.id)
    assert.deepEqual([done.status, done.request_counts], ['completed', { total: 24, completed: 24, failed: 0 }])
    assert.deepEqual(await answersOf(one, done), expected(24))
    assert.deepEqual(await answersOf(other, done), expected(24))
    for (const client of [one, other]) assert.ok((await pagesReadBy(client)) > 0, 'both have read')
    assert.equal(fake.requests.length, 24)
    assert.deepEqual(
      (await other.batches.list()).data.map(({ id }) => id),
      [batch.id],
    )
    const stranger = other.withOptions({ apiKey: 'hidden' })
    await assert.rejects(stranger.batches.retrieve(batch.id), { status: 404, code: 'batch_not_found' })

    fake.setAnswer(() => ({ text: 'late', firstDelayMs: 60_000 }))
    // Pages that no cache has.
    const second = await createBatch(one, 8, 101)
    await eventually(async () => (await one.batches.retrieve(second.id)).status === 'in_progress', PATIENCE, 'it runs')
    await other.batches.cancel(second.id)
    const cancelled = await ended(one, second.id)
    assert.deepEqual([cancelled.status, cancelled.request_counts?.failed], ['cancelled', 8])
  })

  it('say that Redis is away, and go on when it is back', async (t) => {
    const { redis, fake, replica } = await start(t, 100)
    const client = await replica()
    const batch = await createBatch(client, 20)
    await eventually(() => fake.requests.length > 3, PATIENCE, 'some pages')
    await redis.kill()
    const failure: unknown = await client.batches.retrieve(batch.id).catch((error: unknown) => error)
    assert.ok(failure instanceof APIError)
    assert.deepEqual([failure.status, failure.code], [503, 'storage_unavailable'])
    assert.equal(failure.headers?.get('x-should-retry'), 'true')
    await redis.restart()
    const done = await ended(client, batch.id)
    assert.equal(done.status, 'completed')
    assert.deepEqual(await answersOf(client, done), expected(20))
  })

  it('lose nothing that has ended when Redis is emptied', async (t) => {
    const { redis, fake, replica } = await start(t, 150)
    const [one, other] = [await replica(), await replica()]
    const batch = await createBatch(one, 30)
    const hasEnded = async () => ((await one.batches.retrieve(batch.id)).request_counts?.completed ?? 0) >= 8
    await eventually(hasEnded, PATIENCE, 'some lines have ended')
    const admin = new Redis(redis.url)
    await admin.flushall()
    admin.disconnect()
    const asked = fake.requests.length
    assert.ok(((await other.batches.retrieve(batch.id)).request_counts?.completed ?? 0) >= 8)
    const done = await ended(other, batch.id)
    assert.deepEqual([done.status, done.request_counts], ['completed', { total: 30, completed: 30, failed: 0 }])
    assert.deepEqual(await answersOf(other, done), expected(30))
    // At most what was being read is read again; until they know, both go on with what they have, two pages at a time.
    assert.ok(fake.requests.length - asked <= 30 - 8 + 4, `${fake.requests.length - asked} pages were asked for`)
  })

  it('keep no gateway from stopping while Redis is away', async (t) => {
    const { redis, fake, settings } = await start(t, 200)
    await using gateway = await startGatewayProcess({ ...settings, GATEWAY_DRAIN_SECONDS: '1' })
    const OpenAiClient = (await import('openai')).default
    const client = new OpenAiClient({ baseURL: `${gateway.url}/v1`, apiKey: 'secret', maxRetries: 0 })
    await createBatch(client, 20)
    await eventually(() => fake.requests.length > 3, PATIENCE, 'some pages')
    await redis.kill()
    gateway.child.kill('SIGTERM')
    await eventually(() => gateway.child.exitCode !== null, 30_000, 'the gateway ends')
    assert.equal(gateway.child.exitCode, 0)
  })
})
