import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import OpenAI, { APIError, toFile } from 'openai'
import type { LedgerLine } from '../../gateway/wire/openai/ocr-object.ts'
import { usageList, type UsageList } from '../../gateway/wire/openai/usage.ts'
import type { Answer, FakeRequest } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { dataUrl, filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { readMetrics, sumBy } from '../support/read-metrics.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { startRedis, type RedisServer } from '../support/start-redis.ts'
import { useFolder } from '../support/use-folder.ts'
import { eventually } from '../support/within.ts'

const TIMEOUT = 120_000
const PATIENCE = 30_000
const MODEL = 'lightonai/LightOnOCR-2-1B'
const BUDGET = 10
const folder = useFolder()

// What becomes of pages, by their number.
const REPAIRED = 20
const FAILED = 30
const HELD = 40
const BLANK = 0

const documentOf = (numbers: readonly number[]) =>
  makePdf(numbers.map((number) => (number === BLANK ? { lines: [] } : { number })))
const upTo = (count: number, first = 1): number[] => Array.from({ length: count }, (_, index) => first + index)

/** What clients have been told, as usage has it. */
type Told = Partial<Record<keyof UsageList['totals'], number>>

function add(sum: Told, more: Told): void {
  for (const [name, value] of Object.entries(more) as [keyof Told, number][]) sum[name] = (sum[name] ?? 0) + value
}

function told(pages: readonly LedgerLine[]): Told {
  const sum: Told = {}
  for (const { status, cache, prompt_tokens, completion_tokens } of pages) {
    const isCached = cache === 'hit' || cache === 'joined'
    add(sum, { pages: 1, [`pages_${status}`]: 1, pages_cached: isCached ? 1 : 0 })
    if (!isCached) add(sum, { pages_charged: status === 'blank' ? 0 : 1, prompt_tokens, completion_tokens })
  }
  return sum
}

const pagesIn = (answer: unknown): readonly LedgerLine[] =>
  (answer as { readonly ocr: { readonly pages: readonly LedgerLine[] } }).ocr.pages

describe('usage of two gateways', { timeout: TIMEOUT }, () => {
  let redis: RedisServer
  let fake: FakeVllm
  let gateways: readonly TestGateway[]
  const attempts = new Map<number, number>()
  const letGo = Promise.withResolvers<void>()

  async function answer({ image }: FakeRequest): Promise<Answer | undefined> {
    const number = image?.pageNumber ?? -1
    const attempt = (attempts.get(number) ?? 0) + 1
    attempts.set(number, attempt)
    if (number === FAILED) return { failure: { status: 500, body: { error: { message: 'no', code: 500 } } } }
    if (number === REPAIRED && attempt === 1) return ''
    if (number === HELD) await letGo.promise
    return undefined
  }

  before(async () => {
    const keys = [
      { name: 'boss', key: 'key of boss', admin: true },
      { name: 'team', key: 'key of team' },
      { name: 'held', key: 'key of held', pages_per_month: 12 },
      { name: 'small', key: 'key of small', pages_per_month: BUDGET },
    ]
    const file = join(folder.path, 'keys.json')
    await writeFile(file, JSON.stringify(keys))
    redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    fake = await startFakeVllm({ models: [MODEL, 'some/chat-model'], answer })
    const settings = {
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_KEYS_FILE: file,
      GATEWAY_REDIS_URL: redis.url,
      GATEWAY_SHARED_DIR: folder.path,
    }
    gateways = await Promise.all([startTestGateway(settings), startTestGateway(settings)])
  })
  after(async () => {
    letGo.resolve()
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await fake.kill()
    await redis.stop()
  })

  const clientOf = (name: string, index = 0): OpenAI =>
    new OpenAI({ baseURL: `${gateways[index % 2]!.url}/v1`, apiKey: `key of ${name}`, maxRetries: 0 })

  async function read(query: string, name = 'boss'): Promise<{ readonly status: number; readonly body: unknown }> {
    const headers = { authorization: `Bearer key of ${name}` }
    const response = await fetch(`${gateways[0]!.url}/v1/usage?${query}`, { headers })
    return { status: response.status, body: await response.json() }
  }
  const usage = async (query: string): Promise<UsageList> => usageList.parse((await read(query)).body)

  const asked = (numbers: readonly number[]) => ({
    model: MODEL,
    messages: [{ role: 'user' as const, content: [filePart(documentOf(numbers))] }],
  })
  const ask = (client: OpenAI, numbers: readonly number[], signal?: AbortSignal) =>
    client.chat.completions.create(asked(numbers), { signal })
  const refusal = (promise: Promise<unknown>): Promise<APIError> =>
    promise.then(
      () => assert.fail('it was let in'),
      (error: unknown) => (error instanceof APIError ? error : assert.fail(String(error))),
    )

  async function runBatch(client: OpenAI, documents: readonly (readonly number[])[]) {
    const line = (numbers: readonly number[], index: number) =>
      JSON.stringify({ custom_id: `${index}`, method: 'POST', url: '/v1/chat/completions', body: asked(numbers) })
    const file = await toFile(Buffer.from(documents.map(line).join('\n')), 'input.jsonl')
    const { id } = await client.files.create({ file, purpose: 'batch' })
    const made = { input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const
    let batch = await client.batches.create(made)
    await eventually(
      async () => ((batch = await client.batches.retrieve(batch.id)).completed_at ?? null) !== null,
      PATIENCE,
      'the batch ends',
    )
    const file_id = batch.output_file_id ?? batch.error_file_id ?? ''
    const text = await (await client.files.content(file_id)).text()
    return text.trim().split('\n').map((each) => (JSON.parse(each) as { response: { status_code: number; body: unknown } }).response) // prettier-ignore
  }

  it('is what clients were told, to the page and the token, whatever door they came through', async () => {
    const sum: Told = { pages_fallback: 0 }
    const [one, two] = [clientOf('team', 0), clientOf('team', 1)]
    const all = [1, 2, REPAIRED, FAILED, BLANK]
    add(sum, { requests: 1, ...told(pagesIn(await ask(one, all))) })
    // Of the same document, the good pages are in the cache; the same pages at the same moment are read once.
    add(sum, { requests: 1, ...told(pagesIn(await ask(two, all))) })
    const together = await Promise.all(upTo(6).map((index) => ask(clientOf('team', index), upTo(3, 50))))
    for (const each of together) add(sum, { requests: 1, ...told(pagesIn(each)) })
    // A stream says it in its last chunk.
    const stream = await two.chat.completions.create({ ...asked([1, 3]), stream: true })
    add(sum, { requests: 1, ...told(pagesIn((await Array.fromAsync(stream)).findLast((chunk) => 'ocr' in chunk && 'pages' in (chunk.ocr as object)))) }) // prettier-ignore
    const content = [{ type: 'input_file' as const, filename: 'a.pdf', file_data: dataUrl(documentOf([4]), 'application/pdf') }] // prettier-ignore
    const input = [{ role: 'user' as const, content }]
    add(sum, { requests: 1, ...told(pagesIn(await one.responses.create({ model: MODEL, input }))) })
    const { id } = await one.responses.create({ model: MODEL, input, background: true })
    await Array.fromAsync(await one.responses.retrieve(id, { stream: true }))
    add(sum, { requests: 1, ...told(pagesIn(await one.responses.retrieve(id))) })
    // Text alone.
    for (const stream_options of [undefined, { include_usage: true }]) {
      const chat = { model: 'some/chat-model', messages: [{ role: 'user' as const, content: 'Hello.' }] }
      const answers =
        stream_options === undefined
          ? [await one.chat.completions.create(chat)]
          : await Array.fromAsync(await one.chat.completions.create({ ...chat, stream: true, stream_options }))
      const said = answers.findLast((each) => each.usage != null)?.usage
      const { prompt_tokens = NaN, completion_tokens = NaN } = said ?? {}
      add(sum, { requests: 1, prompt_tokens, completion_tokens })
    }
    for (const { status_code, body } of await runBatch(two, [[5, 6], [1], [7]])) {
      assert.equal(status_code, 200)
      add(sum, { requests: 1, ...told(pagesIn(body)) })
    }
    // What fails, and what nobody waits for any more, is a request without pages.
    assert.equal((await refusal(one.chat.completions.create({ ...asked([1]), messages: [{ role: 'user', content: [filePart(Buffer.from('nothing'))] }] }))).status, 400) // prettier-ignore
    const leave = new AbortController()
    const left = assert.rejects(ask(one, [HELD], leave.signal))
    await eventually(() => attempts.has(HELD), PATIENCE, 'the page is at the engine')
    leave.abort()
    await left
    add(sum, { requests: 2, requests_failed: 2 })

    const found = async (): Promise<Told> => (await usage('key=team&group_by=key')).totals
    await eventually(async () => (await found()).requests === sum.requests, PATIENCE, 'all requests are counted')
    const { wasted_prompt_tokens, wasted_completion_tokens, ...counted } = await found()
    assert.deepEqual(counted, sum)
    assert.deepEqual([sum.pages_repaired, sum.pages_failed, sum.pages_blank], [2, 2, 2])
    assert.ok(Number(wasted_prompt_tokens) > 0 && wasted_completion_tokens !== undefined)
    await isWhatMetricsSay(counted, Number(wasted_prompt_tokens))
  })

  async function isWhatMetricsSay(counted: Told, wastedPrompt: number): Promise<void> {
    const samples = (await Promise.all(gateways.map(({ url }) => readMetrics(url)))).flat()
    const byStatus = sumBy(samples, 'ocr_gateway_pages_total', 'status')
    const inMetrics = Object.fromEntries(Object.entries(byStatus).map(([status, pages]) => [`pages_${status}`, pages]))
    const pagesOf = ({ pages_ok, pages_repaired, pages_fallback = 0, pages_blank, pages_failed }: Told) => ({
      pages_ok,
      pages_repaired,
      pages_fallback,
      pages_blank,
      pages_failed,
    })
    assert.deepEqual(pagesOf(inMetrics), pagesOf(counted))
    assert.equal(sumBy(samples, 'ocr_gateway_wasted_tokens_total', 'kind')['prompt'], wastedPrompt)
  }

  it('is told apart by day, key and model, a part at a time', async () => {
    const { data, has_more, last_id, totals } = await usage('limit=1')
    assert.deepEqual([data.length, has_more, data[0]?.key], [1, true, 'team'])
    const next = await usage(`after=${encodeURIComponent(last_id ?? '')}`)
    const both = [...data, ...next.data]
    assert.deepEqual(
      both.map(({ model }) => model),
      [MODEL, 'some/chat-model'],
    )
    assert.ok(both.every(({ day }) => day === data[0]?.day && /^\d{4}-\d\d-\d\d$/.test(day ?? '')))
    assert.deepEqual([both.reduce((pages, row) => pages + row.pages, 0), next.has_more], [totals.pages, false])
    const [chat] = (await usage('model=some/chat-model&group_by=model')).data
    assert.deepEqual([chat?.requests, chat?.pages, chat?.key, chat?.day], [2, 0, null, null])
    assert.deepEqual((await usage('start_date=2026-01-01&end_date=2026-01-31')).data, [])
  })

  it('is shown to admins alone, who are told what is wrong with their question', async () => {
    const { status, body } = await read('', 'team')
    assert.deepEqual([status, (body as { error: { code: string } }).error.code], [403, 'forbidden'])
    assert.match(JSON.stringify(body), /team is no admin.*GATEWAY_KEYS_FILE/)
    const wrong = await read('start_date=yesterday')
    assert.equal(wrong.status, 400)
    assert.match(JSON.stringify(wrong.body), /"param":"start_date"/)
  })

  it('is kept to a budget, exactly, by both', async () => {
    const asks = await Promise.allSettled(upTo(24).map((index) => ask(clientOf('small', index), [100 + index])))
    const refused = asks.filter((each) => each.status === 'rejected').map(({ reason }) => reason as APIError)
    assert.equal(refused.length, 24 - BUDGET)
    assert.ok(refused.every(({ status, code }) => status === 429 && code === 'rate_limit_exceeded'))
    const last = await refusal(ask(clientOf('small'), [200, 201]))
    assert.deepEqual([last.headers?.get('x-should-retry'), last.headers?.get('retry-after')], ['false', null])
    assert.match(last.message, /10 pages .* 10 were read\. 0 are left, .* has 2 .* next month begins at \d{4}-\d\d-01T/)
    // What is in the cache is free; the lines of a batch are refused as requests are.
    await ask(clientOf('small', 1), [1])
    const lines = await runBatch(clientOf('small', 1), [[202], [203, 204]])
    assert.deepEqual(
      lines.map(({ status_code }) => status_code),
      [429, 429],
    )
    const found = async () => (await usage('key=small')).totals
    await eventually(async () => (await found()).pages === BUDGET + 1, PATIENCE, 'all pages are counted')
    assert.equal((await found()).pages_charged, BUDGET)
  })

  it('gives back what a request held and did not need', async () => {
    const client = clientOf('held')
    await ask(client, [...upTo(4, 300), ...Array.from({ length: 6 }, () => BLANK)])
    await ask(clientOf('held', 1), upTo(8, 400))
    assert.match((await refusal(ask(client, [500]))).message, /12 were read\. 0 are left/)
  })

  it('loses nothing while Redis is away, nor at the end of a gateway', async () => {
    const { pages } = (await usage('key=team')).totals
    await redis.kill()
    await ask(clientOf('team', 0), [600, 601])
    await ask(clientOf('team', 1), [602])
    await redis.restart()
    const [one, two] = gateways
    await two!.stop()
    await eventually(async () => (await read('')).status === 200, PATIENCE, 'Redis is back')
    assert.equal((await usage('key=team')).totals.pages, pages + 3)
    assert.ok(one !== undefined)
  })

  it('of one alone is there again when it is started again, and everybody sees it where there are no keys', async () => {
    const settings = { GATEWAY_DATA_DIR: join(folder.path, 'data'), GATEWAY_UPSTREAM_URLS: fake.url }
    const first = await startTestGateway(settings)
    await first.client.chat.completions.create(asked([1]))
    await first.stop()
    await using second = await startTestGateway(settings)
    await second.client.chat.completions.create(asked([2]))
    await eventually(
      async () => {
        const { data } = usageList.parse(await (await fetch(`${second.url}/v1/usage`)).json())
        return data.length === 1 && data[0]?.pages === 2 && data[0].requests === 2 && data[0].key === null
      },
      PATIENCE,
      'both requests are counted',
    )
  })
})
