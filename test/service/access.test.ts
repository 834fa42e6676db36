import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import OpenAI, { APIError, AzureOpenAI } from 'openai'
import { loadConfig } from '../../gateway/config/load.ts'
import { configurationProblems } from '../../gateway/services.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { readMetrics, sumBy, valueOf } from '../support/read-metrics.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { answersIn, createBatch, linesOf, untilEnded } from '../support/run-batch.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { useFolder } from '../support/use-folder.ts'
import { eventually, within } from '../support/within.ts'

const TIMEOUT = 60_000
const folder = useFolder()
const KEYS = [
  { name: 'admin', key: 'key-of-admin', admin: true },
  { name: 'one-model', key: 'key-of-one-model', models: ['second-ocr'] },
  { name: 'no-batch', key: 'key-of-no-batch', lanes: ['interactive'] },
  { name: 'only-batch', key: 'key-of-only-batch', lanes: ['batch'] },
  { name: 'three-requests', key: 'key-of-three-requests', requests_per_minute: 3 },
  { name: 'chatty', key: 'key-of-chatty', requests_per_minute: 50 },
  { name: 'five-pages', key: 'key-of-five-pages', pages_per_minute: 5 },
  { name: 'streamer', key: 'key-of-streamer', pages_per_minute: 5, requests_per_minute: 9 },
  { name: 'two-at-a-time', key: 'key-of-two-at-a-time', pages_in_flight: 2 },
]

const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from + index)
const pages = (from: number, count: number) => [filePart(makePdf(numbers(from, count).map((number) => ({ number }))))]

async function failure(asked: PromiseLike<unknown>): Promise<APIError> {
  const error = await Promise.resolve(asked).catch((thrown: unknown) => thrown)
  assert.ok(error instanceof APIError, 'it was refused')
  return error
}

describe('who may ask, and how much', { timeout: TIMEOUT }, () => {
  let fake: FakeVllm
  let gateway: TestGateway
  let file: string

  before(async () => {
    file = join(folder.path, 'keys.json')
    await writeFile(file, JSON.stringify(KEYS))
    fake = await startFakeVllm({
      models: [
        'lightonai/LightOnOCR-2-1B',
        { id: 'second-ocr' },
        { id: 'a-chat-model', root: 'meta-llama/Llama-3-8B' },
      ],
    })
    gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_MODEL_PROFILES: 'second-ocr=lightonocr-2,a-chat-model=none',
      GATEWAY_KEYS_FILE: file,
      GATEWAY_API_KEYS: 'plain:key-of-plain',
    })
  })
  after(async () => {
    await gateway.stop()
    await fake.kill()
  })

  const clientOf = (name: string) =>
    new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: `key-of-${name}`, maxRetries: 0 })
  const get = (path: string, headers: Record<string, string>) => fetch(`${gateway.url}${path}`, { headers })
  const post = (name: string, body: unknown) =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer key-of-${name}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  it('takes keys of the settings and of the file, in each of three headers, and refuses two that differ', async () => {
    const sent: [Record<string, string>, number][] = [
      [{ authorization: 'Bearer key-of-plain' }, 200],
      [{ authorization: 'Bearer key-of-admin' }, 200],
      [{ 'api-key': 'key-of-admin' }, 200],
      [{ 'x-api-key': 'key-of-admin' }, 200],
      [{ 'x-api-key': 'key-of-admin', authorization: 'Bearer key-of-admin' }, 200],
      [{ 'x-api-key': 'key-of-admin', authorization: 'Bearer key-of-plain' }, 401],
      [{ 'api-key': 'key-of-nobody' }, 401],
      [{ authorization: 'Basic a2V5LW9mLWFkbWlu' }, 401],
      [{}, 401],
    ]
    for (const [headers, status] of sent)
      assert.equal((await get('/v1/models', headers)).status, status, JSON.stringify(headers))
    const azure = new AzureOpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'key-of-admin', apiVersion: '2024-10-21' })
    assert.ok((await azure.models.list()).data.length > 0)
  })

  it('shows and lets ask a caller its own models alone', async () => {
    const client = clientOf('one-model')
    assert.deepEqual(
      (await client.models.list()).data.map(({ id }) => id),
      ['second-ocr', 'default'],
    )
    assert.equal((await askWhole(client, { parts: pages(1, 1) })).ocr.pages[0]?.model, 'second-ocr')
    const [first] = (await clientOf('plain').models.list()).data
    const refused = await failure(askWhole(client, { parts: pages(1, 1), model: first?.id ?? '' }))
    assert.deepEqual([refused.status, refused.code, refused.param], [404, 'model_not_found', 'model'])
    assert.doesNotMatch(refused.message, /tesseract/)
    assert.equal((await failure(client.models.retrieve('tesseract'))).code, 'model_not_found')
    const chat = client.chat.completions.create({
      model: 'a-chat-model',
      messages: [{ role: 'user', content: 'Hello' }],
    })
    assert.equal((await failure(chat)).code, 'model_not_found')
  })

  it('keeps callers to their lanes', async () => {
    const endpoint = '/v1/chat/completions'
    const line = { custom_id: 'a', body: { model: 'default', messages: [{ role: 'user', content: pages(1, 1) }] } }
    const batch = await failure(createBatch(clientOf('no-batch'), endpoint, linesOf(endpoint, [line])))
    assert.deepEqual([batch.status, batch.code], [403, 'forbidden'])
    const flex = { service_tier: 'flex' as const }
    const messages = [{ role: 'user' as const, content: pages(2, 1) as never }]
    const flexible = failure(clientOf('no-batch').chat.completions.create({ model: 'default', messages, ...flex }))
    assert.equal((await flexible).code, 'forbidden')
    const now = failure(clientOf('only-batch').chat.completions.create({ model: 'default', messages }))
    assert.equal((await now).code, 'forbidden')
    assert.ok((await clientOf('only-batch').chat.completions.create({ model: 'default', messages, ...flex })).id)
    const created = await createBatch(clientOf('only-batch'), endpoint, linesOf(endpoint, [line]))
    assert.equal((await untilEnded(clientOf('only-batch'), created.id)).request_counts.completed, 1)
  })

  it('lets as many requests pass as the limit says, from many connections, and says when the next may', async () => {
    const answers = await Promise.all(numbers(0, 20).map(() => post('three-requests', {})))
    assert.equal(answers.filter(({ status }) => status === 400).length, 3)
    const refused = answers.filter(({ status }) => status === 429)
    assert.equal(refused.length, 17)
    const [answer] = refused
    assert.ok(answer !== undefined)
    assert.equal(((await answer.json()) as { error: { code: string } }).error.code, 'rate_limit_exceeded')
    const retryAfter = Number(answer.headers.get('retry-after'))
    assert.ok(retryAfter > 50 && retryAfter <= 60, `${retryAfter}`)
    assert.equal(answer.headers.get('x-should-retry'), 'true')
    assert.equal(answer.headers.get('x-ratelimit-limit-requests'), '3')
    assert.equal(answer.headers.get('x-ratelimit-remaining-requests'), '0')
    assert.match(answer.headers.get('x-ratelimit-reset-requests') ?? '', /^(\d+s|1m0s)$/)
    // Looking costs nothing.
    assert.equal((await get('/v1/models', { 'api-key': 'key-of-three-requests' })).status, 200)
    const samples = await readMetrics(gateway.url)
    assert.equal(sumBy(samples, 'ocr_gateway_rate_limited_total', 'limit')['requests'], 17)
  })

  it('says what is left in answers that pass through', async () => {
    const answer = await post('chatty', { model: 'a-chat-model', messages: [{ role: 'user', content: 'Hello' }] })
    assert.deepEqual([answer.status, answer.headers.get('x-ratelimit-remaining-requests')], [200, '49'])
  })

  it('counts pages that the cache lacks, and refuses those that do not fit into what is left', async () => {
    const client = clientOf('five-pages')
    const document = pages(100, 5)
    await askWhole(client, { parts: document, ocr: { pages: '1-3' } })
    const refused = await failure(askWhole(client, { parts: pages(110, 3) }))
    assert.deepEqual([refused.status, refused.code, refused.type], [429, 'rate_limit_exceeded', 'rate_limit_error'])
    assert.equal(refused.headers?.get('x-ratelimit-remaining-pages'), '2')
    // Known pages cost nothing, and of the others only two are new.
    assert.equal((await askWhole(client, { parts: document, ocr: { pages: '2-3' } })).cacheHeader, 'HIT')
    assert.equal((await askWhole(client, { parts: document })).cacheHeader, 'PARTIAL')
    assert.equal((await failure(askWhole(client, { parts: pages(120, 1) }))).code, 'rate_limit_exceeded')
    // Nothing is read of a document that is only looked at.
    await askWhole(client, { parts: pages(130, 3), ocr: { dry_run: true } })
  })

  it('says what is left of pages in a stream', async () => {
    const body = { model: 'default', stream: true, messages: [{ role: 'user', content: pages(140, 2) }] }
    const answer = await post('streamer', body)
    await answer.text()
    const said = ['limit-pages', 'remaining-pages', 'limit-requests', 'remaining-requests']
    assert.deepEqual(
      said.map((name) => answer.headers.get(`x-ratelimit-${name}`)),
      ['5', '3', '9', '8'],
    )
  })

  it('reads as many pages of a caller at a time as it may have in flight', async () => {
    let running = 0
    let most = 0
    fake.setAnswer(async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 20))
      running -= 1
      return undefined
    })
    const asked = [pages(200, 6), pages(220, 6)].map((parts) => askStream(clientOf('two-at-a-time'), { parts }))
    await within(Promise.all(asked), 20_000, 'both documents')
    fake.setAnswer(() => undefined)
    // One of the two may just be drawn.
    assert.ok(most === 2 || most === 1, `${most}`)
  })

  it('reads the keys again when they change, and keeps those it has when the file is broken', async () => {
    const works = async (key: string): Promise<boolean> => (await get('/v1/models', { 'api-key': key })).status === 200
    const replace = async (text: string): Promise<void> => {
      await writeFile(`${file}.new`, text)
      await rename(`${file}.new`, file)
    }
    const isBroken = async () => valueOf(await readMetrics(gateway.url), 'ocr_gateway_keys_file_broken')
    await replace('[{"name": "admin", "key": ')
    await eventually(async () => (await isBroken()) === 1, 10_000, 'the broken file is seen')
    assert.ok(await works('key-of-admin'))
    await replace(JSON.stringify([...KEYS.slice(1), { name: 'admin', key: 'another-key' }]))
    await eventually(() => works('another-key'), 10_000, 'the new key works')
    assert.equal(await works('key-of-admin'), false)
    assert.ok(await works('key-of-plain'))
    assert.equal(await isBroken(), 0)
  })
})

describe('a keys file that is broken at the start', () => {
  it('is a problem of the configuration, which names the entry and the field', async () => {
    const file = join(folder.path, 'broken.json')
    const settings = { GATEWAY_KEYS_FILE: file, GATEWAY_API_KEYS: 'a:k' }
    const problems = () => {
      const { config } = loadConfig(settings)
      assert.ok(config !== null)
      return configurationProblems(config)
    }
    assert.deepEqual(problems(), [`GATEWAY_KEYS_FILE ${file}: cannot be read: ENOENT`])
    await writeFile(
      file,
      JSON.stringify([
        { name: 'b', key: 'sk-b', pages_per_minute: -1 },
        { name: 'a', key: 'sk-a' },
      ]),
    )
    assert.deepEqual(problems(), [`GATEWAY_KEYS_FILE ${file}: entry 1 (b): pages_per_minute: must be at least 1`])
    await writeFile(file, JSON.stringify([{ name: 'a', key: 'sk-a' }]))
    assert.match(problems().join(), /entry 1 \(a\): name: another key has it/)
  })
})

describe('pages beyond the limit of a minute', { timeout: TIMEOUT }, () => {
  it('are read window after window, of a document, of a batch and in the background', async () => {
    const file = join(folder.path, 'small.json')
    await writeFile(file, JSON.stringify([{ name: 'small', key: 'key-of-small', pages_per_minute: 3 }]))
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway(
      { GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_KEYS_FILE: file },
      { windowMs: 700 },
    )
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'key-of-small', maxRetries: 0 })
    const startedAt = performance.now()
    const { ocr } = await askStream(client, { parts: pages(1, 7) })
    assert.deepEqual(
      ocr.pages.map(({ status }) => status),
      Array.from({ length: 7 }, () => 'ok'),
    )
    assert.ok(performance.now() - startedAt >= 1400, 'three windows have two ends')

    const file_data = `data:application/pdf;base64,${Buffer.from(makePdf(numbers(50, 5).map((number) => ({ number })))).toString('base64')}`
    const input = [{ role: 'user' as const, content: [{ type: 'input_file' as const, file_data, filename: 'a.pdf' }] }]
    const { id: asked } = await client.responses.create({ model: 'default', background: true, input })
    const isDone = async () => (await client.responses.retrieve(asked)).status === 'completed'
    await eventually(isDone, 20_000, 'the background response')

    const endpoint = '/v1/chat/completions'
    const lines = numbers(0, 2).map((index) => ({
      custom_id: `line ${index}`,
      body: { model: 'default', messages: [{ role: 'user', content: pages(100 + index * 2, 2) }] },
    }))
    const { id } = await createBatch(client, endpoint, linesOf(endpoint, lines))
    const batch = await untilEnded(client, id)
    assert.deepEqual(batch.request_counts, { total: 2, completed: 2, failed: 0 })
    assert.equal((await answersIn(client, batch.output_file_id)).length, 2)
  })

  it('of a batch leave the batches of others their turn, though it has many lines that wait', async () => {
    const file = join(folder.path, 'beside.json')
    const keys = [{ name: 'small', key: 'key-of-small', pages_per_minute: 2 }]
    await writeFile(file, JSON.stringify([...keys, { name: 'other', key: 'key-of-other' }]))
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_KEYS_FILE: file })
    const [small, other] = ['small', 'other'].map(
      (name) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: `key-of-${name}`, maxRetries: 0 }),
    ) as [OpenAI, OpenAI]
    const batchOf = (client: OpenAI, first: number, lines: number, each: number) => {
      const asked = numbers(0, lines).map((line) => ({
        custom_id: `line ${line}`,
        body: { model: 'default', messages: [{ role: 'user', content: pages(first + line * each, each) }] },
      }))
      return createBatch(client, '/v1/chat/completions', linesOf('/v1/chat/completions', asked))
    }
    const waiting = await batchOf(small, 1000, 40, 3)
    const lines = async () => valueOf(await readMetrics(gateway.url), 'ocr_gateway_batch_lines_in_flight')
    await eventually(async () => (await lines()) > 16, 20_000, 'many lines wait')
    const { id } = await batchOf(other, 2000, 3, 2)
    assert.deepEqual((await untilEnded(other, id, 20_000)).request_counts, { total: 3, completed: 3, failed: 0 })
    assert.deepEqual((await small.batches.retrieve(waiting.id)).request_counts, { total: 40, completed: 0, failed: 0 })
  })
})
