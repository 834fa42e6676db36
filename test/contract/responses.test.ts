import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { zodTextFormat } from 'openai/helpers/zod'
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses'
import { z } from 'zod'
import { describePage } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { dataUrl } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { collectEvents, deltasOf, inputFile, inputOf, readResponse, textOfResponse } from '../support/read-response.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const pages = (from: number, to = from) =>
  makePdf(Array.from({ length: to - from + 1 }, (_, index) => ({ number: from + index })))
const pdf = pages(7)
const url = dataUrl(pdf, 'application/pdf')

const numbersIn = (content: string) =>
  [...content.matchAll(/This is page (\d+)\./g)].map(([, number]) => Number(number))

const LIGHTON = 'lightonai/LightOnOCR-2-1B'
const VISION = 'maker/vision'

describe('responses on documents', () => {
  let fake: FakeVllm
  let gateway: TestGateway

  before(async () => {
    fake = await startFakeVllm({ models: [LIGHTON, VISION] })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const create = async (body: object) =>
    readResponse(
      await gateway.client.responses.create({ model: 'default', ...body } as ResponseCreateParamsNonStreaming),
    )
  const read = async (body: object) => {
    const response = await create(body)
    return {
      numbers: numbersIn(textOfResponse(response)),
      warnings: response.ocr?.warnings?.map(({ code }) => code) ?? [],
    }
  }

  it('read a PDF whole: its text, its usage, its ledger', async () => {
    const response = await create({ input: inputOf(inputFile(pages(1, 3))), metadata: { order: '7' } })
    const { id, status, model, usage, ocr, output, metadata, error } = response
    assert.match(id, /^resp_[0-9a-f]{32}$/)
    assert.deepEqual([status, model, metadata, error], ['completed', LIGHTON, { order: '7' }, null])
    const text = textOfResponse(response)
    assert.deepEqual(numbersIn(text), [1, 2, 3])
    assert.deepEqual([output.length, output[0]?.role, output[0]?.status], [1, 'assistant', 'completed'])
    assert.equal(usage?.total_tokens, (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0))
    assert.ok((usage?.output_tokens ?? 0) > 0)
    assert.equal(ocr?.document.pages, 3)
    for (const { page, start, end } of ocr?.pages ?? []) {
      assert.match(text.slice(start, end), new RegExp(`^This is page ${page}\\.`))
    }
  })

  for (const [name, input] of [
    ['items with a type', [{ type: 'message', role: 'user', content: [inputFile(pdf)] }]],
    ['items without one', [{ role: 'user', content: [inputFile(pdf)] }]],
    ['an image part without a detail', [{ role: 'user', content: [{ type: 'input_image', image_url: url }] }]],
    ['an address that holds the data', [{ role: 'user', content: [{ type: 'input_file', file_url: url }] }]],
    ['a data URL where an id belongs', [{ role: 'user', content: [{ type: 'input_file', file_id: url }] }]],
    ['a part where an item belongs', [inputFile(pdf)]],
    ['nulls beside the document', [{ role: 'user', content: [{ ...inputFile(pdf), file_id: null, file_url: null }] }]],
    [
      'what a tool gave back',
      [
        { type: 'function_call', call_id: 'a', name: 'scan', arguments: '{}' },
        { type: 'function_call_output', call_id: 'a', output: [inputFile(pdf)] },
      ],
    ],
    [
      'earlier outputs of a model',
      [
        { role: 'user', content: 'Hello' },
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'Hi', annotations: [] }],
        },
        { type: 'reasoning', id: 'rs_1', summary: [] },
        { type: 'function_call', call_id: 'a', name: 'scan', arguments: '{}' },
        { type: 'function_call_output', call_id: 'a', output: 'https://example.org/a.pdf' },
        { type: 'item_reference', id: 'msg_2' },
        { type: 'web_search_call', id: 'ws_1', status: 'completed' },
        { role: 'user', content: [inputFile(pdf)] },
      ],
    ],
  ] as const) {
    it(`read the input of ${name}`, async () => {
      const { numbers } = await read({ input })
      assert.deepEqual(numbers, [7])
    })
  }

  it('accept what LlamaIndex sends: every field that it knows, and null in most', async () => {
    const response = await create({
      input: inputOf({ type: 'input_text', text: '' }, inputFile(pdf)),
      include: null,
      instructions: null,
      max_output_tokens: null,
      metadata: null,
      previous_response_id: null,
      store: false,
      temperature: 0.1,
      tools: [],
      tool_choice: 'auto',
      top_p: 1,
      truncation: 'disabled',
      user: null,
      text: null,
      ocr: null,
      background: null,
      stream: false,
    })
    assert.deepEqual([response.store, response.metadata], [false, {}])
  })

  it('accept what LangChain and LiteLLM send, and ignore it', async () => {
    const ignored = {
      text: {},
      include: ['reasoning.encrypted_content'],
      reasoning: { effort: 'high' },
      max_output_tokens: 3,
      tools: [{ type: 'web_search' }],
      tool_choice: 'required',
      parallel_tool_calls: false,
      prompt_cache_key: 'a',
      stream_options: { include_obfuscation: true },
    }
    const { numbers, warnings } = await read({ input: inputOf(inputFile(pdf)), ...ignored })
    assert.deepEqual([numbers, warnings], [[7], []])
  })

  it('ask a model that takes free prompts in the words of instructions and input', async () => {
    const input = [
      { role: 'developer', content: 'In English.' },
      { role: 'user', content: [{ type: 'input_text', text: 'Read it.' }, inputFile(pages(8))] },
    ]
    await create({ model: VISION, instructions: 'Be brief.', input })
    assert.match(JSON.stringify(fake.requests.at(-1)?.body?.messages), /Be brief\.\\n\\nIn English\.\\n\\nRead it\./)
  })

  it('read the documents of the last message that has any, and of all where that is asked for', async () => {
    const input = [
      ...inputOf(inputFile(pages(1))),
      { role: 'assistant', content: 'One.' },
      ...inputOf(inputFile(pages(2))),
    ]
    assert.deepEqual(await read({ input }), { numbers: [2], warnings: ['documents_not_read'] })
    assert.deepEqual(await read({ input, ocr: { documents: 'all' } }), { numbers: [1, 2], warnings: [] })
  })

  it('take the options of the gateway', async () => {
    const { numbers } = await read({ input: inputOf(inputFile(pages(1, 5))), ocr: { pages: '2,4' } })
    assert.deepEqual(numbers, [2, 4])
  })

  it('are what the client parses, where the model can extract', async () => {
    const invoice = z.object({ number: z.string(), total: z.number() })
    fake.setAnswer(() => '```json\n{"number": "A-7", "total": 12.5}\n```')
    const response = await gateway.client.responses
      .parse({
        model: VISION,
        input: inputOf(inputFile(pages(30))),
        text: { format: zodTextFormat(invoice, 'invoice') },
      })
      .finally(() => fake.setAnswer(() => undefined))
    assert.deepEqual(response.output_parsed, { number: 'A-7', total: 12.5 })
    assert.deepEqual(response.text?.format?.type, 'json_schema')
  })

  it('say that no JSON will come, where the model cannot extract', async () => {
    const format = { type: 'json_schema', name: 'a', schema: { type: 'object', properties: { a: { type: 'string' } } } }
    const { warnings } = await read({ input: inputOf(inputFile(pdf)), text: { format } })
    assert.deepEqual(warnings, ['response_format_ignored'])
  })

  it('are streamed with every event, numbered, and page by page', async () => {
    const stream = await gateway.client.responses.create({
      model: 'default',
      input: inputOf(inputFile(pages(1, 3))),
      stream: true,
    })
    const events = await collectEvents(stream)
    const types = events.map(({ type }) => type.replace('response.', ''))
    const before = ['created', 'in_progress', 'output_item.added', 'content_part.added']
    const after = ['output_text.done', 'content_part.done', 'output_item.done', 'completed']
    assert.deepEqual(types, [...before, ...Array<string>(5).fill('output_text.delta'), ...after])
    const begins = events.flatMap((event) => ('ocr' in event && event.ocr !== undefined ? [event.ocr.page] : []))
    assert.deepEqual(begins, [1, 2, 3])
    const last = events.at(-1)
    assert.ok(last?.type === 'response.completed')
    assert.equal(deltasOf(events).join(''), textOfResponse(last.response))
    assert.equal(last.response.ocr?.pages.length, 3)
  })

  it('are whole in the stream helper of the client, ledger included', async () => {
    const helper = gateway.client.responses.stream({ model: 'default', input: inputOf(inputFile(pages(1, 2))) })
    const texts: string[] = []
    helper.on('response.output_text.delta', ({ delta }) => texts.push(delta))
    const final = await helper.finalResponse()
    assert.deepEqual([final.output_text, numbersIn(final.output_text)], [texts.join(''), [1, 2]])
    assert.equal((final as unknown as { ocr: { pages: unknown[] } }).ocr.pages.length, 2)
  })

  it('name each event on a line of its own', async () => {
    const response = await fetch(`${gateway.url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'default', input: inputOf(inputFile(pdf)), stream: true }),
    })
    const events = (await response.text()).trimEnd().split('\n\n')
    for (const event of events) {
      const [, name, data] = /^event: (\S+)\ndata: (.+)$/.exec(event) ?? []
      assert.equal((JSON.parse(data ?? '') as { type: string }).type, name)
    }
    assert.match(events.at(-1) ?? '', /^event: response\.completed\n/)
  })

  for (const [body, code, param] of [
    [
      { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }] },
      'file_not_found',
      'input[0].content[0].file_id',
    ],
    [
      { input: [{ role: 'user', content: [{ type: 'input_file', file_url: 'https://a/b.pdf' }] }] },
      'url_not_allowed',
      'input[0].content[0].file_url',
    ],
    [
      { input: [{ role: 'user', content: [{ type: 'input_audio', data: 'a' }] }] },
      'invalid_value',
      'input[0].content[0].type',
    ],
    [
      { input: [{ role: 'user', content: [{ type: 'input_file', filename: 'a.pdf' }] }] },
      'invalid_value',
      'input[0].content[0].file_data',
    ],
    [{ input: [{ role: 'user', content: 7 }] }, 'invalid_value', 'input[0].content'],
    [{ input: [{ content: 'Hello' }] }, 'invalid_value', 'input[0].role'],
    [{ input: [{ type: 'painting' }] }, 'invalid_value', 'input[0].type'],
    [{ input: 7 }, 'invalid_value', 'input'],
    [{ input: inputOf(inputFile(pdf)), metadata: { a: 1 } }, 'invalid_value', 'metadata.a'],
    [{ input: inputOf(inputFile(pdf)), conversation: 'conv_1' }, 'invalid_value', 'conversation'],
    [{ input: inputOf(inputFile(pdf)), prompt: { id: 'pmpt_1' } }, 'invalid_value', 'prompt'],
    [{ input: inputOf(inputFile(pdf)), ocr: { page: 1 } }, 'unknown_option', 'ocr.page'],
    [{ input: inputOf(inputFile(pdf)), ocr: { pages: '9' } }, 'page_out_of_range', 'ocr.pages'],
    [{ input: inputOf(inputFile(pdf)), background: true, store: false }, 'invalid_value', 'store'],
    [{ input: inputOf(inputFile(pdf)), background: true, ocr: { password: 'a' } }, 'invalid_value', 'ocr.password'],
    [{ input: 'Hello', model: 'tesseract' }, 'invalid_value', 'input'],
    [{ input: null, model: 'tesseract' }, 'invalid_value', 'input'],
    [{ input: inputOf(inputFile(pdf)), model: 'nobody' }, 'model_not_found', 'model'],
  ] as const) {
    it(`are refused where they are at fault: ${JSON.stringify(body).replaceAll(url, '…')}`, async () => {
      const before = fake.requests.length
      await assert.rejects(create(body), { code, param })
      assert.equal(fake.requests.length, before)
    })
  }
})

describe('a response whose client waits no longer', () => {
  it('is completed, never incomplete, with the pages that were read', async () => {
    await using fake = await startFakeVllm({
      async answer({ image }) {
        const text = image === null ? '' : describePage(image)
        if (text.includes('page 2.')) await new Promise((resolve) => setTimeout(resolve, 20_000).unref())
        return text
      },
    })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const body = { model: 'default', input: inputOf(inputFile(pages(1, 2))), ocr: { on_deadline: 'partial' } }
    const {
      status,
      incomplete_details: details,
      ocr,
    } = readResponse(await gateway.client.responses.create(body as ResponseCreateParamsNonStreaming, { timeout: 4000 }))
    assert.deepEqual([status, details], ['completed', null])
    assert.deepEqual(
      ocr?.pages.map((page) => page.status),
      ['ok', 'pending'],
    )
  })
})

describe('a stream of a response that fails', () => {
  it('ends in one event that every client raises, after what was read', async () => {
    let asked = 0
    await using fake = await startFakeVllm({
      answer: () =>
        asked++ === 0 ? 'The first page.' : ({ status: 400, body: { error: { message: 'no', code: 400 } } } as never),
    })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_LOOKAHEAD: '1' })
    const body = { model: 'default', input: inputOf(inputFile(pages(1, 3))), ocr: { on_page_error: 'fail' } }
    const response = await fetch(`${gateway.url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, stream: true }),
    })
    const events = (await response.text()).trimEnd().split('\n\n')
    assert.equal(events.filter((event) => event.startsWith('event: error\n')).length, 1)
    const last = JSON.parse(/\ndata: (.+)$/.exec(events.at(-1) ?? '')?.[1] ?? '') as Record<string, unknown>
    const { type, sequence_number: number, code, message, error } = last
    assert.deepEqual([type, number, code], ['error', events.length - 1, 'engine_error'])
    assert.match(String(message), /^Page 2: /)
    assert.deepEqual(error, { message, type: 'server_error', param: null, code })
    const stream = gateway.client.responses.stream(body as never)
    await assert.rejects(stream.finalResponse(), /Page 2: /)
  })
})
