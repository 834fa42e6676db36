import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { APIError, toFile, type OpenAI } from 'openai'
import type { BatchCreateParams } from 'openai/resources/batches'
import { startFakeVllm, type FakeVllmOptions } from '../fakes/fake-vllm.ts'
import { makePdf } from '../support/make-pdf.ts'
import { answersIn, bodyOf, createBatch, linesOf, readBatch, untilEnded } from '../support/run-batch.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { eventually } from '../support/within.ts'

const TIMEOUT = 120_000
const CHAT = '/v1/chat/completions'

const pdf = (...numbers: number[]) =>
  `data:application/pdf;base64,${Buffer.from(makePdf(numbers.map((number) => ({ number })))).toString('base64')}`
const chat = (...numbers: number[]) => ({
  model: 'default',
  messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: pdf(...numbers) } }] }],
})
const chats = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ custom_id: `doc ${index}`, body: chat(index + 1) }))
const contentOf = (body: unknown) =>
  (body as { choices: { message: { content: string } }[] }).choices[0]?.message.content
const codeOf = (body: unknown) => (body as { error: { code: string } }).error.code

async function start(settings: Record<string, string> = {}, options: FakeVllmOptions = {}) {
  const fake = await startFakeVllm(options)
  const gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, ...settings })
  return {
    fake,
    gateway,
    client: gateway.client,
    async [Symbol.asyncDispose]() {
      await fake.kill()
      await gateway.stop()
    },
  }
}

/** An upstream whose answers wait until they are let go. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { open: () => resolve(), answer: () => promise.then(() => undefined) }
}

async function failure(asked: PromiseLike<unknown>) {
  const error = await Promise.resolve(asked).catch((thrown: unknown) => thrown)
  assert.ok(error instanceof APIError, 'it was refused')
  return error
}

const create = (client: OpenAI, body: object) => client.batches.create(body as BatchCreateParams)

describe('a batch', { timeout: TIMEOUT, concurrency: 2 }, () => {
  it('answers each request as the endpoint does, in the order of its lines', async () => {
    await using setup = await start()
    const { client } = setup
    const created = await createBatch(client, CHAT, linesOf(CHAT, chats(5)), { metadata: { from: 'a test' } })
    assert.deepEqual(
      [created.status, created.request_counts.total, created.metadata],
      ['validating', 0, { from: 'a test' }],
    )
    const batch = await untilEnded(client, created.id)
    assert.deepEqual([batch.status, batch.request_counts], ['completed', { total: 5, completed: 5, failed: 0 }])
    assert.deepEqual([batch.error_file_id, batch.errors, batch.model], [null, null, 'default'])
    const answers = await answersIn(client, batch.output_file_id)
    assert.deepEqual(
      answers.map(({ custom_id }) => custom_id),
      chats(5).map(({ custom_id }) => custom_id),
    )
    for (const [index, { response }] of answers.entries()) {
      assert.equal(response?.status_code, 200)
      assert.match(contentOf(response.body) ?? '', new RegExp(`This is page ${index + 1}\\.`))
    }
    const usages = answers.map((answer) => (bodyOf(answer) as { usage: { prompt_tokens: number } }).usage)
    assert.equal(
      batch.usage.input_tokens,
      usages.reduce((sum, usage) => sum + usage.prompt_tokens, 0),
    )
    assert.ok(batch.usage.output_tokens > 0)
    const moments = [batch.created_at, batch.in_progress_at, batch.finalizing_at, batch.completed_at]
    assert.deepEqual(
      moments,
      moments.toSorted((one, other) => Number(one) - Number(other)),
    )
    assert.equal(batch.expires_at, batch.created_at + 86_400)
    const file = await client.files.retrieve(batch.output_file_id ?? '')
    assert.deepEqual([file.purpose, file.filename], ['batch_output', `${batch.id}_output.jsonl`])
  })

  it('answers responses and OCR, in their own objects and with their own errors', async () => {
    await using setup = await start()
    const { client } = setup
    const content = [{ type: 'input_file', filename: 'a.pdf', file_data: pdf(7) }]
    const responses = await createBatch(
      client,
      '/v1/responses',
      linesOf('/v1/responses', [{ custom_id: 'a', body: { model: 'default', input: [{ role: 'user', content }] } }]),
    )
    const broken = {
      model: 'default',
      document: { type: 'document_url', document_url: 'data:application/pdf;base64,AAAA' },
    }
    const ocr = await createBatch(
      client,
      '/v1/ocr',
      linesOf('/v1/ocr', [
        {
          custom_id: 'good',
          body: { model: 'mistral-ocr', document: { type: 'document_url', document_url: pdf(8, 9) } },
        },
        { custom_id: 'broken', body: broken },
      ]),
    )
    const [response] = await answersIn(client, (await untilEnded(client, responses.id)).output_file_id)
    const { object, output } = bodyOf(response) as { object: string; output: unknown }
    assert.equal(object, 'response')
    assert.match(JSON.stringify(output), /This is page 7\./)
    const ended = await untilEnded(client, ocr.id)
    assert.deepEqual([ended.status, ended.request_counts], ['completed', { total: 2, completed: 1, failed: 1 }])
    const [good] = await answersIn(client, ended.output_file_id)
    const { pages } = bodyOf(good) as { pages: { index: number; markdown: string }[] }
    assert.deepEqual(
      pages.map(({ index, markdown }) => [index, /This is page (\d)/.exec(markdown)?.[1]]),
      [
        [0, '8'],
        [1, '9'],
      ],
    )
    const [bad] = await answersIn(client, ended.error_file_id)
    assert.deepEqual([bad?.custom_id, bad?.response?.status_code, bad?.error], ['broken', 400, null])
    assert.equal((bodyOf(bad) as { object: string }).object, 'error')
  })

  it('puts each wrong line into the error file, lists it, and runs the others', async () => {
    await using setup = await start()
    const { client } = setup
    const good = linesOf(CHAT, [{ custom_id: 'good', body: chat(1) }])
    const line = (parts: object) =>
      `${JSON.stringify({ custom_id: 'x', method: 'POST', url: CHAT, body: chat(1), ...parts })}\n`
    const wrong: readonly (readonly [string, string | null, string])[] = [
      ['{"custom_id": "no json", \n', null, 'invalid_json'],
      ['[1]\n', null, 'invalid_value'],
      [line({ custom_id: undefined }), null, 'invalid_value'],
      [line({ custom_id: 'good' }), 'good', 'invalid_value'],
      [line({ custom_id: 'get', method: 'GET' }), 'get', 'invalid_value'],
      [line({ custom_id: 'url', url: '/v1/embeddings' }), 'url', 'invalid_value'],
      [line({ custom_id: 'body', body: 'text' }), 'body', 'invalid_value'],
      [line({ custom_id: 'stream', body: { ...chat(1), stream: true } }), 'stream', 'invalid_value'],
      [line({ custom_id: 'background', body: { ...chat(1), background: true } }), 'background', 'invalid_value'],
      [line({ custom_id: 'model', body: { ...chat(1), model: 'gpt-9' } }), 'model', 'model_not_found'],
      // Halves of characters, which are one and the same in UTF-8.
      [line({ custom_id: '\ud800', body: { ...chat(1), model: 'gpt-9' } }), '\ud800', 'model_not_found'],
      [line({ custom_id: '\ud801', body: { ...chat(1), model: 'gpt-9' } }), '\ud801', 'model_not_found'],
    ]
    const input = `\uFEFF${good}\r\n${wrong.map(([text]) => text).join('')}${linesOf(CHAT, [{ custom_id: 'last', body: { ...chat(2), ocr: { pages: '9' } } }]).trimEnd()}`
    const batch = await untilEnded(client, (await createBatch(client, CHAT, input)).id)
    assert.equal(batch.status, 'completed')
    assert.deepEqual(batch.request_counts, { total: 14, completed: 1, failed: 13 })
    assert.deepEqual(
      batch.errors?.data.map(({ code, line: number }) => [code, number]),
      // The second line is empty.
      wrong.map(([, , code], index) => [code, index + 3]),
    )
    assert.deepEqual(
      (await answersIn(client, batch.output_file_id)).map(({ custom_id }) => custom_id),
      ['good'],
    )
    const errors = await answersIn(client, batch.error_file_id)
    assert.deepEqual(
      errors.map(({ custom_id, response }) => [custom_id, codeOf(response?.body)]),
      [...wrong.map(([, id, code]) => [id, code]), ['last', 'page_out_of_range']],
    )
  })

  it('fails where no line can be run, and says why', async () => {
    await using setup = await start()
    const { client } = setup
    for (const [input, code] of [
      ['\n\n \n', 'invalid_value'],
      ['{}\nnothing\n', 'invalid_value'],
      [
        linesOf(
          CHAT,
          Array.from({ length: 50_001 }, () => ({ custom_id: 'a', body: {} })),
        ),
        'invalid_value',
      ],
    ] as const) {
      const batch = await untilEnded(client, (await createBatch(client, CHAT, input)).id)
      assert.deepEqual([batch.status, batch.errors?.data[0]?.code, batch.output_file_id], ['failed', code, null])
      assert.ok(batch.failed_at !== null)
    }
    const all = await untilEnded(client, (await createBatch(client, CHAT, '{}\nnothing\n')).id)
    assert.equal((await answersIn(client, all.error_file_id)).length, 2)
  })

  it('is refused at once where it cannot be one', async () => {
    await using setup = await start()
    const { client } = setup
    const upload = async (text: string, purpose: 'batch' | 'user_data') =>
      (await client.files.create({ file: await toFile(Buffer.from(text), 'a.jsonl'), purpose })).id
    const input_file_id = await upload('{}', 'batch')
    const asked = { input_file_id, endpoint: CHAT, completion_window: '24h' }
    for (const [wrong, status, code, param] of [
      [{ input_file_id: 'file-0' }, 404, 'file_not_found', 'input_file_id'],
      [{ input_file_id: await upload('{}', 'user_data') }, 400, 'invalid_value', 'input_file_id'],
      [{ endpoint: '/v1/embeddings' }, 400, 'invalid_value', 'endpoint'],
      [{ completion_window: '1w' }, 400, 'invalid_value', 'completion_window'],
      [{ completion_window: '15d' }, 400, 'invalid_value', 'completion_window'],
      [{ metadata: { a: 1 } }, 400, 'invalid_value', 'metadata.a'],
      [
        { output_expires_after: { anchor: 'created_at', seconds: 60 } },
        400,
        'invalid_value',
        'output_expires_after.seconds',
      ],
    ] as const) {
      const refused = await failure(create(client, { ...asked, ...wrong }))
      assert.deepEqual([refused.status, refused.code, refused.param], [status, code, param])
    }
    const named = await failure(create(client, { ...asked, metadata: { ['a'.repeat(65)]: 'b' } }))
    assert.match(named.message, /a name has at most 64 characters/)
    const refused = await failure(client.batches.retrieve('batch_0'))
    assert.deepEqual([refused.status, refused.code], [404, 'batch_not_found'])
  })

  it('is cancelled: what is done is kept, and the rest says so', async () => {
    const held = gate()
    let asked = 0
    await using setup = await start(
      { GATEWAY_UPSTREAM_CONCURRENCY: '1' },
      { answer: async () => ((asked += 1) > 2 ? await held.answer() : undefined) },
    )
    const { client } = setup
    const { id } = await createBatch(client, CHAT, linesOf(CHAT, chats(6)))
    await eventually(
      async () => (await client.batches.retrieve(id)).request_counts?.completed === 2,
      30_000,
      'two are done',
    )
    assert.equal(readBatch(await client.batches.cancel(id)).status, 'cancelling')
    const batch = await untilEnded(client, id)
    assert.equal(batch.status, 'cancelled')
    assert.deepEqual(batch.request_counts, { total: 6, completed: 2, failed: 4 })
    assert.equal((await answersIn(client, batch.output_file_id)).length, 2)
    const errors = await answersIn(client, batch.error_file_id)
    assert.deepEqual(
      errors.map(({ response, error }) => [response, error?.code]),
      Array.from({ length: 4 }, () => [null, 'batch_cancelled']),
    )
    assert.deepEqual(readBatch(await client.batches.cancel(id)), batch)
    held.open()
    const whole = await untilEnded(client, (await createBatch(client, CHAT, linesOf(CHAT, chats(1)))).id)
    const refused = await failure(client.batches.cancel(whole.id))
    assert.deepEqual([refused.status, refused.code], [400, 'invalid_value'])
  })

  it('goes on without its input file: what is left says that it is gone', async () => {
    const held = gate()
    await using setup = await start({ GATEWAY_UPSTREAM_CONCURRENCY: '1' }, { answer: held.answer })
    const { client } = setup
    const { id, input_file_id } = await createBatch(client, CHAT, linesOf(CHAT, chats(90)))
    await eventually(async () => (await client.batches.retrieve(id)).status === 'in_progress', 30_000, 'it is begun')
    await eventually(() => setup.fake.requests.length > 0, 30_000, 'a page is asked for')
    await client.files.delete(input_file_id)
    held.open()
    const batch = await untilEnded(client, id)
    const { completed, failed } = batch.request_counts
    assert.deepEqual([batch.status, completed + failed, completed > 0, failed > 0], ['completed', 90, true, true])
    const errors = await answersIn(client, batch.error_file_id)
    assert.deepEqual([...new Set(errors.map(({ response }) => codeOf(response?.body)))], ['file_not_found'])
    assert.equal(errors.length + (await answersIn(client, batch.output_file_id)).length, 90)
  })

  it('expires: what is done is kept, and the rest says so', async () => {
    const held = gate()
    let asked = 0
    await using setup = await start(
      { GATEWAY_UPSTREAM_CONCURRENCY: '1' },
      { answer: async () => ((asked += 1) > 1 ? await held.answer() : undefined) },
    )
    const { client } = setup
    const { id } = await createBatch(client, CHAT, linesOf(CHAT, chats(3)), { completion_window: '1h' } as object)
    await eventually(
      async () => (await client.batches.retrieve(id)).request_counts?.completed === 1,
      30_000,
      'one is done',
    )
    setup.gateway.services.database.open('').prepare('UPDATE batches SET expires = 1 WHERE id = ?').run(id)
    const batch = await untilEnded(client, id)
    assert.deepEqual([batch.status, batch.request_counts], ['expired', { total: 3, completed: 1, failed: 2 }])
    assert.ok(batch.expired_at !== null && batch.finalizing_at !== null)
    assert.equal((await answersIn(client, batch.output_file_id)).length, 1)
    const errors = await answersIn(client, batch.error_file_id)
    assert.deepEqual(
      errors.map(({ response, error }) => [response, error?.code]),
      Array.from({ length: 2 }, () => [null, 'batch_expired']),
    )
    held.open()
  })

  it('waits, and says so, while there is no room for its output', async () => {
    await using setup = await start({ GATEWAY_MAX_STORED_BYTES: String(39 * 1024) })
    const { client } = setup
    const input = linesOf(CHAT, chats(1))
    const filler = await client.files.create({
      file: await toFile(Buffer.alloc(8 * 1024, 'x'), 'x'),
      purpose: 'user_data',
    })
    const padded = `${input}${' '.repeat(28 * 1024 - input.length)}`
    const { id } = await createBatch(client, CHAT, padded)
    const read = async () => readBatch(await client.batches.retrieve(id))
    await eventually(
      async () => (await read()).errors?.data[0]?.code === 'storage_full',
      30_000,
      'it says why it waits',
    )
    assert.equal((await read()).status, 'finalizing')
    await client.files.delete(filler.id)
    const batch = await untilEnded(client, id)
    assert.deepEqual([batch.status, batch.errors], ['completed', null])
    assert.equal((await answersIn(client, batch.output_file_id)).length, 1)
  })

  it('lists the batches of a key, and shows them to no other', async () => {
    await using setup = await start({ GATEWAY_API_KEYS: 'one:key-one-secret,two:key-two-secret' })
    const of = (apiKey: string) => setup.client.withOptions({ apiKey })
    const [one, two] = [of('key-one-secret'), of('key-two-secret')]
    const ids: string[] = []
    for (let count = 0; count < 3; count++) ids.push((await createBatch(one, CHAT, linesOf(CHAT, chats(1)))).id)
    const listed: string[] = []
    for await (const { id } of one.batches.list({ limit: 2 })) listed.push(id)
    assert.deepEqual(listed, ids.toReversed())
    assert.deepEqual((await two.batches.list()).data, [])
    const [id = ''] = ids
    assert.equal((await failure(two.batches.retrieve(id))).code, 'batch_not_found')
    assert.equal((await failure(two.batches.cancel(id))).code, 'batch_not_found')
    for (const each of ids) await untilEnded(one, each)
  })

  it('passes chats without a document on, and answers that are none as errors', async () => {
    await using setup = await start(
      { GATEWAY_MODEL_PROFILES: 'chatty=none' },
      { models: ['lightonai/LightOnOCR-2-1B', 'chatty'] },
    )
    const { client } = setup
    const body = (parts: object) => ({ model: 'chatty', messages: [{ role: 'user', content: 'A title?' }], ...parts })
    const input = linesOf(CHAT, [
      { custom_id: 'chat', body: body({ max_tokens: 5 }) },
      { custom_id: 'wrong', body: body({ temperature: -7 }) },
      { custom_id: 'title', body: body({ model: 'default' }) },
    ])
    const batch = await untilEnded(client, (await createBatch(client, CHAT, input)).id)
    const [answer, title] = await answersIn(client, batch.output_file_id)
    assert.deepEqual([answer?.custom_id, title?.custom_id], ['chat', 'title'])
    assert.equal(batch.request_counts.total, 3)
    assert.equal((bodyOf(answer) as { object: string }).object, 'chat.completion')
    const [wrong] = await answersIn(client, batch.error_file_id)
    assert.deepEqual([wrong?.custom_id, wrong?.response?.status_code], ['wrong', 400])
  })
})
